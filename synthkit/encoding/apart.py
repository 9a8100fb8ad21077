"""Texts of several parts, taken apart: the generator learns what people share of them, the rest is made up.

Of ``{user}@{domain}`` the domain is learnt, and the user made up; of ``{lat 1234.5678}, {lon 1234.5678}`` both numbers.
A part's value that fewer than ``MIN_COUNT`` people have is learnt as missing, and made up where it is drawn. What is
made up in part is never a value of the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from synthkit.encoding.exchanging import exchanged, put_back, widened
from synthkit.encoding.inventing import invented
from synthkit.encoding.shapes import digest
from synthkit.encoding.states import State
from synthkit.files import Json
from synthkit.formats.composed import Composed, Part
from synthkit.formats.language import parse_form
from synthkit.project.types import Conditions
from synthkit.records.columns import How
from synthkit.schema import Column, Schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

TRIES = 40  # of making up a value that is none of the source's
TRIES_ALIKE = 5  # of one that no other row has: there may be fewer values than rows
MOST_ALIKE = 50  # values of a part; of more the rare ones are grouped


@dataclass(frozen=True)
class LearntPart:
    """A part that is learnt.

    Args:
        form: the number of the form that has it.
        part: its name there.
        inner: what its column is called.
        values: those that come back; None of a number.
        lacking: whether some rows have none of them.
    """

    form: int
    part: str
    inner: str
    values: tuple[str, ...] | None
    lacking: bool

    def column(self) -> Column:
        if self.values is None:
            return Column(self.inner, "float", "DOUBLE", nullable=self.lacking)
        rare = "similar" if len(self.values) > MOST_ALIKE else None
        return Column(self.inner, "categorical", "VARCHAR", nullable=self.lacking, rare=rare)


@dataclass(frozen=True)
class ApartColumn:
    """One such column.

    Args:
        lengths: of each part of a code that differs in length (form, part), how many rows have which.
        real: digests of the source's values, where something of them is made up.
        unique: whether all values of the source differ.
    """

    name: str
    form: str
    state: State
    learnt: tuple[LearntPart, ...]
    lengths: tuple[tuple[int, str, tuple[tuple[int, int], ...]], ...] = ()
    real: frozenset[str] = frozenset()
    unique: bool = False

    @cached_property
    def composed(self) -> Composed:
        form = parse_form(self.form)
        assert isinstance(form, Composed)
        return form

    @property
    def made_up(self) -> tuple[str, ...]:
        """The parts that are not learnt."""
        known = {(p.form, p.part) for p in self.learnt}
        every = [(i, p.name) for i, shape in enumerate(self.composed.shapes) for p in shape.parts]
        return tuple(dict.fromkeys(part for i, part in every if (i, part) not in known))

    def learn(self, texts: pa.Array) -> dict[str, pa.Array]:
        import pyarrow as pa
        import pyarrow.compute as pc

        read = [shape.read(texts) for shape in self.composed.shapes]
        form = which_form([fits for _, fits in read])
        found = self.state.learn(texts, form)
        for part in self.learnt:
            values = read[part.form][0][part.part]
            here = pc.fill_null(pc.equal(form, part.form), False)
            if part.values is not None:
                here = pc.and_(here, pc.is_in(values, pa.array(part.values, values.type)))
            found[part.inner] = pc.if_else(here, values, pa.scalar(None, values.type))
        return found

    def restore(self, arrays: dict[str, Any], rows: int, rng: np.random.Generator) -> pa.Array:
        """The texts of drawn rows; takes its columns out of ``arrays``."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        form, texts = self.state.restore(arrays, rows)
        inner = {(p.form, p.part): arrays.pop(p.inner) for p in self.learnt}
        used: set[str] = set()
        for number, shape in enumerate(self.composed.shapes):
            at = np.flatnonzero(form == number)
            known = {p: inner[number, p.name].take(pa.array(at)) for p in shape.parts if (number, p.name) in inner}
            made = self._put_together(number, known, at, used, rng)
            texts = pc.replace_with_mask(texts, pa.array(form == number), made)
        return texts

    def _put_together(
        self,
        number: int,
        known: Mapping[Part, pa.Array],
        at: np.ndarray[Any, Any],
        used: set[str],
        rng: np.random.Generator,
    ) -> pa.Array:
        """Texts of one form: parts that were not drawn are made up, until the whole is no value of the source."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        shape = self.composed.shapes[number]
        texts = np.empty(len(at), dtype=object)
        left = np.arange(len(at))
        for attempt in range(TRIES):
            parts, free = {}, False
            for part in shape.parts:
                drawn = known[part].take(pa.array(left)) if part in known else pa.nulls(len(left), pa.string())
                if part.number is not None:
                    parts[part.name] = _somewhere(drawn)
                    continue
                free |= drawn.null_count > 0
                lengths = next((n for f, p, n in self.lengths if (f, p) == (number, part.name)), ())
                new = pa.array(invented(part, drawn.null_count, lengths, rng), pa.string())
                parts[part.name] = pc.replace_with_mask(drawn, drawn.is_null(), new)
            again = []
            for i, text in zip(left.tolist(), shape.write(parts).to_pylist(), strict=True):
                texts[i] = text
                alike = self.unique and attempt < TRIES_ALIKE and text in used
                if text is not None and (alike or digest(text) in self.real):
                    again.append(i)
                elif text is not None:
                    used.add(text)
            left = np.array(again, dtype=np.int64)
            if not free or not again:
                break
        return pa.array(texts, pa.string())


def which_form(fits: list[pa.Array]) -> pa.Array:
    """The number of the first form that fits each text, null for none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pa.nulls(len(fits[0]), pa.int64())
    for number, one in enumerate(fits):
        found = pc.if_else(pc.and_(one, found.is_null()), pa.scalar(number, pa.int64()), found)
    return found


