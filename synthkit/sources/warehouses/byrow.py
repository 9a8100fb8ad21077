"""Rows of a driver as Arrow, some thousand at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 5_000  # rows


class UnfitError(ValueError):
    """A value that is none of the type which the server said, of the column ``at``."""

    def __init__(self, at: int) -> None:
        super().__init__(f"column {at}")
        self.at = at


def batches(cursor: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """What an executed cursor gives, in the schema's types; it holds a batch at a time, as far as its driver does."""
    while rows := cursor.fetchmany(BATCH):
        yield batch(rows, schema)


def batch(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows, which may be none, in the schema's types. Raises UnfitError."""
    import pyarrow as pa

    columns = []
    for i, field in enumerate(schema):
        try:
            columns.append(pa.array([row[i] for row in rows], field.type))
        except (pa.ArrowException, TypeError, OverflowError):
            raise UnfitError(i) from None
    return pa.record_batch(columns, schema=schema)
