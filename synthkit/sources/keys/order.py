"""To whom rows belong, and in which order they follow one another.

A child's rows belong to the parent that names many of them apart (an order's lines to the order, not to the product),
where nearly each has one, and where the parent is no short list: a unit that is held out must be one of many. What
people have is theirs, and they are nobody's: they are the units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from synthkit.sources.keys.inclusion import kind_of
from synthkit.sources.keys.names import key_like, of_people, of_staff, table_words, words
from synthkit.sources.keys.seen import Reference, Seen
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import duckdb

FEWEST_OWNERS = 20
OWNED = 0.99  # of the child's rows
MOSTLY = 0.5  # of them, where no other key leads to an owner: the rest are orphans
FEWEST_EACH = 1.5  # rows of an entity, on average
APART = 0.5  # of neighbours in the order, those that differ
RISING = 0.95  # of neighbours in the file, those that do not fall
FIRST_COLUMNS = 12  # which may be an entity without a key's name
CONSTANTS = 3  # columns with one value in all rows of such an entity
_TIMES = frozenset(
    [
        "year",
        "month",
        "week",
        "day",
        "date",
        "time",
        "timestamp",
        "at",
        "on",
        "hour",
        "period",
        "quarter",
        "season",
        "cycle",
    ]
)
_PARTS = frozenset({"year", "month", "day", "hour", "minute"})
_STEPS = frozenset(
    [
        "seq",
        "sequence",
        "position",
        "pos",
        "step",
        "line",
        "turn",
        "visit",
        "wave",
        "round",
        "rank",
        "ordinal",
        "idx",
        "index",
        "order",
        "no",
        "nr",
        "t",
    ]
)
_LATER = frozenset(
    [
        "birth",
        "born",
        "dob",
        "due",
        "required",
        "expected",
        "expiry",
        "expires",
        "expiration",
        "end",
        "ended",
        "updated",
        "modified",
        "deleted",
        "shipped",
        "delivered",
        "closed",
        "paid",
        "returned",
        "cancelled",
        "until",
    ]
)


@dataclass(frozen=True)
class _Order:
    """A column that may order rows: ``apart`` of the neighbours differ in it, ``rising`` of those in the file do not
    fall."""

    column: str
    named: float
    apart: float
    rising: float


def owned(
    found: Iterable[Reference], tables: Mapping[str, Seen], primary: Mapping[str, tuple[str, ...]]
) -> list[Reference]:
    """The same keys, with those that own marked: at most one of a table.

    The tables that hang on the root (:func:`root`) are owned by what leads there. Outside of it a table has an owner
    only where no other table looks its rows up.
    """
    keys = list(found)
    people = {t for t in tables if of_people(t) and _by_itself(t, primary, keys)}
    fits: dict[str, list[Reference]] = {}
    for table in tables:
        fit = [r for r in keys if table not in people and r.table == table and _may_own(r, tables)]
        fits[table] = [r for r in fit if r.included >= OWNED * tables[table].rows] or fit
    theirs = _leading_to({t for t in people if not of_staff(t)}, fits)
    best: dict[str, Reference] = {}
    for table, fit in fits.items():
        fit = [r for r in fit if table not in _above(r.references, best)]
        if fit:
            best[table] = max(fit, key=lambda r: _owning(r, primary.get(r.table, ()), r.references in theirs))
    first = root(best, tables)
    kept = {t: r for t, r in best.items() if _top(t, best) == first or not _looked_up(t, keys, best)}
    return [replace(r, owner=kept.get(r.table) is r) for r in keys]


def root(best: Mapping[str, Reference], tables: Mapping[str, Seen]) -> str | None:
    """The table that most rows hang on, in the end; None where none hangs on any."""
    below: dict[str, int] = {}
    for table in best:
        top = _top(table, best)
        below[top] = below.get(top, 0) + tables[table].rows
    return max(below, key=lambda t: below[t], default=None)


def _above(table: str, best: Mapping[str, Reference]) -> list[str]:
    """The table, its owner, that one's owner and so on: of declared keys that lead in a circle, one owns nothing."""
    found = [table]
    while found[-1] in best:
        found.append(best[found[-1]].references)
    return found


