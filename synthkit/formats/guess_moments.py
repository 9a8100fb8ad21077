"""Which written forms of dates and times a column's texts may have: candidates, of which the values decide.

The commonest make-up of the texts (digits, words, signs between them) says what the parts may be; the lengths of the
digits say which are filled up with zeros. Only the order of day, month and two-digit year is tried.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from synthkit.formats.moments import DAYS, MONTHS

_TOKEN = re.compile(r"[0-9]+|[A-Za-z]+|[^A-Za-z0-9]+")
_LONGEST = 60  # characters: no moment is longer
_WORDS = (("B", MONTHS), ("b", [m[:3] for m in MONTHS]), ("A", DAYS), ("a", [d[:3] for d in DAYS]))
_WHOLE = {
    8: ("%Y%m%d", "%d%m%Y", "%m%d%Y"),
    6: ("%Y%m",),
    14: ("%Y%m%d%H%M%S",),
    12: ("%Y%m%d%H%M",),
}


def guess_moments(texts: Sequence[str]) -> list[str]:
    """Forms that most of the texts may have, the likeliest first; [] where they look like no moment."""
    made = Counter(_make_up(text) for text in texts)
    make_up, count = made.most_common(1)[0]
    if make_up is None or 2 * count < len(texts):
        return []
    tokens = [_TOKEN.findall(text) for text in texts if _make_up(text) == make_up]
    return list(dict.fromkeys(_candidates(make_up, tokens)))


def _make_up(text: str) -> tuple[str, ...] | None:
    """``9`` for digits, the directive of a name, other words and signs as they are; None for what is no moment."""
    if len(text) > _LONGEST:
        return None
    found = [_part(token) for token in _TOKEN.findall(text)]
    names = [p for p in found if p.startswith("%")]
    if not 1 <= sum(p == "9" for p in found) <= 7 or len(names) > 3:
        return None
    return tuple(found)


def _part(token: str) -> str:
    if token.isdigit():
        return "9"
    if token in ("AM", "PM"):
        return "%p"
    if token in ("am", "pm"):
        return "%P"
    for directive, words in _WORDS:
        if token in words and token != "May":
            return f"%{directive}"
        if token in [w.upper() for w in words] and token != "MAY":
            return f"%^{directive}"
    return {"May": "%b", "MAY": "%^b"}.get(token, token)


def _candidates(make_up: tuple[str, ...], tokens: Sequence[Sequence[str]]) -> Iterator[str]:
    lengths = [{len(t[i]) for t in tokens} for i in range(len(make_up))]
    parts = list(make_up)
    clock = _clock(parts, lengths, tokens)
    digits = [i for i, p in enumerate(parts) if p == "9"]
    month = next((p for p in parts if p in ("%b", "%B", "%^b", "%^B")), None)
    orders = (("m", "d"), ("d", "m")) if "/" in parts else (("d", "m"), ("m", "d"))
    for named in _dates(digits, lengths, month is not None, orders):
        made = list(parts)
        for i, directive in named.items():
            made[i] = directive
        if clock and all(_noon(t, clock) for t in tokens):  # a midnight that every value has says nothing
            yield "".join(tokens[0][i] if i in clock else p.replace("%%", "%") for i, p in enumerate(made))
        yield "".join(made)


def _clock(parts: list[str], lengths: Sequence[set[int]], tokens: Sequence[Sequence[str]]) -> list[int]:
    """Name the parts of a time of day in place; their positions."""
    start = next((i for i in range(len(parts) - 2) if (parts[i], parts[i + 1], parts[i + 2]) == ("9", ":", "9")), None)
    if start is None:
        return []
    half = next((i for i, p in enumerate(parts) if p in ("%p", "%P")), None)
    short = "-" if 1 in lengths[start] else ""
    parts[start], parts[start + 2] = f"%{short}{'H' if half is None else 'I'}", "%M"
    found = [start, start + 2]
    if parts[start + 3 : start + 5] == [":", "9"]:
        parts[start + 4] = "%S"
        found.append(start + 4)
        if parts[start + 5 : start + 7] == [".", "9"]:
            fraction = start + 6
            parts[fraction] = {6: "%f", 3: "%g"}.get(max(lengths[fraction]), tokens[0][fraction])
            found.append(fraction)
    return found if half is None else [*found, half]


def _noon(tokens: Sequence[str], clock: Sequence[int]) -> bool:
    """Whether a time of day is midnight: all zeros, on 24 hours."""
    return all(set(tokens[i]) == {"0"} for i in clock)


def _dates(
    digits: Sequence[int], lengths: Sequence[set[int]], named: bool, orders: Sequence[tuple[str, str]]
) -> Iterator[dict[int, str]]:
    """What the digits that are no clock may be, by position.

    Args:
        named: whether the month is a word.
        orders: of month and day before a year, the likelier first.
    """

    def short(directive: str, at: int) -> str:
        return f"%-{directive}" if 1 in lengths[at] else f"%{directive}"

    years = [i for i in digits if lengths[i] == {4}]
    small = [i for i in digits if max(lengths[i]) <= 2]
    if not digits:
        yield {}
    elif len(digits) == 1 and len(lengths[digits[0]]) == 1 and not named:
        for form in _WHOLE.get(max(lengths[digits[0]]), ()):
            yield {digits[0]: form}
    elif len(years) + len(small) != len(digits):
        return
    elif named and len(digits) == 1:
        yield {digits[0]: "%Y" if years else "%y"}
    elif named and len(digits) == 2 and len(years) <= 1:
        year = years[0] if years else digits[1]
        day = digits[1] if year == digits[0] else digits[0]
        yield {year: "%Y" if years else "%y", day: short("d", day)}
    elif len(digits) == 2 and len(years) == 1 and not named:
        yield {years[0]: "%Y", small[0]: short("m", small[0])}
    elif len(digits) == 3 and len(years) <= 1 and not named and (not years or years[0] != digits[1]):
        first, second, third = digits
        if years:
            a, b = small
            for one, two in orders if years[0] == third else (("m", "d"), ("d", "m")):
                yield {years[0]: "%Y", a: short(one, a), b: short(two, b)}
        else:
            for one, two in orders:
                yield {first: short(one, first), second: short(two, second), third: "%y"}
            yield {first: "%y", second: short("m", second), third: short("d", third)}
