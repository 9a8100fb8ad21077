"""Rows from a row-wise driver into DuckDB: batches of text in Arrow, cast to the types that the database declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.sources.types import quote, text

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def load_batches(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    types: Sequence[str],
    batches: Iterable[Sequence[Sequence[Any]]],
    scratch: Path | None,
) -> None:
    """Make ``raw`` a view of these rows. Memory holds one batch at a time: the rest is Parquet in ``scratch``."""
    if scratch is None:
        columns = ", ".join(f"CAST(NULL AS {t}) AS {quote(n)}" for n, t in zip(names, types, strict=True))
        connection.execute(f"CREATE TEMP VIEW raw AS SELECT {columns} WHERE false")
        return
    import pyarrow.parquet as pq

    scratch.mkdir(parents=True, exist_ok=True)
    file = scratch / "stream.parquet"
    schema = _text_schema(len(names))
    with pq.ParquetWriter(file, schema) as writer:
        for batch in _as_text(batches, schema):
            writer.write_batch(batch)
    columns = ", ".join(f"CAST(c{i} AS {t}) AS {quote(n)}" for i, (n, t) in enumerate(zip(names, types, strict=True)))
    connection.execute(f"CREATE TEMP VIEW raw AS SELECT {columns} FROM read_parquet({text(str(file))})")


def _text_schema(width: int) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(f"c{i}", pa.string()) for i in range(width)])


def _as_text(batches: Iterable[Sequence[Sequence[Any]]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for rows in batches:
        columns = [pa.array([_text(row[i]) for row in rows], pa.string()) for i in range(len(schema))]
        yield pa.record_batch(columns, schema=schema)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list):
        import json

        return json.dumps(value, default=str)
    return str(value)
