"""Rows of a driver as Arrow, some thousand at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 5_000  # rows


def batches(cursor: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """What an executed cursor gives, in the schema's types; it holds a batch at a time, as far as its driver does."""
    while rows := cursor.fetchmany(BATCH):
        yield batch(rows, schema)


def batch(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows, which may be none, in the schema's types."""
    import pyarrow as pa

    return pa.record_batch(
        [pa.array([row[i] for row in rows], field.type) for i, field in enumerate(schema)], schema=schema
    )
