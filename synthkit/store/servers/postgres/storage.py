"""What a target keeps in ``<schema>_synth_meta`` of its own: the log, the receipts, and the bytes of Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.sql.quoting import quote
from synthkit.store.publications import Entry

if TYPE_CHECKING:
    from synthkit.store.servers.postgres.connection import Connection, Server

PART = 4 << 20  # bytes of a Parquet file in one row
_TABLES = """
    CREATE SCHEMA IF NOT EXISTS {schema};
    CREATE SCHEMA IF NOT EXISTS {meta};
    CREATE TABLE IF NOT EXISTS {meta}.publications (number bigint PRIMARY KEY, entry text NOT NULL);
    CREATE TABLE IF NOT EXISTS {meta}.receipts (sha256 text PRIMARY KEY, receipt text NOT NULL);
    CREATE TABLE IF NOT EXISTS {meta}.files (
        sha256 text, part integer, size bigint NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (sha256, part));
    ALTER TABLE {meta}.files ALTER COLUMN bytes SET STORAGE EXTERNAL;
    CREATE TABLE IF NOT EXISTS {meta}.state (key text PRIMARY KEY, value text NOT NULL)"""
_TURN = "SELECT pg_advisory_xact_lock(hashtext('synthkit'), hashtext(%s))"


def installed(server: Server) -> bool:
    """Whether anything was ever published there."""
    query = "SELECT to_regclass(%s) IS NOT NULL AND to_regclass(%s) IS NOT NULL"
    return bool(server.rows(query, [f"{quote(server.meta)}.publications", f"{quote(server.meta)}.state"])[0][0])


def install(server: Server) -> None:
    """Make the schemas and the tables that are not there yet."""
    if installed(server):
        return
    with server.transaction() as connection:
        take_turn(connection, server)  # of two that make a schema at once, PostgreSQL would refuse one
        if connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [server.schema]).fetchone():
            # Whoever may not make schemas may have been given one.
            statements = _TABLES.replace("CREATE SCHEMA IF NOT EXISTS {schema};", "")
        else:
            statements = _TABLES
        connection.execute(statements.format(schema=quote(server.schema), meta=quote(server.meta)))


def take_turn(connection: Connection, server: Server) -> None:
    """Wait until no other publisher is about to end its transaction; until this one's ends, others wait."""
    connection.execute(_TURN, [server.schema])


def entries_query(server: Server, *, newest: bool) -> str:
    """The texts of the log's entries, the newest first, or that one alone."""
    limit = " LIMIT 1" if newest else ""
    return f"SELECT entry FROM {quote(server.meta)}.publications ORDER BY number DESC{limit}"


def receipt_query(server: Server) -> str:
    """The text of the receipt whose SHA-256 is its one parameter."""
    return f"SELECT receipt FROM {quote(server.meta)}.receipts WHERE sha256 = %s"


def newest(connection: Connection, server: Server) -> Entry | None:
    row = connection.execute(entries_query(server, newest=True)).fetchone()
    return None if row is None else Entry.of(row[0].encode(), f"{server.meta}.publications")


def add_file(connection: Connection, server: Server, digest: str, data: Path) -> None:
    """Put the bytes of a Parquet file there, by its SHA-256, where they are not there already."""
    files = f"{quote(server.meta)}.files"
    if connection.execute(f"SELECT 1 FROM {files} WHERE sha256 = %s", [digest]).fetchone():
        return
    with connection.cursor().copy(f"COPY {files} (sha256, part, size, bytes) FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["text", "int4", "int8", "bytea"])
        with data.open("rb") as file:
            for number, part in enumerate(iter(lambda: file.read(PART), b"")):
                copy.write_row((digest, number, len(part), part))


def write_file(server: Server, digest: str, path: Path) -> None:
    """Write the bytes of a Parquet file into a file, as many as are there."""
    query = f"SELECT bytes FROM {quote(server.meta)}.files WHERE sha256 = %s AND part = %s"
    with path.open("wb") as file:
        for part in _parts(server, query, digest):
            file.write(part)


def _parts(server: Server, query: str, digest: str) -> Iterator[bytes]:
    number = 0
    while found := server.rows(query, [digest, number]):
        yield found[0][0]
        number += 1


def sizes(server: Server, digests: Sequence[str]) -> dict[str, int]:
    """SHA-256 → bytes that are there of the file."""
    query = f"SELECT sha256, sum(size)::bigint FROM {quote(server.meta)}.files WHERE sha256 = ANY(%s) GROUP BY sha256"
    return {str(digest): int(size) for digest, size in server.rows(query, [list(digests)])}


def forget(
    server: Server, gone: Sequence[Entry], receipts: Sequence[str], files: Sequence[str], *, dry_run: bool
) -> dict[str, int]:
    """Forget versions. Returns kind → bytes.

    Args:
        gone: the entries that are no longer kept.
        receipts, files: what stays, by SHA-256.
    """
    meta = quote(server.meta)
    with server.transaction() as connection:
        take_turn(connection, server)  # what is published meanwhile is not in it
        latest = newest(connection, server)
        now = () if latest is None else latest.tables.values()
        kept = [[*files, *(t.rows for t in now)], [*receipts, *(t.receipt for t in now)]]
        row = connection.execute(f"SELECT sum(size)::bigint FROM {meta}.files WHERE sha256 <> ALL(%s)", kept[:1])
        size = int((row.fetchone() or [0])[0] or 0)
        if not dry_run:
            for entry in gone:
                values = [entry.emptied().to_bytes().decode(), entry.number]
                connection.execute(f"UPDATE {meta}.publications SET entry = %s WHERE number = %s", values)
            connection.execute(f"DELETE FROM {meta}.files WHERE sha256 <> ALL(%s)", kept[:1])
            connection.execute(f"DELETE FROM {meta}.receipts WHERE sha256 <> ALL(%s)", kept[1:])
    return {"old versions": size} if size else {}


def add_entry(connection: Connection, server: Server, entry: Entry) -> None:
    values = [entry.number, entry.to_bytes().decode()]
    connection.execute(f"INSERT INTO {quote(server.meta)}.publications VALUES (%s, %s)", values)


def add_receipt(connection: Connection, server: Server, digest: str, text: str) -> None:
    insert = f"INSERT INTO {quote(server.meta)}.receipts VALUES (%s, %s) ON CONFLICT DO NOTHING"
    connection.execute(insert, [digest, text])
