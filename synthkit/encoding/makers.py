"""Makers of made-up columns. A maker gives any stretch of rows; equal seeds give equal values."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Protocol

from synthkit.encoding.faker import faker_values
from synthkit.encoding.shapes import Shapes, capacity, digest, realise

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from synthkit.encoding.fill import FillRule

BLOCK = 4_096  # rows made at once, whatever stretch is asked for
TRIES = 40  # draws of a string before a counter makes it unique


class Maker(Protocol):
    def take(self, start: int, count: int) -> pa.Array:
        """Rows ``start`` to ``start + count`` of the column; asked for in order."""


def make_maker(rule: FillRule, kind: pa.DataType, rows: int, seed: int) -> Maker:
    """The maker for a rule. ``rows`` is the length of the whole column."""
    key = f"{seed}:{rule.column.name}"
    if rule.kind == "null":
        return _Constant(None, kind)
    if rule.kind == "constant":
        return _Constant(json.loads(rule.value or "null"), kind)
    return _Blocks(rule, kind, rows, key)


class _Constant:
    def __init__(self, value: Any, kind: pa.DataType) -> None:
        self.value, self.kind = value, kind

    def take(self, start: int, count: int) -> pa.Array:  # noqa: ARG002 - every row is alike
        import pyarrow as pa

        if self.value is None:
            return pa.nulls(count, self.kind)
        try:
            scalar = pa.scalar(self.value, self.kind)
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
            scalar = pa.scalar(str(self.value)).cast(self.kind)  # dates and decimals are kept as text
        return pa.repeat(scalar, count)


class _Blocks:
    """Makes blocks of fixed size in order, so that values do not depend on how rows are cut into batches."""

    def __init__(self, rule: FillRule, kind: pa.DataType, rows: int, key: str) -> None:
        self.rule, self.kind, self.rows, self.key = rule, kind, rows, key
        self.real = frozenset(rule.shapes.real) if rule.shapes is not None else frozenset()
        self.used: set[str] = set()
        self.owners = _Owners(rule.fan_out, rows, _rng(key, "fan-out")) if rule.kind == "foreign" else None
        self.counted: list[str] = []
        self.counter = 0
        self.blocks: dict[int, list[Any]] = {}
        self.next = 0

    def take(self, start: int, count: int) -> pa.Array:

        values: list[Any] = []
        while count > 0:
            block, offset = divmod(start, BLOCK)
            while self.next <= block:
                self.blocks[self.next] = self._make(self.next)
                self.blocks.pop(self.next - 2, None)
                self.next += 1
            part = self.blocks[block][offset : offset + count]
            values.extend(part)
            start, count = start + len(part), count - len(part)
        return _array(values, self.kind)

    def _make(self, block: int) -> list[Any]:
        rng = _rng(self.key, block)
        first = block * BLOCK
        values = self._values(first, rng)
        if self.rule.nulls > 0 and self.rule.kind != "key":
            empty = rng.random(len(values)) < self.rule.nulls
            values = [None if e else v for v, e in zip(values, empty, strict=True)]
        return values

    def _values(self, first: int, rng: np.random.Generator) -> list[Any]:
        rule = self.rule
        count = min(BLOCK, self.rows - first)
        if rule.kind == "faker":
            return faker_values(
                rule.column.pii or "", count, int(rng.integers(2**32)), self.used if rule.unique else None
            )
        if self.owners is not None:
            return [self._key(n) for n in self.owners.take(first, count)]
        if rule.kind == "key":
            return [self._key(first + i + 1) for i in range(count)]
        assert rule.shapes is not None
        return [self._text(rule.shapes, rng) for _ in range(count)]

    def _key(self, number: int) -> Any:
        """The ``number``-th key, from 1: a number, or a string of the learnt shape that is no real key."""
        shapes = self.rule.shapes
        if shapes is None:
            return number
        if not shapes.patterns:
            return f"key-{number}"
        shape, _ = shapes.patterns[0]
        if capacity(shape) < 4 * (self.rows + len(self.real)):
            return self._counted(shape, number)
        # The generator of each key is its own, so that a foreign key's value can be made again for each row.
        rng = _rng(self.key, "key", number)
        for _ in range(TRIES):
            text = realise(_pick(shapes, rng), rng)
            if digest(text) not in self.real and (self.owners is not None or text not in self.used):
                self.used.add(text)
                return text
        return self._counted(shape, number)

    def _counted(self, shape: str, number: int) -> str:
        """The ``number``-th string that counts through the shape's digits and is no real key."""
        while len(self.counted) < number:
            self.counter += 1
            text = counted(shape, self.counter)
            if digest(text) not in self.real:
                self.counted.append(text)
        return self.counted[number - 1]

    def _text(self, shapes: Shapes, rng: np.random.Generator) -> str:
        for _ in range(TRIES):
            text = _prose(shapes, rng) if shapes.words else realise(_pick(shapes, rng), rng)
            if digest(text) in self.real or (self.rule.unique and text in self.used):
                continue
            if self.rule.unique:
                self.used.add(text)
            return text
        return f"{text}{len(self.used)}"


