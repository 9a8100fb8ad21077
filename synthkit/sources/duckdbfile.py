"""A table or query of a DuckDB file, attached read-only to a DuckDB that opens no other file.

A view or macro of the file that reads others is refused as a query is: what it reads would be what the file's writer
could not read and whoever builds can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import SynthError, did_you_mean, nearest
from synthkit.project.addresses import scheme_of
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.files import inside_as_written
from synthkit.sources.found import Scan
from synthkit.sources.location import location
from synthkit.sources.projection import Name
from synthkit.sources.reader import Asked, Entry, Listed, ListedColumn, Lookup, Reader, enumerated
from synthkit.sql.quoting import literal, quote
from synthkit.sql.statements import one_select, shut

if TYPE_CHECKING:
    import duckdb

_INNERMOST = re.compile(r"\([^()]*\)")
_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)


def database_file(spec: SourceTableSpec, connection: ConnectionSpec, root: Path) -> Path:
    """The database file of a duckdb or sqlite connection. Raises SynthError where it is not there."""
    where = location(spec, "connection")
    if connection.path is None:
        raise SynthError(f"connection {spec.connection!r} has no path", where, "write path: to the database file")
    if scheme_of(connection.path) is not None:
        raise SynthError(f"{connection.path} is not on this machine", where, "fetch the database file first")
    path = root / connection.path
    if not path.is_file():
        names = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
        close = nearest(path.name, names)
        hint = f"did you mean {close!r}?" if close else "paths count from the project's root"
        raise SynthError(f"there is no database file {connection.path!r}", where, hint)
    return inside_as_written(path, root, where)


def beside(path: Path, suffixes: Iterable[str]) -> list[Path]:
    """The database file and those of ``suffixes`` beside it, which hold changes that are not in it yet."""
    others = [path.with_name(path.name + suffix) for suffix in suffixes]
    return [path, *(p for p in others if p.is_file() and p.stat().st_size > 0)]


def file_identity(chosen: ConnectionSpec, root: Path) -> tuple[str, str] | None:
    """Of a database file, by its inode, and its path as it is declared; None where there is no path."""
    if chosen.path is None:
        return None
    path = root / chosen.path
    try:
        status = path.stat()
    except OSError:
        return f"file {path.resolve()}", chosen.path
    return f"inode {status.st_dev}:{status.st_ino}", chosen.path


def _files(spec: SourceTableSpec, chosen: ConnectionSpec, root: Path) -> list[Path]:
    return beside(database_file(spec, chosen, root), (".wal",))


def open_duckdb(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    chosen: ConnectionSpec,
    asked: Asked,
) -> Scan:
    """Make the view ``found`` over the table or query; only the folders asked for stay open. Raises SynthError."""
    import duckdb

    path = database_file(spec, chosen, asked.root)
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS source_db (TYPE duckdb, READ_ONLY)")
        connection.execute("USE source_db")
        shut(connection, folders=asked.folders, lock=False)
    except duckdb.Error as error:
        hint = "is it a DuckDB file, and not open for writing elsewhere?"
        reason = str(error).split("\n")[0]
        raise SynthError(f"cannot open {path}: {reason}", location(spec, "connection"), hint) from None
    try:
        # A TEMP view lives in the in-memory database, so the file is never written to.
        connection.execute(f"CREATE TEMP VIEW found AS {one_select(connection, select(spec))}")
    except ValueError as error:
        raise SynthError(f"the query: {error}", location(spec, "query"), "keep one SELECT, drop the rest") from None
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
        raise SynthError(f"DuckDB: {reason}", location(spec, key), hint) from None
    return Scan()


def missing_table(spec: SourceTableSpec, names: list[str]) -> SynthError:
    """The error for a table that a database does not have, with the nearest that it has."""
    wanted = spec.table or spec.name
    hint = did_you_mean(wanted.split(".")[-1], names, "a table")
    key = "table" if spec.table is not None else "name"
    return SynthError(f"connection {spec.connection!r} has no table {wanted!r}", location(spec, key), hint)


def select(spec: SourceTableSpec, quoting: Callable[[str], str] = quote) -> str:
    """``query:``, or everything of ``table:`` (by default the source table's own name), dots separating schemas."""
    if spec.query is not None:
        return spec.query.strip().rstrip(";")
    return "SELECT * FROM " + ".".join(quoting(p) for p in (spec.table or spec.name).split("."))


def subquery(spec: SourceTableSpec) -> str:
    """:func:`select` as a derived table ``t``; a comment at its end does not swallow the parenthesis."""
    return f"(\n{select(spec)}\n) AS t"


def ordered(spec: SourceTableSpec) -> bool:
    """Whether it is a query that ends in an ORDER BY of its own, not within parentheses."""
    return _ORDERED.search(outside(spec)) is not None


def outside(spec: SourceTableSpec) -> str:
    """A query without what stands within parentheses, and they; nothing where it is a table."""
    text, inner = spec.query or "", 1
    while inner:
        text, inner = _INNERMOST.subn(" ", text)
    return text


@contextmanager
def _catalogue(spec: SourceTableSpec, chosen: ConnectionSpec, root: Path) -> Iterator[Lookup]:
    import duckdb

    path = database_file(spec, chosen, root)
    try:
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            connection.execute(f"ATTACH {literal(str(path))} AS source_db (TYPE duckdb, READ_ONLY)")
            shut(connection)
            yield lambda name: _in_duckdb(connection, name, spec)
    except duckdb.Error as error:
        raise SynthError(f"cannot open {path}: {str(error).splitlines()[0]}", location(spec, "connection")) from None


def _in_duckdb(connection: object, name: Name, spec: SourceTableSpec) -> Entry | None:
    import duckdb

    assert isinstance(connection, duckdb.DuckDBPyConnection)
    asked = [name[0] or "main", name[1]]
    where = "database_name = 'source_db' AND lower(schema_name) = lower(?)"
    columns = connection.execute(
        f"SELECT column_name FROM duckdb_columns() WHERE {where} AND lower(table_name) = lower(?)", asked
    ).fetchall()
    table = connection.execute(
        f"SELECT schema_name, table_name FROM duckdb_tables() WHERE {where} AND lower(table_name) = lower(?)", asked
    ).fetchone()
    view = connection.execute(
        f"SELECT schema_name, view_name, sql FROM duckdb_views()"
        f" WHERE {where} AND lower(view_name) = lower(?) AND NOT internal",
        asked,
    ).fetchone()
    names = tuple(str(c[0]) for c in columns)
    if table is not None:
        return Entry(str(table[0]), str(table[1]), names, kind=_macro(connection, spec.query or ""))
    if view is None:
        return None
    kind = _macro(connection, f"{spec.query or ''} {view[2]}")
    return Entry(str(view[0]), str(view[1]), names, str(view[2]), kind)


def _macro(connection: object, sql: str) -> str | None:
    """A macro of the database may bear the name of a built-in function, and stand in its place."""
    import duckdb

    assert isinstance(connection, duckdb.DuckDBPyConnection)
    query = "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE database_name = 'source_db'"
    words = set(re.findall(r"\w+", sql.lower()))
    used = sorted(str(r[0]) for r in connection.execute(query).fetchall() if str(r[0]) in words)
    return f"read with {used[0]}, which is a macro of the database" if used else None


def _listing(chosen: ConnectionSpec, root: Path) -> tuple[Listed, ...]:
    import duckdb

    path = database_file(SourceTableSpec(name="tables", connection="it"), chosen, root)
    try:
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            connection.execute(f"ATTACH {literal(str(path))} AS source_db (TYPE duckdb, READ_ONLY)")
            shut(connection)
            return tuple(_listed(connection))
    except duckdb.Error as error:
        raise SynthError(f"cannot open {path}: {str(error).splitlines()[0]}", hint="is it a DuckDB file?") from None


def _listed(connection: duckdb.DuckDBPyConnection) -> Iterator[Listed]:
    """Tables and what is declared of them; a foreign key of DuckDB names a table of its own schema."""
    names = connection.execute(
        "SELECT schema_name, table_name, comment FROM duckdb_tables()"
        " WHERE database_name = 'source_db' AND NOT internal ORDER BY ALL"
    ).fetchall()
    keys = connection.execute(
        "SELECT schema_name, table_name, constraint_type, constraint_column_names, referenced_table,"
        " referenced_column_names, expression FROM duckdb_constraints() WHERE database_name = 'source_db'"
        " ORDER BY constraint_index"
    ).fetchall()
    columns = connection.execute(
        "SELECT schema_name, table_name, column_name, comment, data_type, is_nullable FROM duckdb_columns()"
        " WHERE database_name = 'source_db' ORDER BY column_index"
    ).fetchall()
    for schema, table, comment in names:
        before = "" if schema == "main" else f"{schema}."
        own = [k[2:] for k in keys if k[:2] == (schema, table)]
        primary = next((tuple(of) for kind, of, *_ in own if kind == "PRIMARY KEY"), ())
        foreign = tuple(
            (tuple(of), f"{before}{other}", tuple(to)) for kind, of, other, to, _ in own if kind == "FOREIGN KEY"
        )
        yield Listed(
            f"{before}{table}",
            primary,
            foreign,
            comment=comment or None,
            columns=tuple(
                ListedColumn(name, said or None, enumerated(kind), nullable)
                for name, said, kind, nullable in (c[2:] for c in columns if c[:2] == (schema, table))
            ),
            unique=tuple(tuple(of) for kind, of, *_ in own if kind == "UNIQUE"),
            checks=tuple(str(check) for kind, *_, check in own if kind == "CHECK"),
        )


READER = Reader(
    dialect="duckdb",
    default_schema="main",
    folds=True,
    open=open_duckdb,
    catalogue=_catalogue,
    database=file_identity,
    files=_files,
    listing=_listing,
    shuts=True,
)
