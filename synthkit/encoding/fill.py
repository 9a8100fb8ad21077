"""Columns that no generator should learn: keys, free text, Faker-filled ones, constants, columns of only nulls.

A generator sees the other columns; :func:`fill` puts these back in the source's order and types. A made-up key or
text never is a value of the source (unless its shape leaves no other), so it cannot give a person away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from synthkit.encoding.makers import Maker, make_maker
from synthkit.encoding.shapes import Shapes, learn_shapes
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["constant", "null", "key", "foreign", "faker", "text"]
BATCH = 65_536  # rows


@dataclass(frozen=True)
class FillRule:
    """How one column is made up.

    Args:
        kind: constant | null | key (all different) | foreign (repeats as in the source) | faker | text.
        nulls: share of nulls, 0 to 1.
        unique: whether all values differ in the source.
        fan_out: rows per value → number of values, of a foreign key.
        shapes: patterns of strings (None for numbers).
        value: of a constant, as text.
    """

    column: Column
    kind: Kind
    nulls: float = 0.0
    unique: bool = False
    fan_out: tuple[tuple[int, int], ...] = ()
    shapes: Shapes | None = None
    value: str | None = None


@dataclass(frozen=True)
class ColumnPlan:
    """Which columns the generator learns, and how the others are filled."""

    schema: Schema
    arrow: tuple[tuple[str, str], ...]  # name → Arrow type as base64 of its IPC schema, in the source's order
    modelled: Schema
    filled: tuple[FillRule, ...]

    def arrow_schema(self) -> pa.Schema:
        return pa_schema(self.arrow)

    def to_json(self) -> dict[str, Any]:
        return json.loads(json.dumps(asdict(self), default=str))  # type: ignore[no-any-return]

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ColumnPlan:
        def rule(r: Mapping[str, Any]) -> FillRule:
            column = Schema.from_json({"columns": [r["column"]]}).columns[0]
            shapes = None if r["shapes"] is None else Shapes.from_json(r["shapes"])
            fan_out = tuple((int(a), int(b)) for a, b in r["fan_out"])
            return FillRule(**{**r, "column": column, "shapes": shapes, "fan_out": fan_out})

        return ColumnPlan(
            schema=Schema.from_json(data["schema"]),
            arrow=tuple((str(a), str(b)) for a, b in data["arrow"]),
            modelled=Schema.from_json(data["modelled"]),
            filled=tuple(rule(r) for r in data["filled"]),
        )


def pa_schema(fields: tuple[tuple[str, str], ...]) -> pa.Schema:
    """An Arrow schema from (name, serialised type) pairs."""
    import base64

    import pyarrow as pa

    parsed = []
    for name, text in fields:
        one = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
        parsed.append(pa.field(name, one.field(0).type))
    return pa.schema(parsed)


def serialised(schema: pa.Schema) -> tuple[tuple[str, str], ...]:
    """The inverse of :func:`pa_schema`."""
    import base64

    import pyarrow as pa

    pairs = []
    for field in schema:
        one = pa.schema([pa.field("x", field.type)]).serialize().to_pybytes()
        pairs.append((field.name, base64.b64encode(one).decode()))
    return tuple(pairs)


def plan_columns(table: Table) -> ColumnPlan:
    """Look at the training rows once and decide for each column.

    ``plan.modelled.columns`` may be empty: then everything is made up and no generator is needed.
    """
    import pyarrow.parquet as pq

    arrow = pq.read_schema(table.paths[0])
    rules: dict[str, FillRule] = {}
    for column in table.schema.columns:
        rule = _rule(table, column)
        if rule is not None:
            rules[column.name] = rule
    modelled = [c.name for c in table.schema.columns if c.name not in rules]
    order = [arrow.field(c.name) for c in table.schema.columns]
    return ColumnPlan(
        schema=table.schema,
        arrow=serialised(_pa().schema(order)),
        modelled=table.schema.select(modelled),
        filled=tuple(rules.values()),
    )


def _pa() -> Any:
    import pyarrow as pa

    return pa


def _rule(table: Table, column: Column) -> FillRule | None:
    import pyarrow.compute as pc

    values = table.to_arrow([column.name]).column(0)
    present = values.drop_null()
    nulls = 1 - len(present) / len(values) if len(values) else 0.0
    if len(present) == 0:
        return FillRule(column, "null", nulls=1.0)
    distinct = pc.count_distinct(present).as_py()
    if column.pii is not None:
        return FillRule(column, "faker", nulls, unique=distinct == len(present) and distinct > 1)
    if column.modelled:
        if distinct == 1 and nulls == 0:
            return FillRule(column, "constant", value=json.dumps(_jsonable(present[0].as_py())))
        return None
    shapes = learn_shapes(present) if _stringlike(present.type) else None
    if column.type == "text":
        return FillRule(column, "text", nulls, unique=distinct == len(present), shapes=shapes)
    if distinct == len(present):
        return FillRule(column, "key", nulls, unique=True, shapes=shapes)
    return FillRule(column, "foreign", nulls, fan_out=_fan_out(present), shapes=shapes)


def _stringlike(kind: pa.DataType) -> bool:
    import pyarrow.types as t

    return bool(t.is_string(kind) or t.is_large_string(kind))


def _fan_out(present: pa.ChunkedArray) -> tuple[tuple[int, int], ...]:
    """How many values stand in 1, 2, 3, … rows."""
    import pyarrow.compute as pc

    counts = pc.value_counts(present).field("counts") if hasattr(pc.value_counts(present), "field") else None
    sizes = [r["counts"] for r in pc.value_counts(present).to_pylist()] if counts is None else counts.to_pylist()
    tally: dict[int, int] = {}
    for size in sizes:
        tally[size] = tally.get(size, 0) + 1
    return tuple(sorted(tally.items()))


def _jsonable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def fill(batches: Iterator[pa.RecordBatch], plan: ColumnPlan, *, rows: int, seed: int) -> Iterator[pa.RecordBatch]:
    """The generator's batches completed to the source's columns, order and Arrow types; ``rows`` in all.

    Where no column is modelled, ``batches`` may be empty and everything is made up. The same seed gives the
    same values, however the batches are cut.
    """
    schema = plan.arrow_schema()
    makers = {
        rule.column.name: make_maker(rule, schema.field(rule.column.name).type, rows, seed) for rule in plan.filled
    }
    if plan.modelled.columns:
        yield from _completed(batches, plan, schema, makers)
        return
    for start in range(0, rows, BATCH):
        count = min(BATCH, rows - start)
        yield _batch(schema, {name: maker.take(start, count) for name, maker in makers.items()})


def _completed(
    batches: Iterator[pa.RecordBatch], plan: ColumnPlan, schema: pa.Schema, makers: Mapping[str, Maker]
) -> Iterator[pa.RecordBatch]:
    start = 0
    for batch in batches:
        columns: dict[str, Any] = {c.name: batch.column(c.name) for c in plan.modelled.columns}
        for name, maker in makers.items():
            columns[name] = maker.take(start, batch.num_rows)
        yield _batch(schema, columns)
        start += batch.num_rows


def _batch(schema: pa.Schema, columns: Mapping[str, Any]) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = []
    for field in schema:
        column = columns[field.name]
        arrays.append(column if column.type == field.type else column.cast(field.type))
    return pa.record_batch(arrays, schema=schema)
