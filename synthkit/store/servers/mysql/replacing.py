"""The end of a publication: one RENAME TABLE takes the old tables away, and gives the new ones and the log their names.

Rights and views go by name there, so they stay; indexes that others made are made on the new table first. A trigger,
or another table's foreign key, cannot follow: such a table is not replaced, and the build says whose it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING

from synthkit.environment import variable
from synthkit.errors import BuildError
from synthkit.records.joins import Join
from synthkit.sql.quoting import backticked
from synthkit.store.servers.mysql.connection import rows
from synthkit.store.servers.mysql.loading import Loaded

if TYPE_CHECKING:
    from synthkit.store.servers.mysql.connection import Connection, Server

TRY = 1  # seconds that the names are waited for at a time
PAUSE = 1.0  # seconds between tries, in which readers go on
WAIT = 600.0  # seconds in all: SYNTH_LOCK_TIMEOUT
NEW, OLD, OURS = "synth_new_", "synth_old_", "synth_"  # what tables of a publication, and indexes of ours, begin with
_TIMEOUT, _DEADLOCK = 1205, 1213


def add_keys(
    connection: Connection, server: Server, loaded: Sequence[Loaded], joins: Mapping[str, Sequence[Join]]
) -> None:
    """Make the foreign keys between tables that are loaded; not one that some rows break."""
    import pymysql

    tables = {one.name: one for one in loaded}
    for one in loaded:
        for number, join in enumerate(joins.get(one.name, ())):
            parent = tables.get(join.references)
            if parent is None or not join.holds or not parent.key or tuple(join.to) != parent.key:
                continue
            columns, to = (", ".join(map(backticked, names)) for names in (join.columns, join.to))
            name = f"{OURS}{one.new[-14:]}_{number}"
            there = f"{server.meta}.{backticked(parent.new)} ({to})"
            with suppress(pymysql.err.IntegrityError, pymysql.err.OperationalError):
                rows(
                    connection,
                    f"ALTER TABLE {server.meta}.{backticked(one.new)} ADD INDEX {name} ({columns}),"
                    f" ADD CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {there}",
                )


def add_indexes(connection: Connection, server: Server, loaded: Sequence[Loaded]) -> None:
    """Make the indexes that others made on the old tables; one whose columns are gone goes with them."""
    import pymysql

    for one in loaded:
        here = {name for name, _ in one.columns}
        for name, unique, kind, columns in _indexes(connection, server, one.name):
            if not {c for c, _ in columns} <= here:
                continue
            parts = ", ".join(f"{backticked(c)}({n})" if n else backticked(c) for c, n in columns)
            made = kind if kind in ("FULLTEXT", "SPATIAL") else "UNIQUE" if unique else ""
            try:
                rows(
                    connection,
                    f"ALTER TABLE {server.meta}.{backticked(one.new)} ADD {made} INDEX {backticked(name)} ({parts})",
                )
            except pymysql.err.IntegrityError:
                hint = "drop it, or have an audit demand what it demands"
                message = f"the new rows of {one.name!r} do not fit the unique index {name!r} that somebody made"
                raise BuildError(message, hint=hint) from None


def _indexes(
    connection: Connection, server: Server, table: str
) -> Iterator[tuple[str, bool, str, list[tuple[str, int | None]]]]:
    query = (
        "SELECT index_name, non_unique, index_type, column_name, sub_part FROM information_schema.statistics"
        " WHERE table_schema = %s AND table_name = %s AND index_name <> 'PRIMARY' ORDER BY index_name, seq_in_index"
    )
    found = rows(connection, query, [server.address.schema, table])
    for (name, several, kind), parts in groupby(found, lambda row: row[:3]):
        if not name.startswith(OURS):
            yield name, not several, kind, [(column, length) for *_, column, length in parts]


def rename(
    connection: Connection, server: Server, loaded: Sequence[Loaded], withdrawn: Sequence[str], token: str, current: str
) -> list[str]:
    """Publish: the new tables and the entry ``current`` take their names at one instant.

    Returns the old tables, in ``<schema>_synth_meta``. Raises BuildError; everything is as it was then.
    """
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
    there = {str(name) for (name,) in rows(connection, query, [server.address.schema])}
    old = [n for n in (*(one.name for one in loaded), *withdrawn) if n in there]
    _refuse_others(connection, server, old)
    away = {name: f"{OLD}{token}_{number}" for number, name in enumerate(old)}
    pairs = [(f"{server.schema}.{backticked(n)}", f"{server.meta}.{to}") for n, to in away.items()]
    pairs += [(f"{server.meta}.{one.new}", f"{server.schema}.{backticked(one.name)}") for one in loaded]
    pairs += [
        (f"{server.meta}.current", f"{server.meta}.{OLD}{token}_current"),
        (f"{server.meta}.{current}", f"{server.meta}.current"),
    ]
    _renamed(connection, ", ".join(f"{one} TO {other}" for one, other in pairs), old)
    return [*away.values(), f"{OLD}{token}_current"]


def drop(connection: Connection, server: Server, names: Sequence[str]) -> None:
    """Drop tables of ``<schema>_synth_meta``, whatever keys there are between them."""
    if names:
        rows(connection, "SET SESSION foreign_key_checks = 0")
        rows(connection, f"DROP TABLE IF EXISTS {', '.join(f'{server.meta}.{backticked(n)}' for n in names)}")
        rows(connection, "SET SESSION foreign_key_checks = 1")


def left_behind(connection: Connection, server: Server) -> list[str]:
    """Tables of publishers that were killed: those that live hold a lock of their own."""
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
    names = [str(n) for (n,) in rows(connection, query, [server.address.meta]) if n.startswith((NEW, OLD))]
    tokens = {name: name.removeprefix(NEW).removeprefix(OLD).partition("_")[0] for name in names}
    free = {t for t in {*tokens.values()} if rows(connection, "SELECT IS_FREE_LOCK(%s)", [lock_of(t)]) == [(1,)]}
    return [name for name in names if tokens[name] in free]


def lock_of(token: str) -> str:
    """The lock that a publisher holds while it has tables of its own."""
    return f"synthkit publisher {token}"


def _renamed(connection: Connection, pairs: str, old: Sequence[str]) -> None:
    import pymysql

    end = time.monotonic() + float(variable("SYNTH_LOCK_TIMEOUT") or WAIT)
    rows(connection, f"SET SESSION lock_wait_timeout = {TRY}")
    while True:
        try:
            rows(connection, f"RENAME TABLE {pairs}")
            return
        except pymysql.err.OperationalError as error:
            if error.args[0] not in (_TIMEOUT, _DEADLOCK):
                raise
        if time.monotonic() > end:
            hint = "wait for them (SHOW PROCESSLIST), or give it longer: SYNTH_LOCK_TIMEOUT, in seconds"
            message = f"others go on reading the tables that are to be replaced: {', '.join(old)}"
            raise BuildError(message, hint=hint)
        time.sleep(PAUSE)


def _refuse_others(connection: Connection, server: Server, names: Sequence[str]) -> None:
    """Raises BuildError where something of others would be lost, or go on with the old rows."""
    if not names:
        return
    schema = server.address.schema
    triggers = (
        "SELECT event_object_table, trigger_name FROM information_schema.triggers"
        " WHERE event_object_schema = %s AND event_object_table IN %s"
    )
    keys = (
        "SELECT referenced_table_name, CONCAT(table_schema, '.', table_name) FROM information_schema.key_column_usage"
        " WHERE referenced_table_schema = %s AND referenced_table_name IN %s AND LEFT(constraint_name, 6) <> 'synth_'"
    )
    found = [(t, f"the trigger {n}") for t, n in rows(connection, triggers, [schema, list(names)])]
    found += [(t, f"a foreign key of {n}") for t, n in rows(connection, keys, [schema, list(names)])]
    if found:
        said = ", ".join(f"{what} on {schema}.{table}" for table, what in found[:3])
        raise BuildError(f"{said} does not outlive the table", hint="drop it, build, and make it again")
