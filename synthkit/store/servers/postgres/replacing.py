"""The end of a publication's transaction: new tables take the names of old ones, and what others gave these stays.

A new table takes the name, the owner, the grants and the indexes of the old one, which goes. Where something of
others would go with it (a view, a policy, a trigger, a foreign key), the old one stays, and its rows are replaced.
Either way readers find the old tables until the transaction ends, and all new ones from then on.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from synthkit.environment import variable
from synthkit.errors import BuildError
from synthkit.records.joins import Join
from synthkit.sql.postgres import LONGEST
from synthkit.sql.quoting import literal, quote
from synthkit.store.servers.postgres.loading import PROVEN, Loaded, add_key
from synthkit.store.servers.postgres.standing import (
    Index,
    grants_of,
    indexes_of,
    made_by_others,
    missing,
    oid_of,
    owner_of,
    relations,
)

if TYPE_CHECKING:
    from synthkit.store.servers.postgres.connection import Connection, Server

TRY = "400ms"  # that a lock is waited for at a time: less than PostgreSQL lets a deadlock stand
PAUSE = 1.0  # seconds between tries, in which readers go on
WAIT = 600.0  # seconds in all: SYNTH_LOCK_TIMEOUT
_HAS_KEY = "SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'p'"
_READERS = """
    SELECT DISTINCT a.pid, coalesce(a.usename, '')
    FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.relation = ANY(%s::oid[]) AND l.pid <> pg_backend_pid() LIMIT 3"""


def replace(
    connection: Connection,
    server: Server,
    loaded: Sequence[Loaded],
    withdrawn: Sequence[str],
    joins: Mapping[str, Sequence[Join]],
) -> None:
    """Give new tables their names, and take away old ones.

    Args:
        withdrawn: names of tables that are no more.
        joins: table → its keys: those whose tables are among the loaded become foreign keys.

    Raises:
        BuildError: others go on reading the old tables; or the columns change, and something of others needs them.
    """
    schema = server.schema
    tables = {one.name: one for one in loaded}
    old = {n: oid for n in (*tables, *withdrawn) if (oid := oid_of(connection, schema, n)) is not None}
    found = {n: _standing(connection, oid) for n, oid in old.items()}
    kept = {n: others for n, (others, _) in found.items() if others}
    for one in loaded:
        if one.name in old and one.name not in kept:
            _index(connection, schema, one, old[one.name])
    keys = [(n, j) for n in tables for j in joins.get(n, ()) if _may_be(j, tables[n], tables)]
    late = [(n, j) for n, j in keys if n in kept or j.references in kept]
    _foreign_keys(connection, schema, [k for k in keys if k not in late], {n: t.new for n, t in tables.items()})
    _lock(connection, schema, old)
    if {n: _standing(connection, oid) for n, oid in old.items()} != found:
        hint = "build again: it is kept then"
        raise BuildError(f"somebody made something of {' or '.join(old)} while it was published", hint=hint)
    _drop_foreign_keys(connection, list(old.values()))
    for name in withdrawn:
        if name in old:
            drop(connection, schema, name, kept.get(name, ()))
    for one in loaded:
        if one.name in kept:
            _replace_rows(connection, server, one, kept[one.name])
        else:
            _rename(connection, schema, one, old.get(one.name))
    _foreign_keys(connection, schema, late, {n: n for n in tables})


def _standing(connection: Connection, oid: int) -> tuple[list[str], list[Index]]:
    return made_by_others(connection, oid), indexes_of(connection, oid)


def drop(connection: Connection, schema: str, name: str, others: Sequence[str]) -> None:
    """Raises BuildError where something of others needs the table."""
    if others:
        raise BuildError(f"{schema}.{name} cannot go: {_listed(others)} needs it", hint="drop that first")
    connection.execute(f"DROP TABLE {quote(schema)}.{quote(name)}")


def _lock(connection: Connection, schema: str, old: Mapping[str, int]) -> None:
    """Wait until nobody reads the old tables, and let nobody begin. Readers are not held up while it waits."""
    import psycopg

    if not old:
        return
    names = ", ".join(f"{quote(schema)}.{quote(name)}" for name in sorted(old))
    end = time.monotonic() + float(variable("SYNTH_LOCK_TIMEOUT") or WAIT)
    while True:
        with suppress(psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected), connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{TRY}'")
            connection.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
            connection.execute("SET LOCAL lock_timeout = 0")
            return
        if time.monotonic() > end:
            found = connection.execute(_READERS, [list(old.values())]).fetchall()
            said = ", ".join(f"{user} (process {pid})" for pid, user in found)
            hint = "wait for them, or give it longer: SYNTH_LOCK_TIMEOUT, in seconds"
            raise BuildError(f"others go on reading the tables that are to be replaced: {said}", hint=hint)
        time.sleep(PAUSE)


def _rename(connection: Connection, schema: str, one: Loaded, old: int | None) -> None:
    new, final = f"{quote(schema)}.{quote(one.new)}", f"{quote(schema)}.{quote(one.name)}"
    if old is not None:
        indexes = indexes_of(connection, old)
        grants, owner = grants_of(connection, old), owner_of(connection, old)
        here = {name for name, _ in one.columns}
        for to in {g.to for g in grants_of(connection, _known(connection, schema, one.new))}:  # by default privileges
            connection.execute(f"REVOKE ALL ON {new} FROM {to}")
        connection.execute(f"DROP TABLE {final}")
        for grant in grants:
            if grant.column is None or grant.column in here:
                connection.execute(grant.on(new))
        for index in indexes:
            connection.execute(
                f"ALTER INDEX IF EXISTS {quote(schema)}.{_temporary(one, index.name)} RENAME TO {quote(index.name)}"
            )
        if owner != owner_of(connection, _known(connection, schema, one.new)):
            connection.execute(f"ALTER TABLE {new} OWNER TO {owner}")
    connection.execute(f"ALTER TABLE {new} RENAME TO {quote(one.name)}")
    name = f"{one.name}_pkey"
    if one.constraint and len(name.encode()) <= LONGEST and oid_of(connection, schema, name) is None:
        connection.execute(f"ALTER TABLE {final} RENAME CONSTRAINT {one.constraint} TO {quote(name)}")


def _index(connection: Connection, schema: str, one: Loaded, old: int) -> None:
    """Make the indexes that others made on the old table; one whose columns are gone goes with them."""
    import psycopg

    for index in indexes_of(connection, old):
        kind = "UNIQUE INDEX" if index.unique else "INDEX"
        with suppress(psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction), connection.transaction():
            try:
                connection.execute(
                    f"CREATE {kind} {_temporary(one, index.name)} ON {quote(schema)}.{quote(one.new)} {index.rest}"
                )
            except psycopg.errors.UniqueViolation:
                hint = "drop it, or have an audit demand what it demands"
                message = f"the new rows of {one.name!r} do not fit the unique index {index.name!r} that somebody made"
                raise BuildError(message, hint=hint) from None


def _temporary(one: Loaded, index: str) -> str:
    """The name of an index of others until the old one is gone."""
    return quote(f"synth_{uuid.uuid5(uuid.NAMESPACE_OID, f'{one.new} {index}').hex}")


def _replace_rows(connection: Connection, server: Server, one: Loaded, others: Sequence[str]) -> None:
    """Give the old table the rows of the new one, which goes."""
    schema = server.schema
    new, final = f"{quote(schema)}.{quote(one.new)}", f"{quote(schema)}.{quote(one.name)}"
    differs = missing(relations(server, connection)[one.name].columns, one.columns)
    if differs is not None:
        message = f"{schema}.{one.name} {differs}, and {_listed(others)} needs it as it is"
        raise BuildError(message, hint="drop that, build, and make it again")
    columns = ", ".join(quote(name) for name, _ in one.columns)
    connection.execute(f"DELETE FROM {final}")
    connection.execute(f"INSERT INTO {final} ({columns}) SELECT {columns} FROM {new}")
    connection.execute(f"DROP TABLE {new}")
    if one.key and not connection.execute(_HAS_KEY, [f"{quote(schema)}.{quote(one.name)}"]).fetchone():
        add_key(connection, final, one.key)


def _may_be(join: Join, child: Loaded, tables: Mapping[str, Loaded]) -> bool:
    """Whether a key can be a foreign key: it names the primary key of a table that is loaded, in its types."""
    parent = tables.get(join.references)
    if parent is None or not join.holds or not parent.key or tuple(join.to) != parent.key:
        return False
    types, others = dict(child.columns), dict(parent.columns)
    return [types.get(c) for c in join.columns] == [others[c] for c in join.to]


def _foreign_keys(
    connection: Connection, schema: str, keys: Sequence[tuple[str, Join]], called: Mapping[str, str]
) -> None:
    """Make the foreign keys of tables, under what they are called now; not one that some rows may break."""
    import psycopg

    broken = (psycopg.errors.ForeignKeyViolation, psycopg.errors.InvalidForeignKey)
    for child, join in keys:
        relation = f"{quote(schema)}.{quote(called[child])}"
        name = quote(f"{child}_{'_'.join(join.columns)}_fkey"[:LONGEST])
        columns, to = (", ".join(map(quote, names)) for names in (join.columns, join.to))
        there = f"{quote(schema)}.{quote(called[join.references])} ({to})"
        with suppress(*broken), connection.transaction():
            connection.execute(
                f"ALTER TABLE {relation} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {there}"
            )
            connection.execute(f"COMMENT ON CONSTRAINT {name} ON {relation} IS {literal(PROVEN)}")


def _drop_foreign_keys(connection: Connection, oids: Sequence[int]) -> None:
    """Those that synthkit made on or to tables: each would keep the other's from going."""
    query = (
        "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint WHERE contype = 'f'"
        " AND (conrelid = ANY(%s::oid[]) OR confrelid = ANY(%s::oid[]))"
        f" AND obj_description(oid, 'pg_constraint') = {literal(PROVEN)}"
    )
    for relation, name in connection.execute(query, [list(oids), list(oids)]).fetchall():
        connection.execute(f"ALTER TABLE {relation} DROP CONSTRAINT {name}")


def _known(connection: Connection, schema: str, name: str) -> int:
    found = oid_of(connection, schema, name)
    assert found is not None
    return found


def _listed(others: Sequence[str]) -> str:
    return ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
