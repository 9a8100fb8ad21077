"""What a target keeps in ``<schema>_synth_meta`` of its own: the log, the receipts, and the bytes of Parquet files.

``current`` holds the log's last entry, and is renamed into its place together with the tables that it names; what
``publications`` has beyond it was never published.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.store.publications import Entry
from synthkit.store.servers.mysql.connection import rows

if TYPE_CHECKING:
    from synthkit.store.servers.mysql.connection import Connection, Server

PART = 1 << 20  # bytes of a Parquet file in one row: a server takes no more than max_allowed_packet
TURN = 3_600  # seconds for which another publisher is waited for
_TABLES = (
    "CREATE DATABASE IF NOT EXISTS {schema}",
    "CREATE DATABASE IF NOT EXISTS {meta}",
    "CREATE TABLE IF NOT EXISTS {meta}.publications (number bigint PRIMARY KEY, entry longtext NOT NULL)",
    "CREATE TABLE IF NOT EXISTS {meta}.receipts (sha256 char(64) PRIMARY KEY, receipt longtext NOT NULL)",
    "CREATE TABLE IF NOT EXISTS {meta}.files (sha256 char(64), part int, size bigint NOT NULL, bytes longblob NOT NULL,"
    " PRIMARY KEY (sha256, part))",
    "CREATE TABLE IF NOT EXISTS {meta}.state (`key` varchar(64) PRIMARY KEY, value longtext NOT NULL)",
    "CREATE TABLE IF NOT EXISTS {meta}.current (entry longtext NOT NULL)",
)


def installed(server: Server) -> bool:
    """Whether anything was ever published there."""
    query = "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = 'current'"
    return bool(server.rows(query, [server.address.meta]))


def install(server: Server) -> None:
    """Make the databases and the tables that are not there yet."""
    if installed(server):
        return
    there = {n for (n,) in server.rows("SELECT schema_name FROM information_schema.schemata")}
    with server.session() as connection:
        for statement in _TABLES:
            name = {_TABLES[0]: server.address.schema, _TABLES[1]: server.address.meta}.get(statement)
            if name not in there:  # whoever may not make databases may have been given them
                made = statement.format(schema=server.schema, meta=server.meta)
                rows(
                    connection,
                    f"{made} CHARACTER SET utf8mb4" if name else f"{made} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                )


@contextmanager
def turn(connection: Connection, server: Server) -> Iterator[None]:
    """Wait until no other publisher is about to publish; until the block ends, others wait."""
    name = f"synthkit {server.address.schema}"
    if rows(connection, "SELECT GET_LOCK(%s, %s)", [name, TURN]) != [(1,)]:
        raise BuildError(f"another build has been publishing to {server.address} for an hour", hint="look at it")
    try:
        yield
    finally:
        with suppress(Exception):  # of a connection that was lost the server releases it
            rows(connection, "SELECT RELEASE_LOCK(%s)", [name])


def entries_query(server: Server, *, newest: bool) -> str:
    """The texts of the log's entries, the newest first, or that one alone."""
    if newest:
        return f"SELECT entry FROM {server.meta}.current LIMIT 1"
    last = f"(SELECT CAST(JSON_EXTRACT(entry, '$.number') AS SIGNED) FROM {server.meta}.current)"
    return f"SELECT entry FROM {server.meta}.publications WHERE number <= {last} ORDER BY number DESC"


def receipt_query(server: Server) -> str:
    """The text of the receipt whose SHA-256 is its one parameter."""
    return f"SELECT receipt FROM {server.meta}.receipts WHERE sha256 = %s"


def newest(connection: Connection, server: Server) -> Entry | None:
    found = rows(connection, entries_query(server, newest=True))
    return Entry.of(found[0][0].encode(), f"{server.address.meta}.current") if found else None


def add_entry(connection: Connection, server: Server, entry: Entry) -> None:
    """Put an entry into the log, which is published once ``current`` is it."""
    rows(connection, f"DELETE FROM {server.meta}.publications WHERE number >= %s", [entry.number])
    values = [entry.number, entry.to_bytes().decode()]
    rows(connection, f"INSERT INTO {server.meta}.publications VALUES (%s, %s)", values)


def add_file(connection: Connection, server: Server, digest: str, data: Path) -> None:
    """Put the bytes of a Parquet file there, by its SHA-256, where they are not there already."""
    size = data.stat().st_size
    if sizes(server, [digest]).get(digest) == size:
        return
    rows(connection, f"DELETE FROM {server.meta}.files WHERE sha256 = %s", [digest])  # a killed publisher's part
    with data.open("rb") as file:
        for number, part in enumerate(iter(lambda: file.read(PART), b"")):
            insert = f"INSERT INTO {server.meta}.files VALUES (%s, %s, %s, UNHEX(%s))"
            rows(connection, insert, [digest, number, len(part), part.hex()])


def write_file(server: Server, digest: str, path: Path) -> None:
    """Write the bytes of a Parquet file into a file, as many as are there."""
    query, number = f"SELECT bytes FROM {server.meta}.files WHERE sha256 = %s AND part = %s", 0
    with path.open("wb") as file:
        while found := server.rows(query, [digest, number]):
            file.write(found[0][0])
            number += 1


def sizes(server: Server, digests: Sequence[str]) -> dict[str, int]:
    """SHA-256 → bytes that are there of the file."""
    if not digests:
        return {}
    query = f"SELECT sha256, SUM(size) FROM {server.meta}.files WHERE sha256 IN %s GROUP BY sha256"
    return {str(digest): int(size) for digest, size in server.rows(query, [list(digests)])}


def forget(
    server: Server, gone: Sequence[Entry], receipts: Sequence[str], files: Sequence[str], *, dry_run: bool
) -> dict[str, int]:
    """Forget versions. Returns kind → bytes; see :meth:`.DatabaseTarget.forget`."""
    with server.session() as connection, turn(connection, server):  # what is published meanwhile is not in it
        latest = newest(connection, server)
        now = [] if latest is None else [*latest.tables.values()]
        kept = [*files, *(t.rows for t in now), ""]
        size = rows(connection, f"SELECT SUM(size) FROM {server.meta}.files WHERE sha256 NOT IN %s", [kept])[0][0]
        if not dry_run:
            for entry in gone:
                values = [entry.emptied().to_bytes().decode(), entry.number]
                rows(connection, f"UPDATE {server.meta}.publications SET entry = %s WHERE number = %s", values)
            rows(connection, f"DELETE FROM {server.meta}.files WHERE sha256 NOT IN %s", [kept])
            left = [*receipts, *(t.receipt for t in now), ""]
            rows(connection, f"DELETE FROM {server.meta}.receipts WHERE sha256 NOT IN %s", [left])
    return {"old versions": int(size)} if size else {}