def _somewhere(numbers: pa.Array) -> pa.Array:
    """Numbers with those of a row beside them where they are missing."""
    import pyarrow.compute as pc

    return pc.fill_null_backward(pc.fill_null_forward(numbers))


@dataclass(frozen=True)
class TakenApart:
    """The step for all such columns of a table."""

    KIND: ClassVar[str] = "parts"
    columns: tuple[ApartColumn, ...]

    @property
    def inner(self) -> Mapping[str, str]:
        found = {p.inner: c.name for c in self.columns for p in c.learnt}
        return found | {c.state.inner: c.name for c in self.columns if c.state.inner is not None}

    @property
    def said(self) -> Mapping[str, tuple[How, str | None]]:
        """Of each column, how it comes about, and of which parts."""
        found: dict[str, tuple[How, str | None]] = {}
        for column in self.columns:
            learnt = ", ".join(dict.fromkeys(p.part for p in column.learnt))
            made = ", ".join(column.made_up)
            parts = f"{learnt} learnt, {made} made up" if learnt and made else None
            found[column.name] = ("in part" if parts else "learnt" if learnt else "made up", parts)
        return found

    def schema(self, outer: Schema) -> Schema:
        return widened(outer, {c.name: [*c.state.columns(), *(p.column() for p in c.learnt)] for c in self.columns})

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return exchanged(rows, {c.name: c.learn for c in self.columns})

    def restore(self, rows: pa.RecordBatch, rng: np.random.Generator) -> pa.RecordBatch:
        return put_back(rows, {c.name: c.restore for c in self.columns}, self.inner, rng)

    def conditions(self, wanted: Conditions) -> Conditions:
        return wanted

    def to_json(self) -> dict[str, Any]:
        columns = [{**asdict(c), "real": sorted(c.real)} for c in self.columns]
        return {"kind": self.KIND, "columns": columns}

    @staticmethod
    def from_json(data: Json) -> TakenApart:
        return TakenApart(tuple(_column(c) for c in data["columns"]))


def _column(data: Json) -> ApartColumn:
    state = State.from_json(data["state"])
    learnt = tuple(
        LearntPart(**{**p, "values": None if p["values"] is None else tuple(p["values"])}) for p in data["learnt"]
    )
    lengths = tuple((f, p, tuple((a, b) for a, b in n)) for f, p, n in data["lengths"])
    return ApartColumn(data["name"], data["form"], state, learnt, lengths, frozenset(data["real"]), data["unique"])
