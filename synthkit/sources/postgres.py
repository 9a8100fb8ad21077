"""A table or query of a PostgreSQL server, through psycopg 3 and COPY, so that rows stream.

A table has no order of its own, and its content hash does not depend on one; so that the same content gives the same
bytes everywhere, rows come ordered by the primary key, else by their text. A query that ends in ORDER BY keeps its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import SynthError
from synthkit.extras import refuse_absent
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.conninfo import parsed
from synthkit.sources.duckdbfile import missing_table, ordered, subquery
from synthkit.sources.found import Scan, binary_column, check_names
from synthkit.sources.location import location
from synthkit.sources.pgcatalogue import listed, looked_up, unique_by
from synthkit.sources.reader import Asked, Listed, Lookup, Reader, Urls
from synthkit.sources.stream import Line, load_lines
from synthkit.sql.quoting import quote
from synthkit.sql.serveraddress import without

if TYPE_CHECKING:
    import duckdb
    import psycopg

CONNECT_TIMEOUT = 10  # seconds

_TYPES = {
    "bool": "BOOLEAN",
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "uuid": "UUID",
    "json": "JSON",
    "jsonb": "JSON",
}
_MOMENTS = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
_WRITTEN_OTHERWISE = ("BOOLEAN", "VARCHAR")  # t for true; char(n) with blanks, and whatever else is read as text
_UNBOUND = "NUMERIC"  # without a precision, or beyond 38 digits: no type of DuckDB holds all its values


def open_postgres(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    chosen: ConnectionSpec,
    asked: Asked,
) -> Scan:
    """Make ``found`` hold the rows (none, without scratch), and digest them in the same snapshot. Raises SynthError.

    A number of a type without a precision is a DOUBLE where that keeps all its digits, else an error, unless the column
    is declared: then its text is cast, row by row, to what is declared. Where the asking is lenient, all come as text:
    there are some that DuckDB lacks, and one of these must not stop the others.
    """
    declared = {c.name for c in spec.columns if c.type is not None}
    with connected(spec, chosen) as server:
        names, types, nested = _describe(server, spec)
        unbound = [n for n, t in zip(names, types, strict=True) if t == _UNBOUND]
        read = [
            ("VARCHAR" if n in declared else "DOUBLE") if t == _UNBOUND else t
            for n, t in zip(names, types, strict=True)
        ]
        lines = _lines(server, spec, names, types) if asked.scratch is not None else iter(())
        exact = [n for n in unbound if n not in declared]
        if asked.lenient:
            read, exact = ["VARCHAR"] * len(names), []
        notes = load_lines(connection, spec, names, read, lines, asked.scratch, exact)
        if asked.snapshot is not None:
            asked.snapshot.digest = _digest(server, spec, names, types)
    return Scan(nested=nested, notes=tuple(notes))


@contextmanager
def connected(spec: SourceTableSpec, chosen: ConnectionSpec) -> Iterator[psycopg.Connection[Any]]:
    """A read-only connection that sees one snapshot. Raises SynthError without showing the password."""
    where = location(spec, "connection")
    refuse_absent(f"connection {spec.connection!r}", "postgres", where=where)
    import psycopg

    if not chosen.url:
        hint = "write url: postgresql://user@host/database (the password from env_var)"
        raise SynthError(f"connection {spec.connection!r} has no url", where, hint)
    secret = _password(spec, chosen.url)
    try:
        server = psycopg.connect(chosen.url, connect_timeout=CONNECT_TIMEOUT, application_name="synthkit")
    except psycopg.Error as error:
        reason = without([secret], str(error).strip().split("\n")[0])
        hint = "check the url, the network and the server"
        raise SynthError(f"cannot reach PostgreSQL ({spec.connection}): {reason}", where, hint) from None
    try:
        server.read_only = True
        server.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        # How values are written as text must not depend on the server's or the user's settings.
        server.execute("SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET extra_float_digits = 1")
        yield server
    except psycopg.Error as error:
        raise _explained(server, spec, error, secret) from None
    finally:
        server.close()


def server_digest(spec: SourceTableSpec, chosen: ConnectionSpec) -> str:
    """A digest of names, types and rows that does not depend on the rows' order, computed by the server.

    Each row's MD5 is added up as two 60-bit numbers, so that neither order nor memory matter.
    """
    with connected(spec, chosen) as server:
        names, types, _ = _describe(server, spec)
        return _digest(server, spec, names, types)


def _digest(server: psycopg.Connection[Any], spec: SourceTableSpec, names: list[str], types: list[str]) -> str:
    halves = ", ".join(
        f"coalesce(sum(('x' || substr(md5(t::text), {start}, 15))::bit(60)::bigint::numeric), 0)" for start in (1, 17)
    )
    row = server.execute(f"SELECT count(*), {halves} FROM {subquery(spec)}", prepare=True).fetchone()
    assert row is not None
    return f"postgres:{list(zip(names, types, strict=True))}:{row[0]}:{row[1]}:{row[2]}"


def _describe(server: psycopg.Connection[Any], spec: SourceTableSpec) -> tuple[list[str], list[str], frozenset[str]]:
    """Names, types, and the columns of arrays and of rows."""
    # Prepared, as PostgreSQL prepares one statement and no more: a query cannot end this one and begin its own.
    cursor = server.execute(f"SELECT * FROM {subquery(spec)} LIMIT 0", prepare=True)
    described = cursor.description or []
    names, types = [], []
    for column in described:
        info = server.adapters.types.get(column.type_code)
        kind = info.name if info is not None and column.type_code == info.oid else "text"
        if kind == "bytea":
            raise binary_column(column.name, spec)
        names.append(column.name)
        types.append(_numeric(column) if kind == "numeric" else _TYPES.get(kind, "VARCHAR"))
    check_names(names, spec)
    query = "SELECT oid FROM pg_catalog.pg_type WHERE oid = ANY(%s) AND (typcategory = 'A' OR typtype = 'c')"
    nested = {row[0] for row in server.execute(query, [[c.type_code for c in described]]).fetchall()}
    return names, types, frozenset(c.name for c in described if c.type_code in nested)


def _numeric(column: psycopg.Column) -> str:
    """``numeric(p, s)`` where DuckDB has it."""
    precision, scale = column.precision, column.scale or 0
    if precision is None or not 0 < precision <= 38 or not 0 <= scale <= precision:
        return _UNBOUND
    return f"DECIMAL({precision},{scale})"


def _lines(
    server: psycopg.Connection[Any], spec: SourceTableSpec, names: list[str], types: list[str]
) -> Iterator[Line]:
    """Rows as the server writes them; Python's own types lack infinite dates and years before 1."""
    columns = ", ".join(_written(f"t.{quote(n)}", t) for n, t in zip(names, types, strict=True))
    query = f"SELECT {columns} FROM {subquery(spec)}{_order(server, spec)}"
    with server.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')") as copy:
        yield from copy  # the server sends each row by itself


