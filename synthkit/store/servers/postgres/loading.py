"""A table's rows in a new table of the server, which nobody but the transaction that makes it can see."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.extras import installed
from synthkit.records.receipt import AuditedTable
from synthkit.records.sure import sure_key
from synthkit.sql.postgres import type_of
from synthkit.sql.quoting import literal, quote
from synthkit.sql.types import NoPlaceError, is_nested
from synthkit.store.servers.csvrows import csv_blocks

if TYPE_CHECKING:
    from synthkit.store.servers.postgres.connection import Connection

PROVEN = "found to hold by synthkit"  # says of a constraint whose it is
_ELEMENT = r"""'"' || replace(replace(CAST(x AS VARCHAR), '\', '\\'), '"', '\"') || '"'"""


@dataclass(frozen=True)
class Loaded:
    """A table that is loaded, and not yet under its name.

    Args:
        new: what it is called so far.
        columns: (name, type), as the server's catalogue spells them.
        key: its primary key, where there is one, and what its constraint is called so far.
    """

    name: str
    new: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...] = ()
    constraint: str | None = None


def columns_of(table: AuditedTable) -> tuple[tuple[str, str], ...]:
    """The columns as the server has them. Raises BuildError where it has no place for one."""
    found = []
    for column in table.columns:
        try:
            found.append((column.name, type_of(column.type)))
        except NoPlaceError as error:
            message = f"the column {column.name!r} of {table.model!r}: {error}"
            raise BuildError(message, hint=error.hint) from None
    return tuple(found)


def fill(connection: Connection, relation: str, table: AuditedTable, data: Path) -> None:
    """Load the rows of a Parquet file, as CSV, into a relation, which is quoted."""
    with connection.cursor().copy(f"COPY {relation} FROM STDIN (FORMAT csv)") as copy:
        for block in csv_blocks(data, [_written(n, c.type) for n, c in enumerate(table.columns)]):
            copy.write(block)


def _fill_new(connection: Connection, relation: str, table: AuditedTable, data: Path) -> None:
    """:func:`fill`, the fastest way, for a relation that was made in this very transaction.

    FREEZE: its rows are for everybody who finds it, whenever their transaction began. Who has read one of the old
    tables lets the new ones wait; who has not sees all new ones.
    """
    written, blocks = [_written(n, c.type) for n, c in enumerate(table.columns)], None
    if installed("numpy"):  # it comes with what trains
        from synthkit.store.servers.postgres.binary import binary_blocks

        blocks = binary_blocks(data, [kind for _, kind in columns_of(table)])
    form = "csv" if blocks is None else "binary"
    with connection.cursor().copy(f"COPY {relation} FROM STDIN (FORMAT {form}, FREEZE)") as copy:
        for block in csv_blocks(data, written) if blocks is None else blocks:
            copy.write(block)


def load(connection: Connection, schema: str, table: AuditedTable, data: Path) -> Loaded:
    """A new table with the rows, and the primary key where it is sure (:mod:`synthkit.records.sure`)."""
    new = f"synth_new_{uuid.uuid4().hex}"
    relation, columns = f"{quote(schema)}.{quote(new)}", columns_of(table)
    connection.execute(f"CREATE TABLE {relation} ({definition(columns)})")
    _fill_new(connection, relation, table, data)
    key = sure_key(table)
    constraint = add_key(connection, relation, key) if key else None
    return Loaded(table.model, new, columns, key if constraint else (), constraint)


def definition(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{quote(name)} {kind}" for name, kind in columns)


def describe(
    connection: Connection,
    relation: str,
    description: str | None,
    columns: Mapping[str, str | None],
    known: Mapping[str | None, str] | None = None,
) -> None:
    """Say of a relation, which is quoted, and of its columns what they are.

    Args:
        known: what is said already, by column; of the relation by None.
    """
    said = known or {}
    if said.get(None) != (description or None):
        connection.execute(f"COMMENT ON TABLE {relation} IS {literal(description or None)}")
    for name, text in columns.items():
        if said.get(name) != (text or None):
            connection.execute(f"COMMENT ON COLUMN {relation}.{quote(name)} IS {literal(text or None)}")


def analyse(connection: Connection, schema: str, names: Sequence[str]) -> None:
    """Give the planner the figures of tables that have none yet: autovacuum comes by a minute later."""
    known = "SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = %s"
    there = {name for (name,) in connection.execute(known, [schema]).fetchall()}
    for name in names:
        if name not in there:
            connection.execute(f"ANALYZE {quote(schema)}.{quote(name)}")


def add_key(connection: Connection, relation: str, key: Sequence[str]) -> str | None:
    """Give a table, whose name is quoted, its primary key. Returns its name; None where the rows do not let it."""
    import psycopg

    name = f"synth_key_{uuid.uuid4().hex}"
    columns = ", ".join(map(quote, key))
    try:
        with connection.transaction():
            connection.execute(f"ALTER TABLE {relation} ADD CONSTRAINT {name} PRIMARY KEY ({columns})")
            connection.execute(f"COMMENT ON CONSTRAINT {name} ON {relation} IS {literal(PROVEN)}")
    except (psycopg.errors.UniqueViolation, psycopg.errors.NotNullViolation):
        return None  # it was drawn so, and no audit demands it
    return name


def _written(number: int, sql_type: str) -> str | None:
    """How the text of a nested column is made: an array's, or JSON."""
    if not is_nested(sql_type):
        return None
    if type_of(sql_type) == "jsonb":
        return f"CAST(to_json(c{number}) AS VARCHAR)"
    elements = f"list_transform(c{number}, lambda x: coalesce({_ELEMENT}, 'NULL'))"
    return f"'{{' || array_to_string({elements}, ',') || '}}'"
