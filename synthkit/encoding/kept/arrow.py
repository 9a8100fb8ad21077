"""Small tables and types as JSON, and columns in their order."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def packed(table: pa.Table) -> str:
    """A table as text (base64 of an Arrow stream)."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return base64.b64encode(sink.getvalue().to_pybytes()).decode()


def unpacked(text: str) -> pa.Table:
    """The inverse of :func:`packed`."""
    import pyarrow as pa

    with pa.ipc.open_stream(pa.py_buffer(base64.b64decode(text))) as reader:
        return reader.read_all()


def types_of(schema: pa.Schema, names: Sequence[str]) -> str:
    """The Arrow types of some columns as text."""
    import pyarrow as pa

    return packed(pa.schema([schema.field(n) for n in names]).empty_table())


def batch_of(columns: Mapping[str, pa.Array], order: Sequence[str]) -> pa.RecordBatch:
    """The columns that are there, in this order; others, which the order does not know, after them."""
    import pyarrow as pa

    names = [n for n in order if n in columns] + [n for n in columns if n not in order]
    arrays = [columns[n].combine_chunks() if isinstance(columns[n], pa.ChunkedArray) else columns[n] for n in names]
    return pa.record_batch(arrays, names=names)


def columns_of(rows: pa.RecordBatch | pa.Table) -> dict[str, Any]:
    """Name → column."""
    return dict(zip(rows.schema.names, rows.columns, strict=True))
