"""Columns that are written in a form of their own, learnt as what they mean: dates in text, 20240131 as a day.

A column's few values that its form does not fit (a blank among dates, ``unknown``) are learnt as missing; where a drawn
value is missing, one of them, or none, comes back by their frequency. Those that fewer than ``MIN_COUNT`` people have
never come back: where nothing else is left that a missing value could be, the row takes the value of the row before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from synthkit.encoding.states import own_name, shared
from synthkit.encoding.takingapart import taken_apart
from synthkit.encoding.view import AS_IT_IS, View
from synthkit.encoding.ways import Way, in_ways, way_of, ways_of
from synthkit.files import Json
from synthkit.formats.columns import as_read, conditions_as_read, form_of
from synthkit.formats.form import Form, as_text
from synthkit.formats.intervals import Interval
from synthkit.formats.language import parse_form
from synthkit.project.types import Conditions
from synthkit.schema import MIN_COUNT, Column, Schema, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Look = Literal["declaration", "rows", "form"]
LEAST_SHARE = 0.5  # of the values must have the form, or the column stays what it is


@dataclass(frozen=True)
class WrittenColumn:
    """One such column.

    Args:
        form: as ``format:`` names it.
        others: what a missing value comes back as (None: as a missing one), and how often it did; () where a missing
            value is none that the table has.
        ways: the forms of a column of several; () for one form.
        which: what the category of them is called, which is learnt beside the value: which form goes with the row.
        known: intervals that there are; () for other forms.
        leave_out: leave out rows whose value does not have the form, as under a budget each row is looked at alone.
    """

    name: str
    form: str
    others: tuple[tuple[str | None, int], ...] = ()
    ways: tuple[Way, ...] = ()
    which: str | None = None
    known: tuple[str, ...] = ()
    leave_out: bool = False


@dataclass(frozen=True)
class WrittenForms:
    """The step for all such columns of a table."""

    KIND: ClassVar[str] = "written forms"
    columns: tuple[WrittenColumn, ...]
    whole: tuple[tuple[str, str], ...] = ()  # columns of integers → their Arrow type

    def schema(self, outer: Schema) -> Schema:
        ours = {c.name: c for c in self.columns}
        columns = []
        for was, typed in zip(outer.columns, as_read(outer).columns, strict=True):
            one = ours.get(was.name)
            if one is None:
                columns.append(was)
                continue
            lacking = any(other is not None for other, _ in one.others)
            columns.append(replace(typed, nullable=True) if lacking else typed)
            if one.which is not None:
                columns.append(Column(one.which, "categorical", "VARCHAR", nullable=bool(one.others)))
        return replace(outer, columns=tuple(columns))

    @property
    def inner(self) -> Mapping[str, str]:
        return {c.which: c.name for c in self.columns if c.which is not None}

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa
        import pyarrow.compute as pc

        ours, kept = {c.name: c for c in self.columns}, None
        arrays: dict[str, pa.Array] = {}
        for name, texts in zip(rows.schema.names, rows.columns, strict=True):
            column = ours.get(name)
            if column is None:
                arrays[name] = texts
                continue
            values = parse_form(column.form).read(as_text(texts)).values
            found = {name: values}
            if column.which is not None:
                found[column.which] = pc.if_else(values.is_valid(), way_of(column.ways, texts), None)
            if column.leave_out:
                kept = values.is_valid() if kept is None else pc.and_(kept, values.is_valid())
            elif not column.others:
                found = {n: pc.fill_null_backward(pc.fill_null_forward(v)) for n, v in found.items()}
            arrays |= found
        batch = pa.record_batch(list(arrays.values()), names=list(arrays))
        return batch if kept is None else batch.filter(kept)

    def restore(self, rows: pa.RecordBatch, rng: np.random.Generator) -> pa.RecordBatch:
        import pyarrow as pa

        whole = dict(self.whole)
        arrays = dict(zip(rows.schema.names, rows.columns, strict=True))
        for column in self.columns:
            if column.name not in arrays:
                continue
            ways = None if column.which is None else arrays.pop(column.which)
            text = _with_others(_as_written(column, arrays[column.name], ways, rng), column.others, rng)
            arrays[column.name] = text.cast(whole[column.name]) if column.name in whole else text
        return pa.record_batch(list(arrays.values()), names=list(arrays))

    def conditions(self, wanted: Conditions) -> Conditions:
        return conditions_as_read(wanted, {c.name: parse_form(c.form) for c in self.columns})

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.KIND, **asdict(self)}

    @staticmethod
    def from_json(data: Json) -> WrittenForms:
        def column(c: Json) -> WrittenColumn:
            others = tuple((o, int(n)) for o, n in c["others"])
            ways = tuple(Way(**{**w, "ends": tuple(w["ends"]), "widths": tuple(w["widths"])}) for w in c["ways"])
            return WrittenColumn(c["name"], c["form"], others, ways, c["which"], tuple(c["known"]), c["leave_out"])

        return WrittenForms(tuple(column(c) for c in data["columns"]), tuple((a, b) for a, b in data["whole"]))


def _as_written(column: WrittenColumn, values: pa.Array, ways: pa.Array | None, rng: np.random.Generator) -> pa.Array:
    """Values as text: in the column's one form, or in the one of its forms that was drawn with each."""
    form = parse_form(column.form)
    if isinstance(form, Interval) and column.known:
        return form.nearest(values, column.known)
    if len(column.ways) < 2:
        return form.write(values)
    return in_ways(form, column.ways, values, ways, rng)