def _top(table: str, best: Mapping[str, Reference]) -> str:
    return _above(table, best)[-1]


def _looked_up(table: str, keys: Iterable[Reference], best: Mapping[str, Reference]) -> bool:
    return any(r.references == table and r.table != table and best.get(r.table) is not r for r in keys)


def _may_own(one: Reference, tables: Mapping[str, Seen]) -> bool:
    alone = one.references != one.table and not one.cut and not _of_time(one, tables)
    return alone and one.matched >= FEWEST_OWNERS and one.included >= MOSTLY * tables[one.table].rows


def _of_time(one: Reference, tables: Mapping[str, Seen]) -> bool:
    """An hour's weather owns no flight."""
    return any(kind_of(tables[one.table], c) == "moment" for c in one.columns)


def _owning(one: Reference, key: tuple[str, ...], peoples: bool) -> tuple[bool, bool, bool, bool, int]:
    """The better of two owners: where people come of it in the end, those who are served (a rental is the customer's,
    and not the film's nor the clerk's), then what the key is a part of, what the table is called after, then many."""
    called = table_words(one.table)[: len(table_words(one.references))] == table_words(one.references)
    return peoples, set(one.columns) < set(key), called, of_staff(one.references), one.matched


def _by_itself(table: str, primary: Mapping[str, tuple[str, ...]], keys: Iterable[Reference]) -> bool:
    """Whether a row is named by a column of its own, and not by what it names: members of a team are a link."""
    key = primary.get(table, ())
    return len(key) == 1 and not any(r.table == table and r.columns == key for r in keys)


def _leading_to(tops: set[str], fits: Mapping[str, list[Reference]]) -> set[str]:
    """The tables, and all from which a key that may own leads to one of them."""
    found, before = set(tops), set[str]()
    while found != before:
        before = set(found)
        found |= {t for t, fit in fits.items() if any(r.references in before for r in fit)}
    return found


def ordered(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, Seen],
    primary: Mapping[str, tuple[str, ...]],
    keys: Iterable[Reference],
) -> tuple[dict[str, str], dict[str, str]]:
    """Table → the column that orders the rows of one owner, or entity; table → its entity."""
    keys, orders, entities = list(keys), {}, {}
    for table, seen in tables.items():
        taken = {c for r in keys if r.table == table for c in r.columns}
        single = primary.get(table, ())
        closed = taken | (set(single) if len(single) == 1 else set())
        owner = next((r.columns for r in keys if r.table == table and r.owner), None)
        if owner is not None:
            best = _best(connection, seen, owner, closed)
            if best is not None:
                orders[table] = best.column
        elif not taken and not any(r.references == table for r in keys):
            found = _entity(connection, seen, closed)
            if found is not None:
                entities[table], orders[table] = found
    return orders, entities


def _entity(connection: duckdb.DuckDBPyConnection, seen: Seen, closed: set[str]) -> tuple[str, str] | None:
    """The column whose rows follow one another, and the one that orders them: they must lie in their order."""
    for i, column in enumerate(seen.schema.columns):
        name, shown = column.name, seen.profiles[column.name]
        called = column.type == "id" or key_like(name)
        many = shown.distinct >= FEWEST_OWNERS and shown.distinct * FEWEST_EACH <= seen.rows
        if (
            name in closed
            or kind_of(seen, name) is None
            or shown.nulls
            or not many
            or not (called or i < FIRST_COLUMNS)
        ):
            continue
        if not called and not _lies_together(connection, seen, name):
            continue
        best = _best(connection, seen, (name,), {*closed, name})
        if best is not None and best.rising >= RISING:
            return name, best.column
    return None


