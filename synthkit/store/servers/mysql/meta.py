"""``synth_meta`` in MySQL: the tables of a DuckDB file, in ``<schema>_synth_meta``; lists are JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.records.history import RunEntry
from synthkit.records.receipt import Receipt
from synthkit.sql.mysql import type_of
from synthkit.sql.quoting import backticked
from synthkit.store.meta import LAYOUT, TABLES, meta_columns, meta_rows
from synthkit.store.servers.mysql.connection import rows
from synthkit.store.target import TableInfo

if TYPE_CHECKING:
    from synthkit.store.servers.mysql.connection import Connection, Server


def told(server: Server) -> str:
    """The hash of what was last told."""
    found = server.rows(f"SELECT value FROM {server.meta}.state WHERE `key` = 'inputs'")
    return str(found[0][0]) if found else ""


def tell(connection: Connection, server: Server, receipts: Mapping[str, Receipt]) -> None:
    """Say of tables what their receipts say; the rest follows at the end of the build (:func:`tell_all`)."""
    _lay_out(connection, server)
    rows(connection, "START TRANSACTION")
    for table, found in meta_rows(receipts, {}, [], lambda receipt: receipt.file).items():
        if table not in ("runs", "exposures"):
            column = backticked("name" if table == "tables" else "table")
            rows(connection, f"DELETE FROM {_named(server, table)} WHERE {column} IN %s", [list(receipts)])
            _insert(connection, server, table, found)
    _note(connection, server, "inputs", "")
    rows(connection, "COMMIT")


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
    rows(connection, "START TRANSACTION")
    for table, found in meta_rows(receipts, infos, runs, lambda receipt: receipt.file).items():
        rows(connection, f"DELETE FROM {_named(server, table)}")
        _insert(connection, server, table, found)
    _note(connection, server, "inputs", inputs)
    rows(connection, "COMMIT")


def _named(server: Server, table: str) -> str:
    return f"{server.meta}.{backticked(table)}"


def _insert(connection: Connection, server: Server, table: str, found: Sequence[Sequence[Any]]) -> None:
    if found:
        places = ", ".join(["%s"] * len(found[0]))
        values = [[json.dumps(v, ensure_ascii=False) if isinstance(v, list) else v for v in row] for row in found]
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {_named(server, table)} VALUES ({places})", values)


def _lay_out(connection: Connection, server: Server) -> None:
    """Make the tables; where they are of another version of synthkit, anew: rights go by name."""
    found = rows(connection, f"SELECT value FROM {server.meta}.state WHERE `key` = 'layout'")
    if found == [(str(LAYOUT),)]:
        return
    for table in TABLES:
        columns = ", ".join(f"{backticked(name)} {type_of(sql_type)}" for name, sql_type in meta_columns(table))
        rows(connection, f"DROP TABLE IF EXISTS {_named(server, table)}")
        rows(connection, f"CREATE TABLE {_named(server, table)} ({columns}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    _note(connection, server, "layout", str(LAYOUT))


def _note(connection: Connection, server: Server, key: str, value: str) -> None:
    rows(connection, f"REPLACE INTO {server.meta}.state VALUES (%s, %s)", [key, value])
