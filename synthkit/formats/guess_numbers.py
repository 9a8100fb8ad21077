"""Which written forms of numbers a column's texts may have: candidates, of which the values decide.

What stands around the digits of most texts is taken to stand around all. Letters before a number make it a code
(``A12``), so only signs and currencies may.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from synthkit.formats.numbers import DIGITS, THOUSANDS

_SIGNS = re.escape(THOUSANDS)
_NUMBER = re.compile(rf"(\D*?)([0-9](?:[{_SIGNS}]?[0-9])*)(\D*|\s?[A-Za-z]{{1,3}}[23])", re.DOTALL)
_CURRENCY = re.compile(r"[-(]*[^\w\s]?\s?[-(]*|[-(]*([A-Z]{0,2}[$€£¥₹₩₽₺]|[A-Z]{3}|Rs\.?|kr\.?)\s?[-(]*")
_LONGEST = 40  # characters
MOST_UNITS = 12
BETWEEN = (" - ", "-", " – ", "–", " to ")


def guess_numbers(texts: Sequence[str]) -> list[str]:
    """Forms that most of the texts may have, the likeliest first; [] where they look like no number."""
    matched = [m for text in texts if len(text) <= _LONGEST and (m := _NUMBER.fullmatch(text))]
    if 2 * len(matched) < len(texts):
        return []
    around = Counter((_bare(m[1]), _bare(m[3])) for m in matched)
    (before, after), _ = around.most_common(1)[0]
    same = [m for m in matched if (_bare(m[1]), _bare(m[3])) == (before, after)]
    if not _CURRENCY.fullmatch(before) or len(after) > 12:
        return []
    cores = [m[2] for m in same]
    bracketed = any("(" in m[1] for m in same)
    inner = any(re.fullmatch(r"[^-(]+-", m[1]) for m in same)
    found = []
    for number in _shown(cores):
        shown = f"({number})" if bracketed else f"-{number}" if inner else number
        found.append(f"{before}{shown}{after}")
    return list(dict.fromkeys(found))


def _bare(around: str) -> str:
    return re.sub(r"[-()]", "", around)


def _shown(cores: Sequence[str]) -> Iterator[str]:
    """1234.56 as these digits may be written.

    A sign that three digits follow wherever it stands groups thousands, unless it is a point that all numbers have.
    """
    signs = Counter(c for core in cores for c in core if not c.isdigit())
    groups = [c for c in signs if all(len(part) == 3 for core in cores for part in core.split(c)[1:])]
    grouped = [c for c in groups if c != "." or any(c not in core for core in cores)]
    for thousands in (*grouped, "", *(c for c in signs if c not in grouped)):
        points = [c for c in ",." if signs[c] and c != thousands]
        for point in points or [","] if thousands == "." else points or ["."]:
            lengths = {len(core.rpartition(point)[2]) if point in core else 0 for core in cores}
            if max(lengths) > len(DIGITS):
                continue
            whole = f"1{thousands}234"
            if lengths == {0}:
                yield whole
            elif len(lengths) == 1:
                yield f"{whole}{point}{DIGITS[: max(lengths)]}"
            else:
                yield f"{whole}{point}5…"
                yield f"{whole}{point}0…"


def ranges_of(form: str) -> list[str]:
    """The forms of ranges between two numbers of this form."""
    return [f"{form}{between}{form}" for between in BETWEEN]


def units_of(texts: Sequence[str]) -> list[str]:
    """The forms of numbers with something around them that these texts may have, the commonest first.

    Each unit has its own form, as its numbers may be written otherwise.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for text in texts:
        if len(text) <= _LONGEST and (found := _NUMBER.fullmatch(text)):
            groups.setdefault((_bare(found[1]), _bare(found[3])), []).append(text)
    common = sorted(groups.values(), key=len, reverse=True)[:MOST_UNITS]
    return [form for group in common for form in guess_numbers(group)[:1]]
