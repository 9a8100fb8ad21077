"""A table or query of a DuckDB file, attached read-only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import SynthError, did_you_mean
from synthkit.sources.types import text
from synthkit.spec.types import ConnectionSpec, SourceTableSpec

if TYPE_CHECKING:
    import duckdb


def database_file(spec: SourceTableSpec, connection: ConnectionSpec, root: Path) -> Path:
    """The database file of a duckdb or sqlite connection. Raises SynthError where it is not there."""
    if connection.path is None:
        hint = "write path: to the database file"
        raise SynthError(f"connection {spec.connection!r} has no path", spec.origin.at("connection"), hint)
    path = Path(connection.path)
    path = path if path.is_absolute() else root / path
    if not path.is_file():
        hint = "paths count from the project's root"
        raise SynthError(f"there is no database file {connection.path!r}", spec.origin.at("connection"), hint)
    return path


def open_duckdb(
    connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, chosen: ConnectionSpec, root: Path
) -> None:
    """Make the view ``raw`` over the table or query."""
    import duckdb

    path = database_file(spec, chosen, root)
    try:
        connection.execute(f"ATTACH {text(str(path))} AS source_db (READ_ONLY)")
        connection.execute("USE source_db")
    except duckdb.Error as error:
        hint = "is it a DuckDB file, and not open for writing elsewhere?"
        raise SynthError(f"cannot open {path}: {error}", spec.origin.at("connection"), hint) from None
    try:
        # A TEMP view lives in the in-memory database, so the file is never written to.
        connection.execute(f"CREATE TEMP VIEW raw AS {select(spec)}")
    except duckdb.CatalogException as error:
        names = [str(r[0]) for r in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        hint = did_you_mean(spec.table or "", names, "a table")
        raise SynthError(str(error).split("\n")[0], spec.origin.at("table"), hint) from None
    except duckdb.Error as error:
        hint = "mend the query"
        raise SynthError(f"the query does not work: {error}", spec.origin.at("query"), hint) from None


def select(spec: SourceTableSpec) -> str:
    """``query:``, or everything of ``table:`` (by default the source table's own name), dots separating schemas."""
    if spec.query is not None:
        return spec.query.rstrip().rstrip(";")
    parts = (spec.table or spec.name).split(".")
    return "SELECT * FROM " + ".".join('"' + p.replace('"', '""') + '"' for p in parts)
