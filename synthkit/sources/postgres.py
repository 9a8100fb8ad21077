"""A table or query of a PostgreSQL server, through psycopg 3 and a server-side cursor, so that rows stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import SynthError, did_you_mean
from synthkit.sources.duckdbfile import select
from synthkit.sources.stream import load_batches
from synthkit.spec.types import ConnectionSpec, SourceTableSpec

if TYPE_CHECKING:
    import duckdb
    import psycopg

BATCH = 20_000  # rows
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
}


def open_postgres(
    connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, chosen: ConnectionSpec, scratch: Path | None
) -> None:
    """Make ``raw`` hold the rows (none, without scratch)."""
    with connected(spec, chosen) as server:
        names, types = _describe(server, spec)
        rows = _batches(server, spec) if scratch is not None else iter(())
        load_batches(connection, names, types, rows, scratch)


@contextmanager
def connected(spec: SourceTableSpec, chosen: ConnectionSpec) -> Iterator[psycopg.Connection[Any]]:
    """A read-only connection. Raises SynthError without showing the password."""
    import psycopg

    where = spec.origin.at("connection")
    if not chosen.url:
        hint = "write url: postgresql://user@host/database (the password from env_var)"
        raise SynthError(f"connection {spec.connection!r} has no url", where, hint)
    try:
        server = psycopg.connect(chosen.url, connect_timeout=CONNECT_TIMEOUT)
    except psycopg.Error as error:
        reason = _without_password(str(error).strip(), chosen.url)
        hint = "check the url, the network and the server"
        raise SynthError(f"cannot reach PostgreSQL ({spec.connection}): {reason}", where, hint) from None
    try:
        server.read_only = True
        yield server
    except psycopg.Error as error:
        key = "query" if spec.query is not None else "table"
        hint = _hint(server, spec, error)
        raise SynthError(f"PostgreSQL: {str(error).strip()}", spec.origin.at(key), hint) from None
    finally:
        server.close()


def server_digest(spec: SourceTableSpec, chosen: ConnectionSpec) -> str:
    """A digest of the rows that does not depend on their order, computed by the server."""
    query = (
        "SELECT count(*), coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint::numeric), 0),"
        f" coalesce(sum(('x' || substr(md5(t::text), 17, 15))::bit(60)::bigint::numeric), 0) FROM ({select(spec)}) t"
    )
    with connected(spec, chosen) as server:
        row = server.execute(query).fetchone()
    assert row is not None
    return f"postgres:{row[0]}:{row[1]}:{row[2]}"


def _describe(server: psycopg.Connection[Any], spec: SourceTableSpec) -> tuple[list[str], list[str]]:
    cursor = server.execute(f"SELECT * FROM ({select(spec)}) t LIMIT 0")
    names, types = [], []
    for column in cursor.description or []:
        info = server.adapters.types.get(column.type_code)
        kind = info.name if info is not None else "text"
        if kind == "bytea":
            hint = "leave it out: write query: with the columns that you need"
            raise SynthError(f"column {column.name!r} holds binary data", spec.origin.at("table"), hint)
        if kind == "numeric" and column.precision is not None and 0 < column.precision <= 38:
            types.append(f"DECIMAL({column.precision},{column.scale or 0})")
        elif kind == "numeric":
            types.append("DOUBLE")
        else:
            types.append(_TYPES.get(kind, "VARCHAR"))
        names.append(column.name)
    return names, types


def _batches(server: psycopg.Connection[Any], spec: SourceTableSpec) -> Iterator[list[tuple[Any, ...]]]:
    with server.cursor(name="synthkit") as cursor:
        cursor.itersize = BATCH
        cursor.execute(select(spec))
        while rows := cursor.fetchmany(BATCH):
            yield rows


def _hint(server: psycopg.Connection[Any], spec: SourceTableSpec, error: Exception) -> str:
    import psycopg

    if spec.query is None and isinstance(error, psycopg.errors.UndefinedTable):
        server.rollback()
        tables = server.execute("SELECT relname FROM pg_stat_user_tables").fetchall()
        return did_you_mean((spec.table or spec.name).split(".")[-1], [str(t[0]) for t in tables], "a table")
    return "mend the query"


def _without_password(message: str, url: str) -> str:
    match = re.search(r"://[^:/@]+:([^@]+)@", url) or re.search(r"password=('[^']*'|\S+)", url)
    return message.replace(match[1], "***") if match else message
