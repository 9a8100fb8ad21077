"""A table or query of an SQLite file, read through Python's own driver and streamed in batches.

(DuckDB's SQLite extension would have to be downloaded at run time.) SQLite's types are hints: a column's type is
taken from its declared affinity, and dates and times from how they are written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import SynthError, did_you_mean
from synthkit.sources.duckdbfile import database_file, select
from synthkit.sources.stream import load_batches
from synthkit.spec.types import ConnectionSpec, SourceTableSpec

if TYPE_CHECKING:
    import duckdb

BATCH = 20_000  # rows


def open_sqlite(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    chosen: ConnectionSpec,
    root: Path,
    scratch: Path | None,
) -> None:
    """Make ``raw`` hold the rows (none, without scratch) in the types that the table declares."""
    path = database_file(spec, chosen, root)
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        cursor = _execute(source, spec)
        names = [str(d[0]) for d in cursor.description]
        types = _types(source, spec, names)
        rows = _batches(cursor) if scratch is not None else iter(())
        load_batches(connection, names, types, rows, scratch)
    finally:
        source.close()


def _execute(source: sqlite3.Connection, spec: SourceTableSpec) -> sqlite3.Cursor:
    try:
        return source.execute(select(spec))
    except sqlite3.DatabaseError as error:
        if spec.query is None and "no such table" in str(error):
            names = [
                str(r[0]) for r in source.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
            ]
            hint = did_you_mean(spec.table or spec.name, names, "a table")
            raise SynthError(str(error), spec.origin.at("table"), hint) from None
        key = "query" if spec.query is not None else "connection"
        raise SynthError(f"SQLite: {error}", spec.origin.at(key), "mend the query or the path") from None


def _types(source: sqlite3.Connection, spec: SourceTableSpec, names: list[str]) -> list[str]:
    declared: dict[str, str] = {}
    if spec.query is None:
        table = (spec.table or spec.name).replace("'", "''")
        declared = {str(r[1]): str(r[2]) for r in source.execute(f"PRAGMA table_info('{table}')")}
    sample = source.execute(f"SELECT * FROM ({select(spec)}) LIMIT 1000").fetchall()
    return [_type(declared.get(name, ""), [row[i] for row in sample]) for i, name in enumerate(names)]


def _type(declared: str, values: list[Any]) -> str:
    """A DuckDB type from the declared one (https://sqlite.org/datatype3.html#determination_of_column_affinity)."""
    kind = declared.upper()
    for word, sql_type in (
        ("BOOL", "BOOLEAN"),
        ("TIMESTAMP", "TIMESTAMP"),
        ("DATETIME", "TIMESTAMP"),
        ("DATE", "DATE"),
        ("TIME", "TIME"),
        ("INT", "BIGINT"),
        ("CHAR", "VARCHAR"),
        ("CLOB", "VARCHAR"),
        ("TEXT", "VARCHAR"),
        ("REAL", "DOUBLE"),
        ("FLOA", "DOUBLE"),
        ("DOUB", "DOUBLE"),
    ):
        if word in kind:
            return sql_type
    if kind.startswith(("DECIMAL", "NUMERIC")) and "(" in kind:
        return kind.replace("NUMERIC", "DECIMAL")
    seen = {type(v) for v in values if v is not None}
    if seen == {int}:
        return "BIGINT"
    return "DOUBLE" if seen and seen <= {int, float} else "VARCHAR"


def _batches(cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(BATCH):
        yield rows