def _written(value: str, sql_type: str) -> str:
    """SQL of a value that COPY writes as a cast to text does; that cast costs the server as much as the writing."""
    if sql_type in _MOMENTS:
        # DuckDB takes ' BC' after a time for a zone and leaves it out; ' (BC)' there is an error, as it should be.
        return f"replace({value}::text, ' BC', ' (BC)')"
    return f"{value}::text" if sql_type in _WRITTEN_OTHERWISE else value


def _order(server: psycopg.Connection[Any], spec: SourceTableSpec) -> str:
    if ordered(spec):
        return ""
    keys = ", ".join(f"t.{quote(k)}" for k in spec.primary_key)
    if keys and unique_by(server, spec):
        return f" ORDER BY {keys}"
    # The text last: keys may be declared that are not unique.
    return " ORDER BY " + ", ".join(filter(None, [keys, 't::text COLLATE "C"']))


def _explained(server: psycopg.Connection[Any], spec: SourceTableSpec, error: Exception, secret: str) -> SynthError:
    import psycopg

    if spec.query is None and isinstance(error, psycopg.errors.UndefinedTable):
        server.rollback()
        query = (
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        return missing_table(spec, [str(t[0]) for t in server.execute(query).fetchall()])
    key = "query" if spec.query is not None else "table"
    reason = without([secret], str(error).strip().split("\n")[0])
    return SynthError(f"PostgreSQL: {reason}", location(spec, key), "mend the query, or the rights of the user")


def _password(spec: SourceTableSpec, url: str) -> str:
    """The url's password. Raises SynthError for a url that cannot be parsed, without repeating it."""
    import psycopg

    try:
        parsed(url)
        return str(psycopg.conninfo.conninfo_to_dict(url).get("password") or "")
    except (psycopg.Error, ValueError):
        hint = "write postgresql://user:password@host:port/database, special characters in % notation"
        raise SynthError(
            f"the url of connection {spec.connection!r} cannot be parsed", location(spec, "connection"), hint
        ) from None


@contextmanager
def _catalogue(spec: SourceTableSpec, chosen: ConnectionSpec, _root: Path) -> Iterator[Lookup]:
    with connected(spec, chosen) as server:
        yield lambda name: looked_up(server, name, spec.query or "")


def _listing(chosen: ConnectionSpec, _root: Path) -> tuple[Listed, ...]:
    with connected(SourceTableSpec(name="tables", connection="it"), chosen) as server:
        return tuple(listed(server))


def _database(chosen: ConnectionSpec, _root: Path) -> tuple[str, str] | None:
    """Host, port and name."""
    try:
        said = parsed(chosen.url or "")
    except ValueError:  # an url that cannot be parsed was said to be so
        return None
    host = str(said.get("host") or said.get("hostaddr") or "localhost").lower()
    host = "localhost" if host in ("127.0.0.1", "::1") or host.startswith("/") else host
    name = f"{host}:{said.get('port') or 5432}/{said.get('dbname') or said.get('user') or ''}"
    return f"postgres {name}", name


def _said(url: str) -> tuple[str, bool]:
    try:
        said = parsed(url)
    except ValueError:
        raise ValueError("cannot be parsed") from None
    return said.get("dbname", ""), bool({"password", "sslpassword"} & said.keys())


READER = Reader(
    dialect="postgres",
    default_schema="public",
    folds=False,
    open=open_postgres,
    catalogue=_catalogue,
    database=_database,
    digest=server_digest,
    listing=_listing,
    urls=Urls(("postgresql", "postgres"), "postgresql://user:password@host:port/database", _said),
)
