"""The shape of strings: which characters stand where, so that made-up codes look like the source's.

``C-00042`` has the shape ``A-99999``. Free text (with spaces) is described by its number of words and their lengths.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.files import Json

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SAMPLE = 20_000  # values looked at
MOST_SHAPES = 200
MOST_LENGTH = 64  # characters: longer strings are prose
_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_POOLS = {"9": _DIGITS, "A": _UPPER, "a": _LOWER, "h": "0123456789abcdef"}


@dataclass(frozen=True)
class Shapes:
    """Patterns with their weights, and digests of the real values, which are never given out again.

    ``words`` is the distribution of words per value of prose, () where the strings are codes.
    """

    patterns: tuple[tuple[str, int], ...]
    words: tuple[tuple[int, int], ...] = ()
    real: tuple[str, ...] = ()

    @staticmethod
    def from_json(data: Json) -> Shapes:
        def pairs(key: str) -> tuple[Any, ...]:
            return tuple((a, int(b)) for a, b in data[key])

        return Shapes(pairs("patterns"), pairs("words"), tuple(data["real"]))


def learn_shapes(values: pa.ChunkedArray) -> Shapes:
    """Shapes of the first :data:`SAMPLE` values; digests of all of them."""
    texts = values.to_pylist()
    sample = texts[:SAMPLE]
    prose = sum(_is_prose(t) for t in sample) * 2 > len(sample)
    real = tuple(sorted({digest(t) for t in texts}))
    if prose:
        return Shapes((), tuple(sorted(Counter(max(1, len(t.split())) for t in sample).items())), real)
    fixed = _common_prefix(sample)
    tally = Counter(pattern(t[:MOST_LENGTH], len(fixed)) for t in sample)
    return Shapes(tuple(tally.most_common(MOST_SHAPES)), (), real)


def _is_prose(text: str) -> bool:
    """Words with spaces between, or long; a telephone number has spaces, but hardly a letter."""
    if len(text) > MOST_LENGTH:
        return True
    return " " in text.strip() and 2 * sum(c.isalpha() for c in text) > len(text)


def digest(value: str) -> str:
    """A short digest of a value: enough to avoid it, too short to list it."""
    return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _common_prefix(texts: list[str]) -> str:
    """Letters and signs that every value starts with (``CUST-``); digits always vary."""
    if len(set(texts)) < 2:
        return ""
    low, high = min(texts), max(texts)
    length = 0
    while length < min(len(low), len(high)) and low[length] == high[length] and not low[length].isdigit():
        length += 1
    return low[:length]


def pattern(text: str, fixed: int = 0) -> str:
    """``\\9`` a digit, ``\\A`` and ``\\a`` a letter, ``\\h`` a hexadecimal digit of a UUID, others as they are."""
    if _is_uuid(text):
        return "".join(c if c == "-" else "\\h" for c in text)
    out = []
    for i, c in enumerate(text):
        if i < fixed:
            out.append("\\\\" if c == "\\" else c)
        elif c.isdigit():
            out.append("\\9")
        elif c.isalpha():
            out.append("\\A" if c.isupper() else "\\a")
        else:
            out.append("\\\\" if c == "\\" else c)
    return "".join(out)


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and [i for i, c in enumerate(text) if c == "-"] == [8, 13, 18, 23]


def realise(shape: str, rng: np.random.Generator) -> str:
    """A random string of the shape."""
    return _written(shape, lambda pool: pool[int(rng.integers(len(pool)))])


def numbered(shape: str, number: int) -> str:
    """The string of the shape with a number from 0, each below :func:`capacity` another.

    >>> [numbered("K\\\\9\\\\a", n) for n in (0, 1, 10, 259)]
    ['K0a', 'K1a', 'K0b', 'K9z']
    """
    left = number

    def next_of(pool: str) -> str:
        nonlocal left
        left, at = divmod(left, len(pool))
        return pool[at]

    return _written(shape, next_of)


def _written(shape: str, choose: Callable[[str], str]) -> str:
    out, i = [], 0
    while i < len(shape):
        if shape[i] == "\\" and i + 1 < len(shape):
            pool = _POOLS.get(shape[i + 1])
            out.append(choose(pool) if pool else shape[i + 1])
            i += 2
        else:
            out.append(shape[i])
            i += 1
    return "".join(out)


def capacity(shape: str) -> int:
    """How many different strings a shape has."""
    total, i = 1, 0
    while i < len(shape):
        if shape[i] == "\\" and i + 1 < len(shape):
            total *= len(_POOLS.get(shape[i + 1], " "))
            i += 1
        i += 1
    return total
