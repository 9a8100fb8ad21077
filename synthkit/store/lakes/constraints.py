"""What others demand of a Delta table's rows: rows that break it are refused before anything is published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import quote
from synthkit.sql.statements import NO_EXTENSIONS, shut

if TYPE_CHECKING:
    from deltalake import DeltaTable

_CHECKS = "delta.constraints."


def broken(table: DeltaTable, data: Path) -> str | None:
    """Why a table cannot get the rows of a Parquet file, in words; None where it can.

    Looked at are ``delta.appendOnly``, CHECK constraints, which are in Spark's SQL, and columns that may not be null.
    """
    said = table.metadata().configuration
    if str(said.get("delta.appendOnly")).lower() == "true":
        return "it is append-only (delta.appendOnly), and a publication replaces rows"
    checks = {k.removeprefix(_CHECKS): str(v) for k, v in said.items() if k.startswith(_CHECKS)}
    needed = [field.name for field in table.schema().fields if not field.nullable]
    return _broken(checks, needed, data) if checks or needed else None


def _broken(checks: dict[str, str], needed: list[str], data: Path) -> str | None:
    import duckdb

    with duckdb.connect(":memory:", config=NO_EXTENSIONS) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        shut(connection, [data.resolve()], [])  # a constraint is somebody else's SQL: it looks at these rows alone
        rows = connection.sql(f"SELECT * FROM {parquet_scan(data.resolve())}")
        for column in (one for one in needed if one in rows.columns):
            many = _counted(connection, data, f"{quote(column)} IS NULL")
            if many:
                return f"{column} may not be null there, and is in {many:,} rows"
        for name, text in checks.items():
            try:
                many = _counted(connection, data, f"NOT coalesce(({_in_duckdb(text)}), false)")
            except Exception as error:  # sqlglot's and DuckDB's have no common class
                reason = str(error).partition("\n")[0]
                return f"its constraint {name} ({text}) cannot be looked at: {reason}"
            if many:
                return f"{many:,} of them break its constraint {name}: {text}"
    return None


def _in_duckdb(text: str) -> str:
    import sqlglot

    return sqlglot.parse_one(text, read="databricks").sql("duckdb")


def _counted(connection: object, data: Path, condition: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {parquet_scan(data.resolve())} WHERE {condition}")  # type: ignore[attr-defined]
    return int(found.fetchone()[0])
