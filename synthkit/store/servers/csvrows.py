"""The rows of a Parquet file as CSV, which servers load fast: a block at a time, made ahead of who sends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.store.servers.ahead import made_ahead

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 32_768  # rows


def csv_blocks(path: Path, written: Sequence[str | None]) -> Iterator[memoryview]:
    """The rows, without a header. A null is an empty field; a text is in quotes, also the empty one.

    Args:
        written: of each column how its text is made, as an expression of DuckDB over ``c0``, ``c1`` and so on; None:
            as it is.
    """
    yield from made_ahead(_blocks(path, written))


def _blocks(path: Path, written: Sequence[str | None]) -> Iterator[memoryview]:
    import pyarrow as pa
    from pyarrow import csv

    options = csv.WriteOptions(include_header=False, batch_size=BLOCK)
    for batch in _batches(path, written):
        sink = pa.BufferOutputStream()
        csv.write_csv(batch, sink, options)
        yield memoryview(sink.getvalue())


def _batches(path: Path, written: Sequence[str | None]) -> Iterator[pa.RecordBatch]:
    if any(written):
        import duckdb

        from synthkit.sql.filescan import parquet_scan

        columns = ", ".join(one or f"c{n}" for n, one in enumerate(written))
        with duckdb.connect(":memory:") as connection:
            connection.execute("SET TimeZone = 'UTC'")
            named = ", ".join(f"c{n}" for n in range(len(written)))
            query = f"SELECT {columns} FROM {parquet_scan(path)} AS rows({named})"
            yield from connection.sql(query).to_arrow_reader(BLOCK)
        return
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=BLOCK)
