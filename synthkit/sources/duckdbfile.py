"""A table or query of a DuckDB file, attached read-only to a DuckDB that opens no other file.

A view or macro of the file that reads others is refused as a query is: what it reads would be what the file's writer
could not read and whoever builds can.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import SynthError, did_you_mean, nearest
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.files import inside_as_written
from synthkit.sources.place import place
from synthkit.sql.quoting import literal, quote
from synthkit.sql.statements import one_select, shut

if TYPE_CHECKING:
    import duckdb

# Files beside a database that hold changes which are not in it yet.
SIDECARS = {"duckdb": (".wal",), "sqlite": ("-wal", "-journal")}


def database_file(spec: SourceTableSpec, connection: ConnectionSpec, root: Path) -> Path:
    """The database file of a duckdb or sqlite connection. Raises SynthError where it is not there."""
    where = place(spec, "connection")
    if connection.path is None:
        raise SynthError(f"connection {spec.connection!r} has no path", where, "write path: to the database file")
    path = root / connection.path
    if not path.is_file():
        names = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
        close = nearest(path.name, names)
        hint = f"did you mean {close!r}?" if close else "paths count from the project's root"
        raise SynthError(f"there is no database file {connection.path!r}", where, hint)
    return inside_as_written(path, root, where)


def database_files(spec: SourceTableSpec, connection: ConnectionSpec, root: Path) -> list[Path]:
    """The database file and those beside it that hold part of its content."""
    path = database_file(spec, connection, root)
    beside = [path.with_name(path.name + suffix) for suffix in SIDECARS[connection.type]]
    return [path, *(p for p in beside if p.is_file() and p.stat().st_size > 0)]


def open_duckdb(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    chosen: ConnectionSpec,
    root: Path,
    folders: Iterable[Path],
) -> None:
    """Make the view ``found`` over the table or query; from then on only ``folders`` are open. Raises SynthError."""
    import duckdb

    path = database_file(spec, chosen, root)
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS source_db (TYPE duckdb, READ_ONLY)")
        connection.execute("USE source_db")
        shut(connection, folders=folders, lock=False)
    except duckdb.Error as error:
        hint = "is it a DuckDB file, and not open for writing elsewhere?"
        reason = str(error).split("\n")[0]
        raise SynthError(f"cannot open {path}: {reason}", place(spec, "connection"), hint) from None
    try:
        # A TEMP view lives in the in-memory database, so the file is never written to.
        connection.execute(f"CREATE TEMP VIEW found AS {one_select(connection, select(spec))}")
    except ValueError as error:
        raise SynthError(f"the query: {error}", place(spec, "query"), "keep one SELECT, drop the rest") from None
    except duckdb.Error as error:
        reason = str(error).split("\n")[0]
        if spec.query is None and isinstance(error, duckdb.CatalogException):
            query = "SELECT table_name FROM information_schema.tables WHERE table_catalog = 'source_db'"
            names = [str(r[0]) for r in connection.execute(query).fetchall()]
            raise missing_table(spec, names) from None
        key = "query" if spec.query is not None else "table"
        hint = "mend the query"
        if isinstance(error, duckdb.PermissionException):
            hint = "a source reads its own database: name a file by path:, or make the view a table"
        raise SynthError(f"DuckDB: {reason}", place(spec, key), hint) from None


def missing_table(spec: SourceTableSpec, names: list[str]) -> SynthError:
    """The error for a table that a database does not have, with the nearest that it has."""
    wanted = spec.table or spec.name
    hint = did_you_mean(wanted.split(".")[-1], names, "a table")
    key = "table" if spec.table is not None else "name"
    return SynthError(f"connection {spec.connection!r} has no table {wanted!r}", place(spec, key), hint)


def select(spec: SourceTableSpec) -> str:
    """``query:``, or everything of ``table:`` (by default the source table's own name), dots separating schemas."""
    if spec.query is not None:
        return spec.query.strip().rstrip(";")
    return "SELECT * FROM " + ".".join(quote(p) for p in (spec.table or spec.name).split("."))


def subquery(spec: SourceTableSpec) -> str:
    """:func:`select` as a derived table ``t``; a comment at its end does not swallow the parenthesis."""
    return f"(\n{select(spec)}\n) AS t"
