"""Makers of made-up columns. A maker gives any stretch of rows; equal seeds give equal values."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from synthkit.encoding.faker import faker_values
from synthkit.encoding.inventing import invented_texts
from synthkit.encoding.permuting import Permutation
from synthkit.encoding.portion import ALL, Portion
from synthkit.encoding.shapes import Shapes, capacity, digest, numbered, realise
from synthkit.encoding.taken import FREE, RANDOM_BITS, Taken
from synthkit.encoding.values import array_of, largest_of
from synthkit.encoding.words import WORDS
from synthkit.errors import BuildError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from synthkit.encoding.rules import FillRule

BLOCK = 4_096  # rows made at once, whatever stretch is asked for
TRIES = 40  # draws of a string before a counter makes it unique


class Maker(Protocol):
    def take(self, start: int, count: int) -> pa.Array:
        """Rows ``start`` to ``start + count`` of the column; asked for in order."""


def make_maker(
    rule: FillRule, kind: pa.DataType, rows: int, seed: int, taken: Taken = FREE, portion: Portion = ALL
) -> Maker:
    """The maker for a rule.

    Args:
        rows: the length of the column.
        taken: keys that it must not make.
        portion: the part of a larger table that the column is of: what is to be unique is so in all of the table.

    Raises:
        BuildError: the column's integer type has fewer values than there are keys to make.
    """
    key = f"{seed}:{rule.column.name}"
    if rule.kind == "null":
        return _Constant(None, kind, rule.column.name)
    if rule.kind == "constant":
        return _Constant(json.loads(rule.value or "null"), kind, rule.column.name)
    if rule.kind == "foreign":
        return ForeignMaker(rule, kind, rows, key, taken, portion)
    largest = largest_of(kind)
    every = rows if portion.whole else portion.rows
    if rule.kind == "key" and largest is not None and taken.last + every > largest:
        after = f" after {taken.last:,}" if taken.last else ""
        raise BuildError(
            f"column {rule.column.name!r} is {rule.column.sql_type}, which has room for {largest - taken.last:,} keys"
            f"{after}, not for {every:,}",
            hint="make size smaller, or give the source's column a wider type",
        )
    return _Blocks(rule, kind, rows, key, taken, portion)


class _Constant:
    def __init__(self, value: Any, kind: pa.DataType, column: str) -> None:
        self.one = array_of([value], kind, column)

    def take(self, start: int, count: int) -> pa.Array:  # noqa: ARG002 - every row is alike
        import pyarrow as pa

        return pa.repeat(self.one[0], count) if self.one.null_count == 0 else pa.nulls(count, self.one.type)


class _Blocks:
    """Makes blocks of fixed size in order, so that values do not depend on how rows are cut into batches."""

    def __init__(
        self, rule: FillRule, kind: pa.DataType, rows: int, key: str, taken: Taken = FREE, portion: Portion = ALL
    ) -> None:
        self.rule, self.kind, self.rows, self.key, self.taken = rule, kind, rows, key, taken
        self.portion = portion
        self.real = taken.texts | frozenset(rule.shapes.real if rule.shapes is not None else ())
        self.used: set[str] = set()
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
        return array_of(values, self.kind, self.rule.column.name)

    def _make(self, block: int) -> list[Any]:
        rng = _rng(self.key, block)
        first = block * BLOCK
        values = self._values(first, min(BLOCK, self.rows - first), rng)
        if self.rule.nulls > 0:
            empty = rng.random(len(values)) < self.rule.nulls
            values = [None if e else v for v, e in zip(values, empty, strict=True)]
        return values

    def _values(self, first: int, count: int, rng: np.random.Generator) -> list[Any]:
        rule = self.rule
        if rule.kind == "faker":
            used = self.used if rule.unique else None
            seed = int(rng.integers(2**32))
            return faker_values(rule.column.pii or "", count, seed, used, self.portion.partition)
        if rule.kind == "key":
            return [self._key(first + i + 1) for i in range(count)]
        if rule.kind == "form":
            return invented_texts(rule.column.format or "", count, rng)
        assert rule.shapes is not None
        return [self._text(rule.shapes, rng) for _ in range(count)]

    def _key(self, number: int) -> Any:
        """The ``number``-th key, from 1: a number, or a string of the learnt shape that is no real key."""
        shapes, taken, number = self.rule.shapes, self.taken, self._among_all(number)
        if taken.numbered is not None:
            return taken.numbered.text(taken.last + number)
        if taken.random:
            return self._random(number)
        if shapes is None:
            return taken.last + number
        if not shapes.patterns:
            return f"key-{number}"
        if not self.portion.whole:
            return self._own_text(shapes)
        shape, _ = shapes.patterns[0]
        if capacity(shape) < 4 * (self.rows + len(self.real)):
            return self._counted(shape, number)
        rng = _rng(self.key, "key", number)
        for _ in range(TRIES):
            text = realise(_pick(shapes, rng), rng)
            if self._new(text):
                self.used.add(text)
                return text
        return self._counted(shape, number)

    def _among_all(self, number: int) -> int:
        """The number of a key among those of the whole table: of rows in their order."""
        return self.portion.start + number

    @cached_property
    def _roomy(self) -> dict[str, Permutation]:
        """Shapes with room for all texts of the table, in an order that is the same for all its parts."""
        shapes = self.rule.shapes
        assert shapes is not None
        least = 4 * (self.portion.rows + len(self.real))
        named = f"{self.portion.seed}:{self.rule.column.name}"
        sizes = {shape: capacity(shape) for shape, _ in shapes.patterns}
        return {s: Permutation(size, f"{named}:{s}") for s, size in sizes.items() if size >= least}

    def _own_text(self, shapes: Shapes) -> str:
        """The next text that is no real one, and no other part of the table makes."""
        patterns = tuple((s, n) for s, n in shapes.patterns if s in self._roomy)
        while True:
            self.counter += 1
            number = self.portion.partition.own(self.counter)
            if patterns:
                rng = _rng(self.key, "shape", number) if len(patterns) > 1 else None
                shape = patterns[0][0] if rng is None else _pick(replace(shapes, patterns=patterns), rng)
                text = numbered(shape, self._roomy[shape].at(number - 1))
            else:
                text = counted(shapes.patterns[0][0], number)
            if digest(text) not in self.real:
                return text

    def _random(self, number: int) -> Any:
        if not self.portion.whole:
            return self._random_of_all(number)
        rng = _rng(self.key, "random", number)
        while True:
            bits = UUID(bytes=rng.bytes(16), version=4)
            key = bits.int % 2**RANDOM_BITS if self.rule.shapes is None else str(bits)
            if str(key) not in self.used:
                self.used.add(str(key))
                return key

    def _random_of_all(self, number: int) -> Any:
        """A random key that no other number of the table has."""
        bits = self._order.at(number - 1)
        if self.rule.shapes is None:
            return bits
        drawn = UUID(bytes=_rng(self.key, "random", number).bytes(16), version=4).int
        return str(UUID(int=(drawn >> RANDOM_BITS << RANDOM_BITS) | bits))

    @cached_property
    def _order(self) -> Permutation:
        return Permutation(2**RANDOM_BITS, f"{self.portion.seed}:{self.rule.column.name}:random")

    def _new(self, text: str) -> bool:
        return text not in self.used and digest(text) not in self.real

    def _counted(self, shape: str, number: int) -> str:
        """The ``number``-th string that counts through the shape's digits and is no real key."""
        while len(self.counted) < number:
            self.counter += 1
            text = counted(shape, self.counter)
            if self._new(text):
                self.counted.append(text)
        return self.counted[number - 1]

    def _text(self, shapes: Shapes, rng: np.random.Generator) -> str:
        if self.rule.unique and not self.portion.whole:
            return self._own_text(shapes) if shapes.patterns else self._own_prose(shapes, rng)
        text = ""
        for _ in range(TRIES):
            text = _prose(shapes, rng) if shapes.words else realise(_pick(shapes, rng), rng)
            if self._new(text):
                break
        base = text
        while not self._new(text):  # the shape has no other value left: number it
            self.counter += 1
            text = f"{base}{self.counter}"
        if self.rule.unique:
            self.used.add(text)
        return text

    def _own_prose(self, shapes: Shapes, rng: np.random.Generator) -> str:
        """Prose that no other row of the table has: words, and a number where another part may write the same."""
        base = text = _prose(shapes, rng)
        number = 0
        while not (self._new(text) and self.portion.partition.owns(text)):
            number += 1
            text = f"{base} {number}"
        self.used.add(text)
        return text


