"""Columns that are rolled up from the rows that name theirs: counts, sums, first and last days."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

from synthkit.rules.across.bound import RolledUp, bound
from synthkit.rules.across.find.ways import NAME, Looked, Shown, Way
from synthkit.rules.coding import missing, rows_named
from synthkit.rules.evaluate import kind_of_type, numbers_of
from synthkit.rules.find.evidence import MOST_CHANCE, chance_of, log_of_exceptions
from synthkit.rules.find.proving import FEWEST_ROWS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

DIFFERENT = 3  # values that what is rolled up must have at least
MOST_FACTORS = 6  # numbers of a child of which products of two are tried
DECIMALS = 6
LISTED = 0.5  # of the rows that name a looked-up row which several name, from which its number is a list's, not theirs
SEVERAL = 4
SHUFFLES = 5


def totals(looked: Looked, table: str, of: Collection[str], taken: Collection[str] = ()) -> list[Shown]:
    """The columns of a table that are rolled up from others, each by the plainest rule.

    Args:
        of: tables whose rows may be rolled up.
        taken: columns that are computed otherwise.
    """
    columns = [c for c in looked.said(table) if c not in taken and _varies(looked.tables[table][c])]
    ways = [w for w in _rolling(looked, table) if w.table in of and NAME.fullmatch(w.table)]
    candidates = [(way, function, inner) for way in ways for function, inner in _measures(looked, way)]
    found: list[Shown] = []
    for column in columns:
        for way, function, inner in candidates:
            one = _proven(looked, way, column, function, inner, len(candidates) * len(columns))
            if one is not None:
                found.append(one)
                break
    return found


def _rolling(looked: Looked, table: str) -> list[Way]:
    """The keys by which rows of others name a table's: of one that names it twice, the owner's, or neither."""
    ways = sorted((w for w in looked.ways if w.hop.table == table), key=lambda w: not w.owner)
    return [w for w in ways if w.owner or sum(o.table == w.table for o in ways) == 1]


def _varies(column: Any) -> bool:
    import numpy as np

    if kind_of_type(column.type) not in ("number", "date", "moment"):
        return False
    values = numbers_of(column)
    return len(np.unique(values[np.isfinite(values)])) >= DIFFERENT


def _measures(looked: Looked, way: Way) -> Iterator[tuple[str, str]]:
    """What rows may come to: a function, and what it is of."""
    child = way.table
    kinds = {c: kind_of_type(looked.tables[child].schema.field(c).type) for c in looked.said(child, looked.numbered)}
    numbers = [c for c, kind in kinds.items() if kind == "number"]
    yield "count", child
    yield from (("sum", f"{child}.{c}") for c in numbers)
    for function in ("min", "max"):
        yield from ((function, f"{child}.{c}") for c, kind in kinds.items() if kind in ("number", "date", "moment"))
    yield from (("mean", f"{child}.{c}") for c in numbers)
    for a, b in combinations(numbers[:MOST_FACTORS], 2):
        yield "sum", f"{child}.{a} * {child}.{b}"


def _proven(looked: Looked, way: Way, column: str, function: str, inner: str, candidates: int) -> Shown | None:
    import numpy as np

    table = way.hop.table
    given = looked.tables[table][column]
    said = f"{function}({inner})"
    rule = _rule(f"{table}.{column} = {said}", way)
    if not _same_kind(looked, rule, given):
        return None
    if rule.violations(looked.tables).any():
        decimals = _decimals(numbers_of(given))
        if decimals is None or function in ("min", "max", "count"):
            return None
        rule = _rule(f"{table}.{column} = round({said}, {decimals})", way)
        if rule.violations(looked.tables).any():
            return None
    if not way.owner and _listed(looked, way, given, rule):
        return None
    none = rule.absent(looked.tables)
    if (none != missing(given)).any():  # it would be computed where it is missing, or the other way round
        return None
    has = np.bincount(_named(looked, way), minlength=len(none))[: len(none)] > 0
    values = numbers_of(given)
    if (has & ~none).sum() < FEWEST_ROWS or len(np.unique(values[has & ~none])) < DIFFERENT:
        return None
    chance = chance_of(log_of_exceptions(_shuffled(values[~none]), int((~none).sum()), 0), candidates)
    return None if chance > MOST_CHANCE else Shown(rule, int((~none).sum()), chance)


def _listed(looked: Looked, way: Way, given: Any, rule: RolledUp) -> bool:
    """Whether most rows have the very number of the row that they look up: a price list, from which some rows depart to
    one side, is the list's own and the rows' cause. Computed from them, it would tell nothing of them."""
    import numpy as np

    child = looked.tables[way.table]
    if rule.picked is None:
        return False
    named = rows_named(child.select(way.hop.columns), looked.tables[way.hop.table].select(way.hop.named))
    often = np.bincount(named[named >= 0], minlength=len(given)) >= SEVERAL
    some = np.flatnonzero(named >= 0)
    some = some[often[named[some]]]
    ours, theirs = numbers_of(child[rule.picked])[some], numbers_of(given)[named[some]]
    return bool(len(some)) and float((ours == theirs).mean()) >= LISTED


def _rule(text: str, way: Way) -> RolledUp:
    found = bound(text, (way.hop,))
    assert isinstance(found, RolledUp)
    return found


def _same_kind(looked: Looked, rule: RolledUp, given: Any) -> bool:
    """Whether what is rolled up is what the column holds: a day of days, a number of numbers."""
    column = rule.picked
    if column is None:
        return kind_of_type(given.type) == "number"
    return kind_of_type(given.type) == kind_of_type(looked.tables[rule.child].schema.field(column).type)


def _named(looked: Looked, way: Way) -> npt.NDArray[np.int64]:
    """The rows of the parent that are named, once for each row that names one."""
    child, parent = looked.tables[way.table], looked.tables[way.hop.table]
    named = rows_named(child.select(way.hop.columns), parent.select(way.hop.named))
    return named[named >= 0]


def _shuffled(values: Array) -> float:
    """The chance that a row has the value of another one, dealt at random."""
    import numpy as np

    counts = np.unique(values, return_counts=True)[1]
    return float(((counts / counts.sum()) ** 2).sum())


def _decimals(values: Array) -> int | None:
    """How many decimals the numbers have; None where many."""
    import numpy as np

    known = values[np.isfinite(values)]
    for decimals in range(DECIMALS):
        scaled = known * 10.0**decimals
        if np.all(np.abs(scaled - np.round(scaled)) <= 1e-6 * np.maximum(1, np.abs(scaled))):
            return decimals
    return None