class _Owners:
    """Which key stands in which row of a foreign key: keys repeat as often as in the source."""

    def __init__(self, fan_out: tuple[tuple[int, int], ...], rows: int, rng: np.random.Generator) -> None:
        import numpy as np

        sizes = np.array([size for size, _ in fan_out])
        weights = np.array([n for _, n in fan_out], dtype=float)
        drawn = rng.choice(sizes, size=max(1, rows), p=weights / weights.sum())
        owners = np.repeat(np.arange(1, len(drawn) + 1), drawn)[:rows]
        self.owners = rng.permutation(owners)

    def take(self, start: int, count: int) -> list[int]:
        return [int(n) for n in self.owners[start : start + count]]


def counted(shape: str, number: int) -> str:
    """The shape with the number in its digits: ``C-00042``; longer where it needs more digits than there are."""
    from synthkit.encoding.shapes import realise as fill_shape

    width = shape.count("\\9")
    digits = iter(str(number).zfill(width)) if width else iter(())
    out: list[str] = []
    i = placed = 0
    overflow = max(0, len(str(number)) - width)
    rng = _rng("letters")
    while i < len(shape):
        if shape[i : i + 2] == "\\9":
            if placed == 0 and overflow:
                out.extend(next(digits) for _ in range(overflow))
            out.append(next(digits))
            placed += 1
            i += 2
        elif shape[i] == "\\":
            out.append(fill_shape(shape[i : i + 2], rng))
            i += 2
        else:
            out.append(shape[i])
            i += 1
    return "".join(out) if width else f"{''.join(out)}{number}"


def _pick(shapes: Shapes, rng: np.random.Generator) -> str:
    weights = [w for _, w in shapes.patterns]
    point = rng.random() * sum(weights)
    for shape, weight in shapes.patterns:
        point -= weight
        if point <= 0:
            return shape
    return shapes.patterns[-1][0]


def _prose(shapes: Shapes, rng: np.random.Generator) -> str:
    counts = [n for n, _ in shapes.words]
    weights = [w for _, w in shapes.words]
    number = int(rng.choice(counts, p=[w / sum(weights) for w in weights]))
    chosen = rng.integers(len(WORDS), size=number)
    return " ".join(WORDS[int(i)] for i in chosen).capitalize()


def _rng(*purpose: object) -> np.random.Generator:
    import numpy as np

    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(purpose).encode()).digest()[:16], "big"))


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
        return pa.array([None if v is None else str(v) for v in values], pa.string()).cast(kind)


_TEXT = """
amber anchor apple april arrow autumn baker bamboo basket beacon bench birch blanket bottle branch breeze
bridge bright brook butter button cabin canal candle canyon carpet cedar chalk cherry circle citrus clay
cloud clover coast cobalt comet copper coral corner cotton crater creek crystal dahlia dawn delta desert
dune early earth east echo ember fabric falcon feather fern field fig finch flint forest fountain fresh
frost garden garnet ginger glass golden granite grape grove harbor harvest hazel heather hill hollow honey
horizon indigo island ivory jasmine juniper kettle lagoon lake lantern larch lark laurel lemon light lilac
linen maple marble marsh meadow mellow mint mist morning moss mountain myrtle narrow nectar north oak ocean
olive orchard orchid otter paper pearl pebble pepper pine planet plain plum pond poplar prairie quarry
quartz quiet rain raven reed ridge river robin rose round saffron sage sand satin scarlet shadow shell shore
silver slate slow soft spring spruce stone storm summer sunny swift thistle thunder tide timber topaz trail
tulip tundra valley velvet violet walnut water west wheat wild willow wind winter wood yarrow zephyr
"""
WORDS = tuple(_TEXT.split())
