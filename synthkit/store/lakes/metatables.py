"""Schemas and tables in Arrow, from types as DuckDB names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from synthkit.sql.quoting import quote
from synthkit.store.meta import meta_columns

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_schema(columns: Sequence[tuple[str, str]]) -> pa.Schema:
    """The schema of columns (name, DuckDB type).

    >>> arrow_schema([("a", "DECIMAL(18,2)")]).field("a").type
    Decimal128Type(decimal128(18, 2))
    """
    import duckdb

    named = ", ".join(f"CAST(NULL AS {sql_type}) AS {quote(name)}" for name, sql_type in columns)
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(f"SELECT {named} LIMIT 0").to_arrow_table().schema


def arrow_table(table: str, rows: Sequence[Sequence[object]]) -> pa.Table:
    """A table of ``synth_meta`` of these rows."""
    import pyarrow as pa

    schema = arrow_schema(meta_columns(table))
    values = zip(*rows, strict=True) if rows else ([] for _ in schema)
    return pa.table([pa.array(list(v), f.type) for v, f in zip(values, schema, strict=True)], schema=schema)
