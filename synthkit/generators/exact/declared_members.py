"""One table of a family under a budget on its way to the generator: decided by what is declared, whatever its rows are.

As :mod:`.members`, but that no row is looked at, and that a key is learnt by its own text as the source has it
(:func:`synthkit.sources.bounding.text_of`): whose row it is must not depend on how others are written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from synthkit.encoding.declared_fill import moves_of, plan_declared
from synthkit.encoding.fill import serialised
from synthkit.encoding.keys import KeyRule
from synthkit.encoding.view import lay_down
from synthkit.encoding.writtenform import read_view
from synthkit.generators.exact.members import KeyColumns, MemberPlan, without_keys
from synthkit.generators.exact.ruled import ruled
from synthkit.schema import Schema, Table
from synthkit.sources.bounding import text_of


def plan_declared_member(
    table: Table, keys: KeyColumns, file: Path, *, declared: Mapping[str, str]
) -> tuple[MemberPlan, Table]:
    """What becomes of each column by its declaration; with it the rows as they are read, in ``file``.

    Args:
        table: its schema is what is declared; of its files only the types are looked at.
        declared: rule → where it is declared.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    view = read_view(replace(table, schema=without_keys(table.schema, keys)), "declaration")
    known = view.learn(table, file)
    arrow = pq.read_schema(known.paths[0])
    alone = plan_declared(without_keys(known.schema, keys), known.paths[0], view)
    plan = replace(
        alone,
        schema=known.schema,
        arrow=serialised(pa.schema([arrow.field(n) for n in known.schema.names])),
        key=_key(known.schema, keys.names, {r.column.name for r in alone.filled if r.unique}, arrow),
    )
    return MemberPlan(ruled(plan, known, declared, found=False, private=True), keys), known


def learn_declared(plan: MemberPlan, known: Table, file: Path) -> Table:
    """The rows as the generator learns them, in ``file``: keys as text."""
    import pyarrow as pa

    inner = [c.name for c in plan.columns.inner.columns]

    def rows() -> Iterator[pa.RecordBatch]:
        for batch in known.batches():
            learnt = batch
            for step in plan.columns.learnt.steps:
                learnt = step.learn(learnt)
            columns = {n: batch.column(text_of(n)).cast(pa.string()) for n in plan.keys.names}
            columns |= {n: learnt.column(n) for n in inner}
            yield pa.record_batch(list(columns.values()), names=list(columns))

    laid = lay_down(rows(), file)
    if not file.exists():  # not one row
        types = [pa.field(n, pa.string()) for n in plan.keys.names]
        arrow = plan.columns.arrow_schema()
        types += [pa.field(n, arrow.field(n).type) for n in inner]
        lay_down([pa.RecordBatch.from_pylist([], schema=pa.schema(types))], file)
    whole = plan.learnt
    named = tuple(replace(c, type="id", sql_type="VARCHAR") if c.name in plan.keys.names else c for c in whole.columns)
    return Table(replace(whole, columns=named), (file,), laid, known.metadata)


def _key(schema: Schema, drawn: Collection[str], unique: Collection[str], arrow: object) -> KeyRule | None:
    """How a primary key of several columns stays unique: by the declared values of those that are learnt."""
    if len(schema.primary_key) < 2 or set(unique) & set(schema.primary_key):
        return None
    return moves_of(schema, [n for n in schema.primary_key if n not in drawn], arrow)