def _lies_together(connection: duckdb.DuckDBPyConnection, seen: Seen, entity: str) -> bool:
    """Whether an entity's rows lie side by side in the file, and several columns have one value in all of them: a city
    in a list by date has its country, but its rows lie apart."""
    numbered = f"SELECT {quote(entity)} AS e, row_number() OVER () AS __at FROM {seen.relation}"
    before = f"SELECT e, lag(e) OVER (ORDER BY __at) AS b FROM ({numbered})"
    row = connection.execute(f"SELECT count(*) FROM ({before}) WHERE e IS DISTINCT FROM b").fetchone()
    if row is None or int(row[0]) != seen.profiles[entity].distinct:
        return False
    return _constants(connection, seen, entity) >= CONSTANTS


def _best(connection: duckdb.DuckDBPyConnection, seen: Seen, owner: tuple[str, ...], closed: set[str]) -> _Order | None:
    """The column that the rows of one owner are ordered by."""
    named = {c: score for c in seen.schema.names if c not in closed and (score := _named(seen, c)) > 0}
    some = [c for c in named if seen.profiles[c].nulls == 0 and seen.profiles[c].distinct > 1]
    if not some:
        return None
    measured = _measured(connection, seen, owner, some)
    fit = [o for c in some if (o := _Order(c, named[c], *measured[c])).apart >= APART]
    fit = [o for o in fit if kind_of(seen, o.column) == "moment" or o.rising >= RISING]
    return max(fit, key=lambda o: (o.rising >= RISING, o.named, o.apart), default=None)


def _named(seen: Seen, column: str) -> float:
    """How much a column looks like an order: a moment most, then a number that its name says is one."""
    said, kind = set(words(column)), kind_of(seen, column)
    parts = sum(bool(set(words(c)) & _PARTS) for c in seen.schema.names)
    if said & _PARTS and parts > 1 and kind == "whole":
        return 0.0  # a year, a month and a day in columns of their own: none of them orders by itself
    if kind == "moment":
        return 1.0 if said & _LATER else 2.0
    if kind != "whole" or said & _LATER:
        return 0.0
    return 1.5 if said & _TIMES else 1.0 if said & _STEPS else 0.0


def _measured(
    connection: duckdb.DuckDBPyConnection, seen: Seen, owner: tuple[str, ...], columns: list[str]
) -> dict[str, tuple[float, float]]:
    """By column: of an owner's neighbours, in its order those that differ, in the file those that do not fall."""
    of = seen.listed(owner)
    parts, lags = [], []
    for i, column in enumerate(columns):
        name = quote(column)
        lags.append(f"lag({name}) OVER (PARTITION BY {of} ORDER BY {name}) AS s{i}")
        lags.append(f"lag({name}) OVER (PARTITION BY {of} ORDER BY __at) AS f{i}, {name} AS c{i}")
        parts.append(f"avg(CAST(c{i} <> s{i} AS INT)), avg(CAST(c{i} >= f{i} AS INT))")
    numbered = f"SELECT {seen.listed((*owner, *columns))}, row_number() OVER () AS __at FROM {seen.relation}"
    row = connection.execute(f"SELECT {', '.join(parts)} FROM (SELECT {', '.join(lags)} FROM ({numbered}))").fetchone()
    assert row is not None
    return {c: (float(row[2 * i] or 0), float(row[2 * i + 1] or 0)) for i, c in enumerate(columns)}


def _constants(connection: duckdb.DuckDBPyConnection, seen: Seen, entity: str) -> int:
    """Columns of several values that have one in all rows of an entity."""
    some = [c for c in seen.schema.names if c != entity and seen.profiles[c].distinct > 1]
    parts = ", ".join(f"bool_and(m{i})" for i in range(len(some)))
    each = ", ".join(f"min({quote(c)}) IS NOT DISTINCT FROM max({quote(c)}) AS m{i}" for i, c in enumerate(some))
    row = connection.execute(
        f"SELECT {parts} FROM (SELECT {each} FROM {seen.relation} GROUP BY {quote(entity)})"
    ).fetchone()
    return sum(bool(v) for v in row or ())
