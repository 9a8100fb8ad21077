"""Which values of a column name a row of another table, and how surprising it is that they do.

All keys of one column lie in one table of values, so that a column of a child is compared with every parent in one
pass. Whole numbers are one kind whatever they are stored as, moments another, text the third: 7 is no '007'.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from synthkit.schema import TEMPORAL
from synthkit.sources.infer import Profile
from synthkit.sources.keys.seen import Included, Seen
from synthkit.sources.types import provisional_type
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import duckdb

_VALUES = "values_of_keys"
SURELY = 1.0  # the chance of what is no surprise at all


def kind_of(seen: Seen, column: str) -> str | None:
    """What its values are compared as: ``whole``, ``moment`` or ``text``; None: they name nothing.

    A column of doubles counts as one of whole numbers, as frames hold those with missing values so.
    """
    said = seen.schema.by_name[column]
    if said.format is not None:
        return "moment" if said.type in TEMPORAL and said.type != "time" else "text"
    kind = provisional_type(said.sql_type)
    if kind == "integer" or (kind == "float" and seen.profiles[column].decimals == 0):
        return "whole"
    if kind in ("date", "datetime"):
        return "moment"
    return "text" if kind in ("categorical", "id", "text") else None


def value(seen: Seen, column: str) -> str:
    """SQL of the text that a value is compared by."""
    name, kind = quote(column), kind_of(seen, column)
    if kind == "whole":
        return f"CAST(TRY_CAST({name} AS HUGEINT) AS VARCHAR)"
    if kind == "moment":
        return f"CAST(epoch_us(TRY_CAST(TRY_CAST({name} AS VARCHAR) || '' AS TIMESTAMPTZ)) AS VARCHAR)"
    return f"CAST({name} AS VARCHAR)"


def keep_values(connection: duckdb.DuckDBPyConnection, parents: Mapping[tuple[str, str], Seen]) -> None:
    """Lay down the values of single-column keys: (table, column) → the table."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_VALUES} (parent VARCHAR, kind VARCHAR, v VARCHAR)")
    for (table, column), seen in parents.items():
        named = f"{literal(naming(table, column))} AS parent, {literal(kind_of(seen, column) or '')} AS kind"
        rows = f"SELECT {named}, {value(seen, column)} AS v FROM {seen.relation}"
        connection.execute(f"INSERT INTO {_VALUES} {rows}")


def naming(table: str, column: str) -> str:
    """One text for a table and a column of it."""
    return f"{table}\0{column}"


def compared(connection: duckdb.DuckDBPyConnection, seen: Seen, column: str) -> dict[str, Included]:
    """By parent (:func:`naming`) what of the column's values it has; parents that have none are left out."""
    of = f"SELECT {value(seen, column)} AS v, count(*) AS n FROM {seen.relation} WHERE {quote(column)} IS NOT NULL"
    query = f"""
        WITH child AS ({of} GROUP BY 1)
        SELECT k.parent, (SELECT sum(n) FROM child), sum(c.n), (SELECT count(*) FROM child), count(*),
            (SELECT max(n) FROM child)
        FROM child c JOIN {_VALUES} k ON k.v = c.v AND k.kind = {literal(kind_of(seen, column) or "")}
        GROUP BY k.parent"""
    found = connection.execute(query).fetchall()
    return {str(row[0]): Included(*(int(n) for n in row[1:])) for row in found}


def compared_together(
    connection: duckdb.DuckDBPyConnection, child: Seen, columns: Sequence[str], parent: Seen, to: Sequence[str]
) -> Included:
    """What of the columns' values, together, the parent's columns have."""
    connection.execute("SET TimeZone = 'UTC'")
    ours = ", ".join(f"{value(child, c)} AS v{i}" for i, c in enumerate(columns))
    theirs = ", ".join(f"{value(parent, c)} AS v{i}" for i, c in enumerate(to))
    full = " AND ".join(f"{quote(c)} IS NOT NULL" for c in columns)
    same = " AND ".join(f"p.v{i} = c.v{i}" for i in range(len(to)))
    query = f"""
        WITH child AS (SELECT {ours}, count(*) AS n FROM {child.relation} WHERE {full} GROUP BY ALL),
            parent AS (SELECT DISTINCT {theirs} FROM {parent.relation})
        SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (WHERE p.v0 IS NOT NULL), 0), count(*), count(p.v0),
            coalesce(max(n), 0)
        FROM child c LEFT JOIN parent p ON {same}"""
    row = connection.execute(query).fetchone()
    assert row is not None
    return Included(*(int(n) for n in row))


def chance(parent: Seen, column: str, kind: str, found: Included) -> float:
    """How likely so many of the values would be the parent's if they were any of the same range or form.

    Of whole numbers: those between its least and its greatest. Of text: all of the same length and the same kinds of
    letters as its least and greatest value. Moments lie close in any calendar, so they always would.
    """
    shown = parent.profiles[column]
    if kind == "moment" or shown.low is None or shown.high is None:
        return SURELY
    room = _numbers(shown) if kind == "whole" else _texts(shown)
    density = min(1.0, shown.distinct / max(room, 1))
    if density >= 1.0:
        return SURELY
    others = found.values - found.matched
    ways = (math.lgamma(found.values + 1) - math.lgamma(found.matched + 1) - math.lgamma(others + 1)) / math.log(10)
    return float(10 ** min(0.0, max(-300.0, found.matched * math.log10(density) + ways)))


def _texts(shown: Profile) -> float:
    """Texts as long as the longer of two values, of the letters that they are made of."""
    both = f"{shown.low}{shown.high}"
    letters = 26 * any(c.isalpha() for c in both) + 10 * any(c.isdigit() for c in both)
    return float(max(letters, 2)) ** min(12, max(len(shown.low or ""), len(shown.high or "")))


def _numbers(shown: Profile) -> float:
    """Whole numbers from the least to the greatest."""
    return float(shown.high or 0) - float(shown.low or 0) + 1
