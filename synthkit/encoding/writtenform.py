"""Columns that are written in a form of their own, learnt as what they mean: dates in text, 20240131 as a day.

A column's few values that its form does not fit (a blank among dates, ``unknown``) are learnt as missing; where a drawn
value is missing, one of them, or none, comes back by their frequency. Those that fewer than ``MIN_COUNT`` people have
never come back: where nothing else is left that a missing value could be, the row takes the value of the row before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from synthkit.encoding.view import AS_IT_IS, View
from synthkit.files import Json
from synthkit.formats.columns import as_read, conditions_as_read, form_of
from synthkit.formats.form import Form, as_text
from synthkit.formats.language import parse_form
from synthkit.formats.mixed import Mixed
from synthkit.formats.numbers import Range
from synthkit.project.types import Conditions
from synthkit.schema import MIN_COUNT, Column, Schema, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Look = Literal["declaration", "rows", "form"]
STEPS = 20  # in which the widths of ranges are known, each the mean of MIN_COUNT at least
LEAST_SHARE = 0.5  # of the values must have the form, or the column stays what it is


@dataclass(frozen=True)
class Way:
    """One of several forms that a column's values are written in.

    Args:
        rows: how many are.
        widths: of ranges, as shares of their middles, from the least to the greatest in equal steps of rows.
        decimals: of the ends of ranges.
    """

    form: str
    rows: int
    widths: tuple[float, ...] = ()
    decimals: int = 0


@dataclass(frozen=True)
class WrittenColumn:
    """One such column.

    Args:
        form: as ``format:`` names it.
        others: what a missing value comes back as (None: as a missing one), and how often it did; () where a missing
            value is none that the table has.
        ways: the forms of a column of several, by whose frequency one is chosen for each value; () for one form.
        leave_out: leave out rows whose value does not have the form, as under a budget each row is looked at alone.
    """

    name: str
    form: str
    others: tuple[tuple[str | None, int], ...] = ()
    ways: tuple[Way, ...] = ()
    leave_out: bool = False


@dataclass(frozen=True)
class WrittenForms:
    """The step for all such columns of a table."""

    KIND: ClassVar[str] = "written forms"
    columns: tuple[WrittenColumn, ...]
    whole: tuple[tuple[str, str], ...] = ()  # columns of integers → their Arrow type

    def schema(self, outer: Schema) -> Schema:
        names = {c.name for c in self.columns}
        typed = as_read(outer)
        lacking = {c.name for c in self.columns if any(other is not None for other, _ in c.others)}
        columns = []
        for was, column in zip(outer.columns, typed.columns, strict=True):
            kept = column if was.name in names else was
            columns.append(replace(kept, nullable=True) if was.name in lacking else kept)
        return replace(outer, columns=tuple(columns))

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa
        import pyarrow.compute as pc

        arrays = dict(zip(rows.schema.names, rows.columns, strict=True))
        kept: Any = None
        for column in self.columns:
            if column.name not in arrays:
                continue
            values = parse_form(column.form).read(as_text(arrays[column.name])).values
            if column.leave_out:
                kept = values.is_valid() if kept is None else pc.and_(kept, values.is_valid())
            elif not column.others:
                values = pc.fill_null_backward(pc.fill_null_forward(values))
            arrays[column.name] = values
        batch = pa.record_batch(list(arrays.values()), names=list(arrays))
        return batch if kept is None else batch.filter(kept)

    def restore(self, rows: pa.RecordBatch, rng: np.random.Generator) -> pa.RecordBatch:
        import pyarrow as pa

        whole = dict(self.whole)
        arrays = dict(zip(rows.schema.names, rows.columns, strict=True))
        for column in self.columns:
            if column.name not in arrays:
                continue
            text = _with_others(_as_written(column, arrays[column.name], rng), column.others, rng)
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
            ways = tuple(Way(**{**w, "widths": tuple(w["widths"])}) for w in c["ways"])
            return WrittenColumn(c["name"], c["form"], others, ways, c["leave_out"])

        return WrittenForms(tuple(column(c) for c in data["columns"]), tuple((a, b) for a, b in data["whole"]))


def _as_written(column: WrittenColumn, values: pa.Array, rng: np.random.Generator) -> pa.Array:
    """Values as text: in the column's one form, or in one of its forms by chance."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    text = parse_form(column.form).write(values)
    if len(column.ways) < 2:
        return text
    weights = np.array([way.rows for way in column.ways], dtype=float)
    chosen = rng.choice(len(column.ways), size=len(values), p=weights / weights.sum())
    for number, way in enumerate(column.ways[1:], 1):
        here = pa.array(chosen == number)
        some = values.filter(here)
        form = parse_form(way.form)
        other = _ranges(form, way, some, rng) if isinstance(form, Range) else form.write(some)
        text = pc.replace_with_mask(text, here, other)
    return text


def _ranges(form: Range, way: Way, middles: pa.Array, rng: np.random.Generator) -> pa.Array:
    """Ranges around these middles, as wide as real ones of some size."""
    import numpy as np
    import pyarrow as pa

    missing = middles.is_null().to_numpy(zero_copy_only=False)
    at = middles.fill_null(0).to_numpy(zero_copy_only=False).astype(float)
    half = np.abs(at) * np.interp(rng.random(len(at)), np.linspace(0, 1, len(way.widths)), way.widths) / 2
    low, high = (pa.array(np.round(end, way.decimals), mask=missing) for end in (at - half, at + half))
    return form.around(low, high)


def _ways(form: Form, texts: pa.Array) -> tuple[Way, ...]:
    """In which of its forms a column's values are written; those of few rows are left out."""
    import pyarrow.compute as pc

    if not isinstance(form, Mixed):
        return ()
    found, left = [], texts
    for one in form.forms:
        fits = one.read(left).fits
        inside, left = left.filter(fits), left.filter(pc.invert(fits))
        if one is form.forms[0] or len(inside) >= MIN_COUNT:
            found.append(_way_of_ranges(one, inside) if isinstance(one, Range) else Way(one.text, len(inside)))
    return tuple(found)


def _way_of_ranges(form: Range, texts: pa.Array) -> Way:
    import numpy as np
    import pyarrow as pa

    low, high = (end.values.cast(pa.float64()).to_numpy(zero_copy_only=False) for end in form.ends(texts))
    widths = (high - low) / np.maximum(np.abs(high + low) / 2, 1e-9)
    steps = max(2, min(STEPS, len(widths) // MIN_COUNT))
    cuts = [float(f"{np.mean(part):.2g}") for part in np.array_split(np.sort(widths), steps)]
    decimals = next((d for d in range(9) if np.allclose(np.round([low, high], d), [low, high], atol=1e-9)), 9)
    return Way(form.text, len(texts), tuple(cuts), decimals)


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
            found.append(WrittenColumn(column.name, form.text, ((None, 1),), leave_out=not column.nullable))
        elif (written := _written(table, column, form)) is not None:
            found.append(written if look == "rows" else replace(written, others=((None, 1),)))
    if not found:
        return AS_IT_IS
    types = {c.name: arrow.field(c.name).type for c in found}
    whole = tuple((name, str(kind)) for name, kind in types.items() if pa.types.is_integer(kind))
    return View((WrittenForms(tuple(found), whole),))


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
    return WrittenColumn(column.name, form.text, tuple(others), _ways(form, texts))
