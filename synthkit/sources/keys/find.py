"""The keys of several tables: what a catalogue declares first, then what names and rows show together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from synthkit.sources.keys import foreign, order
from synthkit.sources.keys.inclusion import compared_together
from synthkit.sources.keys.names import BY_KEY
from synthkit.sources.keys.primary import linking_key, natural_keys, primary_key, shared_key
from synthkit.sources.keys.seen import NOTHING_DECLARED, Declared, Keys, Reference, Seen

if TYPE_CHECKING:
    import duckdb


def find_keys(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Seen], declared: Declared = NOTHING_DECLARED
) -> Keys:
    """Primary and foreign keys, owners, and orders.

    Args:
        connection: that can read the tables' relations; temporary tables are made in it.
        declared: what is known, and so not guessed: a declared key that leads elsewhere than to a primary key is left
            out, as no row could be named by it.
    """
    primary = {t: declared.primary.get(t) or primary_key(connection, t, seen) for t, seen in tables.items()}
    keys = {(t, key[0]) for t, key in primary.items() if len(key) == 1}
    open_ = {t: natural_keys(seen) for t, seen in tables.items() if not primary[t]}
    natural = {(t, c) for t, columns in open_.items() for c in columns}
    ordered = [(t, c) for t, seen in tables.items() for c in seen.schema.names if (t, c) in keys | natural]
    found = foreign.singles(connection, tables, ordered)
    for table, columns in open_.items():
        primary[table] = _named(found, tables, table, columns)
    for table, seen in tables.items():
        if not primary[table]:
            others = [other for name, other in tables.items() if name != table]
            primary[table] = shared_key(connection, seen, others)
    found = [r for r in found if primary[r.references] == r.to]
    for table in [t for t in tables if not primary[t]]:
        columns = tuple(r.columns[0] for r in foreign.chosen(found, tables)[0] if r.table == table)
        primary[table] = linking_key(connection, tables[table], columns)
    several = foreign.composites(connection, tables, primary)
    given = [_known(connection, tables, primary, one) for one in declared.foreign]
    taken, doubtful = foreign.chosen([*found, *several], tables, [r for r in given if r is not None])
    primary = {t: key for t, key in primary.items() if key}
    taken = order.owned(taken, tables, primary)
    orders, entities = order.ordered(connection, tables, primary, taken)
    doubtful = [r for r in doubtful if r.columns != (orders.get(r.table),)]  # a line's number names no row
    return Keys(primary, tuple(taken), tuple(doubtful), orders, entities, frozenset(declared.primary))


def _named(found: list[Reference], tables: Mapping[str, Seen], table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Of a table's unique columns the one that rows of another name; () where none do."""
    naming = [r for r in found if r.references == table != r.table and r.to[0] in columns]
    naming = [r for r in naming if foreign.believed(r, tables[r.table])]
    best = max(naming, key=lambda r: (foreign.strength(r), -columns.index(r.to[0])), default=None)
    return () if best is None else best.to


def _known(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, Seen],
    primary: Mapping[str, tuple[str, ...]],
    said: tuple[str, tuple[str, ...], str, tuple[str, ...]],
) -> Reference | None:
    """A declared foreign key, with what the rows show of it; its columns in the order of the primary key."""
    child, columns, table, to = said
    key = primary.get(table, ())
    to = to or key
    if child not in tables or table not in tables or not key or set(to) != set(key) or len(to) != len(columns):
        return None
    columns = tuple(columns[to.index(k)] for k in key)
    what = compared_together(connection, tables[child], columns, tables[table], key)
    return Reference.of(
        (child, columns, tables[child]), (table, key, tables[table]), what, 0.0, (BY_KEY, "declared"), declared=True
    )
