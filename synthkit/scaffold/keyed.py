"""Which columns name a row: one that is unique and full, or the fewest that are so together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.schema import Schema
from synthkit.sources.infer import Profile
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import duckdb

MOST_COLUMNS = 3  # of a key
MOST_TRIED = 12  # columns that may be part of one
MOST_ROOM = 10  # rows that it could tell apart, to one that there is, where others are unique, too
_PARTS = ("id", "categorical", "date", "datetime", "integer")


def primary_key(
    connection: duckdb.DuckDBPyConnection, schema: Schema, profiles: Mapping[str, Profile], rows: Path
) -> tuple[str, ...]:
    """The key, in the table's order; () where none was found.

    Several columns are a key where one of them is an id that repeats (an order and its line, a shop and a day), no
    smaller set of them is unique, and it has the least room: of several sets, chance made those with much of it.
    """
    for column in schema.columns:
        found = profiles[column.name]
        if column.type == "id" and found.unique and found.nulls == 0:
            return (column.name,)
    full = [c.name for c in schema.columns if c.type in _PARTS and not profiles[c.name].nulls]
    full = [n for n in full if profiles[n].distinct > 1][:MOST_TRIED]
    ids = {c.name for c in schema.columns if c.type == "id"}
    count = profiles[schema.columns[0].name].rows if schema.columns else 0
    for size in range(2, MOST_COLUMNS + 1):
        tried = [names for names in combinations(full, size) if ids & set(names) and _room(names, profiles) >= count]
        unique = [names for names in tried if _distinct(connection, names, rows) == count]
        if unique:
            least = min(unique, key=lambda names: _room(names, profiles))
            return least if len(unique) == 1 or _room(least, profiles) <= MOST_ROOM * count else ()
    return ()


def _room(names: tuple[str, ...], profiles: Mapping[str, Profile]) -> int:
    """How many rows the columns' values could tell apart."""
    return math.prod(profiles[name].distinct for name in names)


def _distinct(connection: duckdb.DuckDBPyConnection, names: tuple[str, ...], rows: Path) -> int:
    listed = ", ".join(quote(n) for n in names)
    query = f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM read_parquet({literal(str(rows))}))"
    row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0])