def _with_others(texts: pa.Array, others: Sequence[tuple[str | None, int]], rng: np.random.Generator) -> pa.Array:
    """Texts with what a missing value stands for in its place."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if texts.null_count == 0 or all(other is None for other, _ in others):
        return texts
    weights = np.array([n for _, n in others], dtype=float)
    drawn = rng.choice(len(others), size=texts.null_count, p=weights / weights.sum())
    chosen = pa.array([o for o, _ in others], pa.string()).take(pa.array(drawn))
    return pc.replace_with_mask(texts, texts.is_null(), chosen)


def read_view(table: Table, look: Look = "rows") -> View:
    """How a table is read: the columns with a written form as what they mean.

    Args:
        look: ``declaration``: decide by the schema alone, without a look at the rows. ``rows``: what does not have the
            form is learnt, too. ``form``: it is missing, and nothing else is asked for.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pq.read_schema(table.paths[0])
    found = []
    for column in table.schema.columns:
        form = form_of(column)
        if form is None or not _can_have_form(arrow.field(column.name).type):
            continue
        if look == "declaration":
            known = tuple(map(str, column.values or ())) if isinstance(form, Interval) else ()
            found.append(
                WrittenColumn(column.name, form.text, ((None, 1),), known=known, leave_out=not column.nullable)
            )
        elif (written := _written(table, column, form)) is not None:
            found.append(written if look == "rows" else replace(written, others=((None, 1),), which=None))
    apart = taken_apart(table) if look == "rows" else ()
    if not found:
        return View(apart) if apart else AS_IT_IS
    types = {c.name: arrow.field(c.name).type for c in found}
    whole = tuple((name, str(kind)) for name, kind in types.items() if pa.types.is_integer(kind))
    return View((WrittenForms(tuple(found), whole), *apart))


def _can_have_form(kind: pa.DataType) -> bool:
    import pyarrow.types as t

    return bool(t.is_string(kind) or t.is_large_string(kind) or t.is_integer(kind))


def _written(table: Table, column: Column, form: Form) -> WrittenColumn | None:
    """What a column's missing values stand for; None where most of its values do not have the form."""
    import pyarrow as pa
    import pyarrow.compute as pc

    unit = table.schema.privacy_unit
    rows = table.to_arrow([column.name] if unit in (None, column.name) else [column.name, str(unit)])
    texts = as_text(rows.column(0).combine_chunks())
    fits = form.read(texts).fits
    present = len(texts) - texts.null_count
    if not present or pc.sum(fits).as_py() < LEAST_SHARE * present:
        return None
    odd = pc.and_(pc.invert(fits), texts.is_valid())
    strange = pa.table({"text": texts, "who": rows.column(rows.num_columns - 1) if rows.num_columns > 1 else texts})
    counted = strange.filter(odd).group_by("text").aggregate([("who", "count"), ("who", "count_distinct")])
    people = "who_count_distinct" if rows.num_columns > 1 else "who_count"
    others: list[tuple[str | None, int]] = [
        (r["text"], r["who_count"]) for r in counted.to_pylist() if r[people] >= MIN_COUNT
    ]
    others.sort(key=lambda o: (-o[1], str(o[0])))
    if texts.null_count:
        others.append((None, texts.null_count))
    whose = rows.column(1).combine_chunks() if rows.num_columns > 1 else None
    ways = ways_of(form, texts, whose)
    which = own_name(f"{column.name} (form)", table.schema.names) if len(ways) > 1 else None
    known: tuple[str, ...] = ()
    if isinstance(form, Interval):
        known = tuple(shared(texts.filter(fits), None if whose is None else whose.filter(fits)))
        if not known:
            return None
    return WrittenColumn(column.name, form.text, tuple(others), ways, which, known)
