"""Columns that no generator should learn: keys, free text, Faker-filled ones, constants, columns of only nulls.

A generator sees the other columns; :func:`fill` puts these back in the source's order and types. A made-up key or
text never is a value of the source (unless its shape leaves no other), so it cannot give a person away.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from synthkit.encoding.held import Held
from synthkit.encoding.holdings import holdings
from synthkit.encoding.identities import Identities, together
from synthkit.encoding.kept.step import KeptRules
from synthkit.encoding.keys import KeyRule, UniqueKeys, divided_by, plan_key
from synthkit.encoding.makers import ForeignMaker, Maker, make_maker
from synthkit.encoding.portion import ALL, Portion
from synthkit.encoding.rules import FillRule
from synthkit.encoding.shapes import Shapes, learn_shapes
from synthkit.encoding.states import rows_of, shared
from synthkit.encoding.steps import view_from_json
from synthkit.encoding.taken import FREE, Taken
from synthkit.encoding.values import plain
from synthkit.encoding.view import AS_IT_IS, View
from synthkit.errors import BuildError
from synthkit.files import Json
from synthkit.project.partition import Partition
from synthkit.rules.inequality import Inequality
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa


BATCH = 65_536  # rows


@dataclass(frozen=True)
class ColumnPlan:
    """Which columns the generator learns, how the others are filled, and how primary keys stay unique.

    All of it is about the table as it is ``read``; ``learnt`` is what becomes of ``modelled`` columns in the generator.
    """

    schema: Schema
    arrow: tuple[tuple[str, str], ...]  # name → Arrow type as base64 of its IPC schema, in the source's order
    modelled: Schema
    filled: tuple[FillRule, ...]
    key: KeyRule | None = None
    read: View = AS_IT_IS
    learnt: View = AS_IT_IS
    held: tuple[Held, ...] = ()
    uniques: tuple[KeyRule, ...] = ()

    @property
    def inner(self) -> Schema:
        """The columns that the generator itself learns."""
        return self.learnt.schema(self.modelled)

    def arrow_schema(self) -> pa.Schema:
        return pa_schema(self.arrow)

    def to_json(self) -> dict[str, Any]:
        views = {"read": self.read.to_json(), "learnt": self.learnt.to_json()}
        rest = asdict(replace(self, read=AS_IT_IS, learnt=AS_IT_IS))
        return json.loads(json.dumps({**rest, **views}, default=str))  # type: ignore[no-any-return]

    @staticmethod
    def from_json(data: Json) -> ColumnPlan:
        def rule(r: Json) -> FillRule:
            column = Schema.from_json({"columns": [r["column"]]}).columns[0]
            shapes = None if r["shapes"] is None else Shapes.from_json(r["shapes"])
            fan_out = tuple((int(a), int(b)) for a, b in r["fan_out"])
            return FillRule(**{**r, "column": column, "shapes": shapes, "fan_out": fan_out})

        return ColumnPlan(
            schema=Schema.from_json(data["schema"]),
            arrow=tuple((str(a), str(b)) for a, b in data["arrow"]),
            modelled=Schema.from_json(data["modelled"]),
            filled=tuple(rule(r) for r in data["filled"]),
            key=None if data.get("key") is None else KeyRule.from_json(data["key"]),
            read=view_from_json(data["read"]),
            learnt=view_from_json(data["learnt"]),
            held=tuple(Held.from_json(h) for h in data.get("held", ())),
            uniques=tuple(KeyRule.from_json(k) for k in data.get("uniques", ())),
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


def plan_columns(table: Table, read: View = AS_IT_IS) -> ColumnPlan:
    """Look at the training rows once and decide for each column.

    Args:
        table: the rows as they are read.
        read: how they were.

    ``plan.modelled.columns`` may be empty: then everything is made up and no generator is needed.

    Raises:
        BuildError: a column holds nested values, or is declared as text although it holds dates, times or booleans.
    """
    import pyarrow as pa
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
        arrow=serialised(pa.schema(order)),
        # The generator does not learn the privacy unit, but who holds a value is counted by it.
        modelled=replace(table.schema.select(modelled), privacy_unit=table.schema.privacy_unit),
        filled=tuple(rules.values()),
        key=plan_key(table, {name: "key" if rule.unique else rule.kind for name, rule in rules.items()}),
        read=read,
    )


def _rule(table: Table, column: Column) -> FillRule | None:
    import pyarrow as pa

    values = table.to_arrow([column.name]).column(0)
    if pa.types.is_nested(values.type):
        raise BuildError(
            f"column {column.name!r} holds {values.type}, which can be neither learnt nor made up",
            hint="leave it out of the query, or turn it into text: to_json(column)::VARCHAR",
        )
    present = values.drop_null()
    if len(present) == 0:
        return FillRule(column, "null", nulls=1.0)
    # A primary key has no nulls, whatever its source has.
    nulls = 0.0 if column.name in table.schema.primary_key else 1 - len(present) / len(values)
    if column.pii is None and column.modelled and column.rare is None and _varies(present):
        return None  # whether each row has its own value does not matter, and takes memory to find out
    distinct = distinct_in(present)
    unique = distinct == len(present) and distinct > 1
    if column.pii is not None:
        return FillRule(column, "faker", nulls, unique)
    if column.modelled and (column.rare is None or shared(*rows_of(table, column.name))):
        if distinct == 1 and len(present) == len(values):
            return FillRule(column, "constant", value=json.dumps(plain(present[0].as_py())))
        return None
    if column.type in ("text", "categorical"):  # of categories none may come back
        return FillRule(column, "text", nulls, unique, shapes=learn_shapes(_texts(present, column)))
    shapes = learn_shapes(present) if _stringlike(present.type) else None
    if distinct == len(present):
        return FillRule(column, "key", nulls, unique=True, shapes=shapes)
    return FillRule(column, "foreign", nulls, fan_out=_fan_out(present), shapes=shapes)


def _varies(present: pa.ChunkedArray) -> bool:
    """Whether the first values differ: then all of them do not have the same."""
    import pyarrow.compute as pc

    return bool(pc.count_distinct(present.slice(0, 1_000)).as_py() > 1)


def distinct_in(present: pa.ChunkedArray) -> int:
    """How many different values there are. Whole numbers are sorted, which takes less memory than to hash them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_integer(present.type) or not len(present):
        return int(pc.count_distinct(present).as_py())
    values = np.sort(present.to_numpy())
    return 1 + int(np.count_nonzero(values[1:] != values[:-1]))


