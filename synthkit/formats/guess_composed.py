"""Which forms of several parts a column's texts may have: addresses, phone numbers, coordinates, codes of one pattern.

Addresses and numbers have a grammar of their own, which nearly all texts must have. A code is what digits and short
runs of letters make up alike in nearly all of them; words, which differ in length, make none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from synthkit.formats.numbers import DIGITS

NEARLY_ALL = 0.9
OFTEN = 0.05  # of the texts have a form, to be one of several
MOST_FORMS = 5
MOST_TOKENS = 12
LONGEST = 64
_AT = re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+")
_WEB = re.compile(r"(https?://|www\.)\S+", re.ASCII)
_PHONE = re.compile(
    r"(?P<before>(?:\+?1[-. ]?)?\(?)[2-9][0-9]{2}(?P<between>\)[-. ]?|[-. ])[2-9][0-9]{2}(?P<then>[-. ]?)[0-9]{4}",
    re.ASCII,
)
_DEGREES = re.compile(
    r"(\(?)(-?)([0-9]{1,3}\.[0-9]+)(°? ?)([NSEW]?)([,; ] ?)(-?)([0-9]{1,3}\.[0-9]+)(°? ?)([NSEW]?)(\)?)", re.ASCII
)
_IP = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", re.ASCII)
_TOKEN = re.compile(r"[0-9]+|[A-Z]+|[a-z]+|[^0-9A-Za-z]+", re.ASCII)


def guess_composed(texts: Sequence[str]) -> list[str]:
    """Forms that most of the different texts may have, the likeliest first; [] where they look like none."""
    if _share(_AT, texts) >= NEARLY_ALL:
        return ["{user}@{domain}"]
    if _share(_WEB, texts) >= NEARLY_ALL:
        return ["{site}{path}"]
    if _share(_IP, texts) >= NEARLY_ALL:
        return [".".join(["{octet}"] * 4)]
    phones = Counter(_phone(m) for text in texts if (m := _PHONE.fullmatch(text)))
    if phones.total() >= NEARLY_ALL * len(texts):
        return _several(phones, len(texts))
    return list(_coordinates(texts)) or _codes(texts) or _digits(texts)


def _share(grammar: re.Pattern[str], texts: Sequence[str]) -> float:
    return sum(grammar.fullmatch(text) is not None for text in texts) / len(texts)


def _several(counted: Counter[str], texts: int) -> list[str]:
    """The forms that are written often, one beside the other, where they are nearly all."""
    often = [(form, n) for form, n in counted.most_common(MOST_FORMS) if n >= OFTEN * texts]
    return [" | ".join(form for form, _ in often)] if sum(n for _, n in often) >= NEARLY_ALL * texts else []


def _phone(found: re.Match[str]) -> str:
    return f"{found['before']}{{area}}{found['between']}{{exchange}}{found['then']}{{line}}"


def _coordinates(texts: Sequence[str]) -> Iterator[str]:
    """Latitude first where that can be: longitudes alone are beyond 90 degrees."""
    found = [m for text in texts if (m := _DEGREES.fullmatch(text))]
    if len(found) < NEARLY_ALL * len(texts):
        return
    signs = Counter((m[1], m[4], bool(m[5]), m[6], m[9], bool(m[10]), m[11]) for m in found)
    (opening, after, first, between, then, second, closing), _ = signs.most_common(1)[0]
    if first != second or bool(opening) != bool(closing):
        return
    shown = [_shown({len(m[group].partition(".")[2]) for m in found}) for group in (3, 8)]
    named = Counter(m[5] in "EW" for m in found if m[5])
    orders = (("lat", "N/S"), ("lon", "E/W")), (("lon", "E/W"), ("lat", "N/S"))
    for (one, here), (two, there) in reversed(orders) if named[True] > named[False] else orders:
        left, right = f"{{{one} {shown[0]}}}{after}", f"{{{two} {shown[1]}}}{then}"
        if first:
            left, right = f"{left}{{{here}}}", f"{right}{{{there}}}"
        yield f"{opening}{left}{between}{right}{closing}"


def _shown(lengths: set[int]) -> str:
    """The number whose decimals are so long."""
    fixed = len(lengths) == 1 and max(lengths) <= len(DIGITS)
    return f"1234.{DIGITS[: max(lengths)]}" if fixed else "1234.5…"


def _codes(texts: Sequence[str]) -> list[str]:
    """Codes of up to a few patterns: tokens of one class, in which what all have stands as it is."""
    by_make_up: dict[tuple[str, ...], list[list[str]]] = {}
    for text in texts:
        tokens = _TOKEN.findall(text)
        if len(text) <= LONGEST and len(tokens) <= MOST_TOKENS and not re.search(r"[\s{}…]", text):
            by_make_up.setdefault(tuple(_class(t) for t in tokens), []).append(tokens)
    counted: Counter[str] = Counter()
    for same in by_make_up.values():
        if len(same) >= OFTEN * len(texts) and (form := _code(same)) is not None:
            counted[form] += len(same)
    return _several(counted, len(texts))


def _digits(texts: Sequence[str]) -> list[str]:
    """Numbers of one length that are codes, as zeros lead some: what they begin with, longest first, and the rest."""
    length = len(texts[0])
    alike = all(len(t) == length and t.isdigit() and t.isascii() for t in texts)
    if not (alike and any(t.startswith("0") for t in texts) and 4 <= length <= MOST_TOKENS):
        return []
    return [f"{{{'9' * first}}}{{{'9' * (length - first)}}}" for first in range(length - 1, 0, -1)]


def _class(token: str) -> str:
    if token.isascii() and token.isalnum():
        return "9" if token.isdigit() else "A" if token.isupper() else "a"
    return token


def _code(tokens: Sequence[Sequence[str]]) -> str | None:
    """The form of codes of one make-up; None where a run of letters differs in length, or nothing is a digit."""
    out, digits, parts = [], 0, 0
    for column in zip(*tokens, strict=True):
        kind, lengths = _class(column[0]), {len(t) for t in column}
        if len(set(column)) == 1:
            out.append(column[0])
            continue
        if len(lengths) > 1 and kind != "9":
            return None
        out.append(f"{{{kind}…}}" if len(lengths) > 1 else f"{{{kind * len(column[0])}}}")
        digits += kind == "9"
        parts += 1
    return "".join(out) if digits and parts > 1 else None
