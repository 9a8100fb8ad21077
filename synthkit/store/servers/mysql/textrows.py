"""The rows of a Parquet file as text that LOAD DATA reads: values in quotes, and nulls as the bare word NULL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 32_768  # rows
HOW = (
    "CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\n'"
)


def text_batches(path: Path, nested: frozenset[str]) -> Iterator[list[pa.Array]]:
    """The columns, as text, of a block of rows after another."""
    for batch in _batches(path, nested):
        yield [_text(column) for column in batch.columns]


def lines(columns: list[pa.Array]) -> memoryview:
    """A block of rows as lines."""
    import pyarrow.compute as pc

    cells = []
    for column in columns:
        quoted = pc.replace_substring(column, '"', '""')
        cells.append(pc.fill_null(pc.binary_join_element_wise('"', quoted, '"', ""), "NULL"))
    joined = cells[0] if len(cells) == 1 else pc.binary_join_element_wise(*cells, ",")
    ended = pc.binary_join_element_wise(joined, "", "\n")
    _, offsets, data = ended.buffers()
    return memoryview(data)[: memoryview(offsets).cast("b").cast("i")[len(ended)]]


def _batches(path: Path, nested: frozenset[str]) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        if not nested:
            yield from file.iter_batches(batch_size=BLOCK)
            return
    import duckdb

    from synthkit.sql.filescan import parquet_scan
    from synthkit.sql.quoting import quote

    columns = ", ".join(
        f"CAST(to_json({quote(n)}) AS VARCHAR) AS {quote(n)}" if n in nested else quote(n) for n in names
    )
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield from connection.sql(f"SELECT {columns} FROM {parquet_scan(path)}").to_arrow_reader(BLOCK)


def _text(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_float32(column.type):
        column = column.cast(pa.float64())  # all its digits: the server reads a double, and rounds none of them
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = column.cast(pa.timestamp(column.type.unit))  # in UTC, as it is held
    return column.cast(pa.string())