def _stringlike(kind: pa.DataType) -> bool:
    import pyarrow.types as t

    return bool(t.is_string(kind) or t.is_large_string(kind))


def _texts(present: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """The values of a text column, digits where numbers are declared as text."""
    import pyarrow as pa
    import pyarrow.types as t

    kind = present.type
    if _stringlike(kind):
        return present
    if t.is_integer(kind) or t.is_decimal(kind) or t.is_floating(kind):
        return pa.chunked_array([[format(v, "f") if not t.is_integer(kind) else str(v) for v in present.to_pylist()]])
    raise BuildError(
        f"column {column.name!r} is declared as text, but its values are {column.sql_type}",
        hint="drop the type, or declare the one that the values have",
    )


def _fan_out(present: pa.ChunkedArray) -> tuple[tuple[int, int], ...]:
    """How many values stand in 1, 2, 3, … rows."""
    import pyarrow.compute as pc

    tally = Counter(pc.value_counts(present).field("counts").to_pylist())
    return tuple(sorted(tally.items()))


def fill(
    batches: Iterator[pa.RecordBatch],
    plan: ColumnPlan,
    *,
    rows: int,
    seed: int,
    fixed: Collection[str] = (),
    asked: Collection[str] = (),
    rules: Sequence[Inequality] = (),
    taken: Mapping[str, Taken] | None = None,
    portion: Portion = ALL,
) -> Iterator[pa.RecordBatch]:
    """The generator's batches completed to the source's columns, order and Arrow types; ``rows`` in all.

    Where no column is modelled, ``batches`` may be empty and everything is made up. The same seed gives the
    same values, however the batches are cut.

    Args:
        fixed: columns whose drawn values must stay, even to make a primary key unique.
        asked: those with conditions.
        rules: comparisons that the rows keep, and go on to keep.
        taken: of made-up keys, those that real rows have (:func:`.taken.taken_keys`).
        portion: the part of a larger table that the rows are: what is unique is so in all of the table.

    Raises:
        BuildError: made-up values do not fit a column's type, or a primary key has no room for so many rows.
    """
    schema = plan.arrow_schema()
    by_key = {n for h in plan.held for n in (h.key, *h.made)}
    persons = together(plan.filled, by_key)
    identities = Identities(persons, schema, seed, portion)
    makers = {}
    for rule in plan.filled:
        name = rule.column.name
        if name in identities.names:
            continue
        makers[name] = make_maker(rule, schema.field(name).type, rows, seed, (taken or {}).get(name, FREE), portion)
    keys = _unique_keys(plan, schema, makers, fixed, seed, portion.partition)
    of_a_key = any(set(key.columns) & set(identities.names) for key in keys)
    holding = holdings(plan.held, plan.filled, plan.learnt, schema, makers, rules=rules, asked=asked, seed=seed)
    for start, count, columns in _modelled(batches, plan, rows):
        for name, maker in makers.items():
            if name not in by_key:
                columns[name] = maker.take(start, count)
        for one in holding:
            one.apply(columns, count)
        if of_a_key:
            identities.apply(columns, start, count)
        for key in keys:
            key.apply(columns)
        if persons and not of_a_key:  # a key may move the country
            identities.apply(columns, start, count)
        yield _batch(schema, columns)


def _unique_keys(
    plan: ColumnPlan,
    schema: pa.Schema,
    makers: Mapping[str, Maker],
    fixed: Collection[str],
    seed: int,
    partition: Partition,
) -> list[UniqueKeys]:
    """What keeps each key unique."""
    foreign = {name: maker for name, maker in makers.items() if isinstance(maker, ForeignMaker)}
    step = next((s for s in plan.learnt.steps if isinstance(s, KeptRules)), None)
    return [
        UniqueKeys(rule, schema, foreign=foreign, fixed=stays, step=step, seed=seed, partition=partition)
        for rule, stays in _keys(plan, fixed)
    ]


def _keys(plan: ColumnPlan, fixed: Collection[str]) -> Iterator[tuple[KeyRule, Collection[str]]]:
    """The keys, and what stays of each: none moves what an earlier one, or a made-up key, goes by."""
    stays = {*fixed, *(n for h in plan.held for n in (h.key, *h.columns, *h.made, *h.by))}
    for rule in (*(() if plan.key is None else (plan.key,)), *plan.uniques):
        yield rule, frozenset(stays)
        stays |= set(rule.columns)


def undivided(plan: ColumnPlan, fixed: Collection[str], partitions: int) -> str | None:
    """Why rows cannot be completed in so many parts that know nothing of each other; None where they can.

    Args:
        fixed: columns whose drawn values must stay.
    """
    for held in plan.held:
        if held.by:
            return f"rows with the same {' and '.join(held.by)} have the same made-up {held.key}"
    foreign = {rule.column.name for rule in plan.filled if rule.kind == "foreign"}
    for rule, stays in _keys(plan, fixed):
        if not foreign & set(rule.columns) and divided_by(rule, stays, partitions) is None:
            return f"no two rows have the same {' and '.join(rule.columns)}, which are learnt"
    return None


def _modelled(
    batches: Iterator[pa.RecordBatch], plan: ColumnPlan, rows: int
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """(first row, number of rows, the generator's columns) of each batch."""
    if not plan.modelled.columns:
        for start in range(0, rows, BATCH):
            yield start, min(BATCH, rows - start), {}
        return
    start = 0
    for batch in batches:
        yield start, batch.num_rows, {c.name: batch.column(c.name) for c in plan.modelled.columns}
        start += batch.num_rows


def _batch(schema: pa.Schema, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = []
    for field in schema:
        column = columns[field.name]
        arrays.append(column if column.type == field.type else column.cast(field.type))
    return pa.record_batch(arrays, schema=schema)