class ForeignMaker(_Blocks):
    """A column of ids that repeat as often as in the source; each id is new, and the same wherever it stands."""

    def __init__(
        self, rule: FillRule, kind: pa.DataType, rows: int, key: str, taken: Taken = FREE, portion: Portion = ALL
    ) -> None:
        super().__init__(rule, kind, rows, key, taken, portion)
        self.owners = _owners(rule.fan_out, rows, _rng(key, "fan-out"))
        self.most = int(self.owners.max(initial=1))
        largest = largest_of(kind)
        self.largest = None if largest is None else portion.partition.of_its_own(largest - taken.last)
        if self.largest == 0 and not portion.whole:
            raise self._no_more()
        self.ids: dict[int, Any] = {}

    def _among_all(self, number: int) -> int:
        """Of ids in turns, as how many each part of the table has is not known."""
        return self.portion.partition.own(number)

    def _values(self, first: int, count: int, rng: np.random.Generator) -> list[Any]:  # noqa: ARG002
        return [self._id(int(n)) for n in self.owners[first : first + count]]

    def _id(self, number: int) -> Any:
        if self.largest is not None:
            number = (number - 1) % self.largest + 1  # a small integer type: its ids repeat more often
        if number not in self.ids:
            self.ids[number] = self._key(number)
        return self.ids[number]

    def numbered(self, number: int) -> Any:
        """The id of a number, always the same, and of no other. Raises BuildError when the integer type has no more."""
        if self.largest is not None and number > self.largest:
            raise self._no_more()
        return self._id(number)

    def known(self, rng: np.random.Generator) -> Any:
        """An id that may stand elsewhere already."""
        return self._id(int(rng.integers(1, self.most + 1)))

    def fresh(self) -> Any:
        """An id that stands nowhere yet. Raises BuildError when the integer type has no more."""
        if self.largest is not None and self.most >= self.largest:
            raise self._no_more()
        self.most += 1
        return self._id(self.most)

    def _no_more(self) -> BuildError:
        return BuildError(
            f"column {self.rule.column.name!r} is {self.rule.column.sql_type}, which has no more ids to give",
            hint="make size smaller, or give the source's column a wider type",
        )


def _owners(fan_out: tuple[tuple[int, int], ...], rows: int, rng: np.random.Generator) -> np.ndarray:
    """Which key (1, 2, …) stands in which row: keys repeat as often as in the source. Shape (rows,)."""
    import numpy as np

    sizes = np.array([size for size, _ in fan_out])
    weights = np.array([n for _, n in fan_out], dtype=float)
    weights /= weights.sum()
    parts: list[Any] = []
    filled = owners = 0
    while filled < rows:  # as many keys as the rest needs on average, so that memory follows the rows
        drawn = rng.choice(sizes, size=int((rows - filled) / float(sizes @ weights)) + 1, p=weights)
        part = np.repeat(np.arange(owners + 1, owners + len(drawn) + 1), np.minimum(drawn, rows))
        parts.append(part[: rows - filled])
        filled += len(parts[-1])
        owners += len(drawn)
    return rng.permutation(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)


def counted(shape: str, number: int) -> str:
    """The shape with the number in its digits: ``C-00042``; longer where it needs more digits than there are."""
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
            out.append(realise(shape[i : i + 2], rng))
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
