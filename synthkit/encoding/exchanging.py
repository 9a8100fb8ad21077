"""Columns of a batch taken for others, at their place, and put back there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.view import Step, lay_down
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def exchanged(rows: pa.RecordBatch, learn: Mapping[str, Callable[[pa.Array], dict[str, pa.Array]]]) -> pa.RecordBatch:
    """Rows in which each of these columns is those that are learnt of it."""
    import pyarrow as pa

    arrays: dict[str, pa.Array] = {}
    for name, values in zip(rows.schema.names, rows.columns, strict=True):
        arrays |= learn[name](values) if name in learn else {name: values}
    return pa.record_batch(list(arrays.values()), names=list(arrays))


def widened(outer: Schema, inner: Mapping[str, Sequence[Column]]) -> Schema:
    """A schema in which each of these columns is those that are learnt of it."""
    columns: list[Column] = []
    for column in outer.columns:
        columns += inner.get(column.name, (column,))
    return replace(outer, columns=tuple(columns))


def put_back(
    rows: pa.RecordBatch,
    restore: Mapping[str, Callable[[dict[str, Any], int, np.random.Generator], pa.Array]],
    parts: Mapping[str, str],
    rng: np.random.Generator,
) -> pa.RecordBatch:
    """Drawn rows in which each column stands again where the first of its parts did."""
    import pyarrow as pa

    arrays = dict(zip(rows.schema.names, rows.columns, strict=True))
    order = list(dict.fromkeys(parts.get(name, name) for name in arrays))
    found = {name: restore[name](arrays, rows.num_rows, rng) for name in order if name in restore}
    return pa.record_batch([found[name] if name in found else arrays[name] for name in order], names=order)


def with_parts(table: Table, steps: Sequence[Step], file: Path) -> Table:
    """The table with the columns that steps learn beside it, its rows in ``file``; itself where there is no step."""
    import pyarrow as pa

    ours = [name for step in steps for name in dict.fromkeys(step.inner.values()) if name in table.schema.by_name]
    if not ours:
        return table
    columns = list(table.schema.columns)
    for step in steps:
        of = [n for n in dict.fromkeys(step.inner.values()) if n in ours]
        columns += step.schema(table.schema.select(of)).columns

    def beside() -> Iterator[pa.RecordBatch]:
        for batch in table.batches():
            arrays = dict(zip(batch.schema.names, batch.columns, strict=True))
            for step in steps:
                learnt = step.learn(batch.select([n for n in dict.fromkeys(step.inner.values()) if n in ours]))
                arrays |= dict(zip(learnt.schema.names, learnt.columns, strict=True))
            yield pa.record_batch(list(arrays.values()), names=list(arrays))

    rows = lay_down(beside(), file)
    return replace(table, schema=replace(table.schema, columns=tuple(columns)), paths=(file,), rows=rows)
