"""Which columns name a row: one that is unique and full, or the fewest that are so together.

A single table says so by the names of its columns alone. Among several, a column whose name says nothing (a carrier's
code, a tail number) is a key where another table's rows name it, and so are several that another table has, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from synthkit.sources.infer import Profile
from synthkit.sources.keys.names import is_its_own, key_like
from synthkit.sources.keys.seen import Seen
from synthkit.sources.types import provisional_type

if TYPE_CHECKING:
    import duckdb

MOST_COLUMNS = 3  # of a key
MOST_TRIED = 12  # columns that may be part of one
MOST_ROOM = 10  # rows that it could tell apart, to one that there is, where others are unique, too
FEWEST_COUNTED = 20  # rows of a table whose first column counts them
FEWEST_ALIKE = 3  # pairs of rows that chance would have made alike
FIRST = 20_000  # rows in which two alike are looked for before all are
_PARTS = ("id", "categorical", "date", "datetime", "integer")
_NATURAL = ("id", "categorical", "text", "integer", "date", "datetime")


def primary_key(connection: duckdb.DuckDBPyConnection, table: str, seen: Seen) -> tuple[str, ...]:
    """The key that a table by itself shows, in the table's order; () where none was found.

    Several columns are a key where one of them is an id that repeats (an order and its line, a shop and a day), no
    smaller set of them is unique, and it has the least room: of several sets, chance made those with much of it.
    """
    ids = [c.name for c in seen.schema.columns if c.type == "id"]
    unique = [n for n in ids if seen.profiles[n].unique and seen.full(n)]
    if unique:
        own = next((n for n in unique if is_its_own(table, n)), None)
        return (own,) if own is not None else _link(seen) or (unique[0],)
    if (first := _first(seen)) is not None:
        return (first,)
    full = [c.name for c in seen.schema.columns if c.type in _PARTS and seen.full(c.name)]
    full = [n for n in full if seen.profiles[n].distinct > 1][:MOST_TRIED]
    return _together(connection, seen, full, set(ids))


def natural_keys(seen: Seen) -> tuple[str, ...]:
    """Columns that could be a key if another table's rows name them: unique and full, of values that repeat exactly."""
    return tuple(
        c.name for c in seen.schema.columns if c.type in _NATURAL and seen.profiles[c.name].unique and seen.full(c.name)
    )


def shared_key(connection: duckdb.DuckDBPyConnection, seen: Seen, others: Iterable[Seen]) -> tuple[str, ...]:
    """The fewest columns that name a row and that another table has under the same names; () where there are none."""
    for other in others:
        both = [n for n in seen.schema.names if n in other.schema.by_name and n in seen.profiles]
        parts = [n for n in both if seen.schema.by_name[n].type in _PARTS and seen.full(n)]
        parts = [n for n in parts if seen.profiles[n].distinct > 1][:MOST_TRIED]
        found = _together(connection, seen, parts, set(parts))
        if found:
            return found
    return ()


def linking_key(connection: duckdb.DuckDBPyConnection, seen: Seen, keys: Sequence[str]) -> tuple[str, ...]:
    """The key of a table that has columns naming rows of others: all of them, or some with what counts beside them.

    Args:
        keys: these columns. They are believed where chance would have made two rows alike.
    """
    full = [c for c in seen.schema.names if c in keys and seen.full(c)]
    for size in range(2, min(MOST_COLUMNS, len(full)) + 1):
        for names in combinations(full, size):
            alike = seen.rows**2 / (2 * _room(names, seen.profiles))
            if (
                alike >= FEWEST_ALIKE
                and _room(names, seen.profiles) >= seen.rows
                and is_unique(connection, seen, names)
            ):
                return names
    parts = [c.name for c in seen.schema.columns if c.type in _PARTS and seen.full(c.name)]
    parts = [n for n in parts if seen.profiles[n].distinct > 1][:MOST_TRIED]
    found = _together(connection, seen, parts, set(full))
    return found if found and _room(found, seen.profiles) <= MOST_ROOM * seen.rows else ()


def _link(seen: Seen) -> tuple[str, ...]:
    """The columns of a table of nothing but keys of others, which all are its key, though one be unique so far."""
    names = seen.schema.names
    return names if 2 <= len(names) <= MOST_COLUMNS and all(key_like(n) and seen.full(n) for n in names) else ()


def _first(seen: Seen) -> str | None:
    """The first column, where it counts the rows whatever it is called, or is called a number or a code."""
    if not seen.schema.columns or seen.rows < FEWEST_COUNTED:
        return None
    first = seen.schema.columns[0]
    shown, whole = seen.profiles[first.name], provisional_type(first.sql_type) == "integer"
    if not (whole or first.type in ("text", "categorical")) or first.format or not shown.unique or shown.nulls:
        return None
    counts = whole and shown.low in ("0", "1") and int(shown.high or 0) - int(shown.low) + 1 == seen.rows
    return first.name if counts or key_like(first.name) else None


def _together(connection: duckdb.DuckDBPyConnection, seen: Seen, parts: list[str], needed: set[str]) -> tuple[str, ...]:
    """The fewest of ``parts``, one of ``needed`` among them, that tell all rows apart."""
    for size in range(2, MOST_COLUMNS + 1):
        tried = [n for n in combinations(parts, size) if needed & set(n) and _room(n, seen.profiles) >= seen.rows]
        unique = [names for names in tried if is_unique(connection, seen, names)]
        if unique:
            least = min(unique, key=lambda names: _room(names, seen.profiles))
            return least if len(unique) == 1 or _room(least, seen.profiles) <= MOST_ROOM * seen.rows else ()
    return ()


def _room(names: tuple[str, ...], profiles: Mapping[str, Profile]) -> int:
    """How many rows the columns' values could tell apart."""
    return math.prod(profiles[name].distinct for name in names)


def is_unique(connection: duckdb.DuckDBPyConnection, seen: Seen, names: tuple[str, ...]) -> bool:
    """Whether the columns' values tell all rows apart; most sets fail among the first rows."""
    for rows in dict.fromkeys((min(FIRST, seen.rows), seen.rows)):
        some = f"(SELECT {seen.listed(names)} FROM {seen.relation} LIMIT {rows})"
        row = connection.execute(f"SELECT count(*) FROM (SELECT DISTINCT {seen.listed(names)} FROM {some})").fetchone()
        if row is None or int(row[0]) < rows:
            return False
    return True
