"""Parts of texts that nobody is to be found by: users of e-mail addresses, lines of telephones, numbers of codes.

What is made up is such as nobody has, where there is such: domains reserved for examples (RFC 2606), telephone numbers
reserved for fiction (555-0100 to 555-0199 of each North American area).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from synthkit.encoding.words import WORDS
from synthkit.formats.composed import Composed, Part
from synthkit.formats.language import parse_form
from synthkit.formats.tags import Tags

if TYPE_CHECKING:
    import numpy as np

_DIGITS, _UPPER = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SIGNS = {"9": _DIGITS, "A": _UPPER, "a": _UPPER.lower(), "X": _UPPER + _DIGITS, "x": _UPPER.lower() + _DIGITS}
_AREAS = ("201", "212", "303", "312", "404", "415", "512", "617", "702", "808")
_ENDS = ("com", "org", "net")


def invented_texts(form: str, count: int, rng: np.random.Generator) -> list[str]:
    """``count`` whole texts of a form of which nothing was learnt; of several forms, the first."""
    import pyarrow as pa

    written = parse_form(form)
    if isinstance(written, Tags):
        return [written.joined([WORDS[i] for i in sorted(set(rng.integers(9, size=3).tolist()))]) for _ in range(count)]
    assert isinstance(written, Composed)
    shape = written.shapes[0]
    parts = {
        p.name: pa.array(invented(p, count, (), rng), pa.string())
        if p.number is None
        else pa.array(rng.uniform(-p.most, p.most, size=count).round(p.number.places))
        for p in shape.parts
    }
    return [str(text) for text in shape.write(parts).to_pylist()]


def invented(part: Part, count: int, lengths: Sequence[tuple[int, int]], rng: np.random.Generator) -> list[str]:
    """``count`` texts of a part.

    Args:
        lengths: of a code that differs in length, how many rows have which.
    """
    if count == 0:
        return []
    words = [WORDS[i] for i in rng.integers(len(WORDS), size=2 * count).tolist()]
    pairs = list(zip(words[::2], words[1::2], strict=True))
    numbers = rng.integers(0, 10_000, size=count).tolist()
    if part.said == "user":
        return [f"{a}.{b}{n:04d}" for (a, b), n in zip(pairs, numbers, strict=True)]
    if part.said in ("domain", "site"):
        start = "https://www." if part.said == "site" else ""
        return [f"{start}example.{_ENDS[n % len(_ENDS)]}" for n in numbers]
    if part.said == "path":
        return [f"/{a}/{b}-{n}" for (a, b), n in zip(pairs, numbers, strict=True)]
    if part.said == "exchange":
        return ["555"] * count
    if part.said == "line":
        return [f"01{n % 100:02d}" for n in numbers]
    if part.said == "area":
        return [_AREAS[n % len(_AREAS)] for n in numbers]
    if part.said == "octet":
        return [str(n % 256) for n in numbers]
    if part.said in ("N/S", "E/W"):
        return [part.said[2 * (n % 2)] for n in numbers]
    return _codes(part.said, count, lengths, rng)


def _codes(said: str, count: int, lengths: Sequence[tuple[int, int]], rng: np.random.Generator) -> list[str]:
    import numpy as np

    signs = said.removesuffix("…")
    long = [len(signs)] * count
    if said.endswith("…") and lengths:
        weights = np.array([n for _, n in lengths], dtype=float)
        long = rng.choice([n for n, _ in lengths], size=count, p=weights / weights.sum()).tolist()
    places = rng.integers(0, 2**31, size=(count, max(long))).tolist()
    out = []
    for row, length in zip(places, long, strict=True):
        pools = [_SIGNS[signs[min(i, len(signs) - 1)]] for i in range(length)]
        text = [pool[n % len(pool)] for pool, n in zip(pools, row, strict=False)]
        if said.endswith("…") and length > 1 and text[0] == "0":
            text[0] = "123456789"[row[0] % 9]  # a number that is as long as it needs to be
        out.append("".join(text))
    return out
