"""``synth_meta`` in PostgreSQL: the tables of a DuckDB file, in ``<schema>_synth_meta``, whose grants stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.records.history import RunEntry
from synthkit.records.receipt import Receipt
from synthkit.sql.postgres import type_of
from synthkit.sql.quoting import quote
from synthkit.store.meta import LAYOUT, TABLES, meta_columns, meta_rows
from synthkit.store.servers.postgres.loading import definition
from synthkit.store.servers.postgres.standing import grants_of, oid_of
from synthkit.store.target import TableInfo

if TYPE_CHECKING:
    from synthkit.store.servers.postgres.connection import Connection, Server


def tell(connection: Connection, server: Server, receipts: Mapping[str, Receipt]) -> None:
    """Say of tables what their receipts say, in the transaction that publishes them; the rest follows at the end of
    the build (:func:`tell_all`)."""
    _lay_out(connection, server)
    for table, rows in meta_rows(receipts, {}, [], lambda receipt: receipt.file).items():
        if table in ("runs", "exposures"):
            continue
        column = "name" if table == "tables" else "table"
        delete = f"DELETE FROM {quote(server.meta)}.{table} WHERE {quote(column)} = ANY(%s)"
        connection.execute(delete, [list(receipts)])
        _insert(connection, server, table, rows)
    _note(connection, server, "inputs", "")


def told(server: Server) -> str:
    """The hash of what was last told."""
    found = server.rows(f"SELECT value FROM {quote(server.meta)}.state WHERE key = 'inputs'")
    return str(found[0][0]) if found else ""


def tell_all(
    connection: Connection,
    server: Server,
    receipts: Mapping[str, Receipt],
    infos: Mapping[str, TableInfo],
    runs: Sequence[RunEntry],
    inputs: str,
) -> None:
    """Say of all tables and runs what receipts and YAML say."""
    _lay_out(connection, server)
    for table, rows in meta_rows(receipts, infos, runs, lambda receipt: receipt.file).items():
        connection.execute(f"DELETE FROM {quote(server.meta)}.{table}")
        _insert(connection, server, table, rows)
    _note(connection, server, "inputs", inputs)


def _insert(connection: Connection, server: Server, table: str, rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    with connection.cursor().copy(f"COPY {quote(server.meta)}.{table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _lay_out(connection: Connection, server: Server) -> None:
    """Make the tables; where they are of another version of synthkit, anew, with the same grants."""
    state = f"{quote(server.meta)}.state"
    found = connection.execute(f"SELECT value FROM {state} WHERE key = 'layout' FOR UPDATE").fetchone()
    if found is not None and found[0] == str(LAYOUT):
        return
    for table in TABLES:
        relation = f"{quote(server.meta)}.{table}"
        oid = oid_of(connection, server.meta, table)
        grants = [] if oid is None else grants_of(connection, oid)
        columns = tuple((name, type_of(sql_type)) for name, sql_type in meta_columns(table))
        connection.execute(f"DROP TABLE IF EXISTS {relation}; CREATE TABLE {relation} ({definition(columns)})")
        for grant in grants:
            if grant.column is None or grant.column in dict(columns):
                connection.execute(grant.on(relation))
    _note(connection, server, "layout", str(LAYOUT))


def _note(connection: Connection, server: Server, key: str, value: str) -> None:
    insert = (
        f"INSERT INTO {quote(server.meta)}.state VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
    connection.execute(insert, [key, value])
