"""Dates and numbers that are never before, or never after, those of the row at the end of a way.

Rows that name one row count once, by the one of them that comes nearest to breaking the rule: a hundred orders of one
customer say no more than one. What makes an ordering a rule is as within a table (``rules/find/orders.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import log
from typing import TYPE_CHECKING

from synthkit.rules.across.bound import Compared
from synthkit.rules.across.find.ways import Looked, Shown, Way, alike, walked
from synthkit.rules.evaluate import DAY, kind_of_type, numbers_of
from synthkit.rules.find.evidence import MOST_CHANCE, chance_of, log_of_exceptions
from synthkit.rules.find.orders import FEWEST_DISTINCT, FEWEST_NEAR, LEAST_BROKEN, close, near
from synthkit.rules.find.proving import FEWEST_ROWS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Array = npt.NDArray[np.float64]

SHUFFLES = 20


def orders(looked: Looked, table: str, taken: Collection[str]) -> list[Shown]:
    """The columns of a table that are ordered with those of rows that keys lead to.

    Args:
        taken: columns of the table that are computed: they are what they are.
    """
    found = []
    paths = list(looked.paths(table))
    ours = [c for c in looked.said(table) if c not in taken]
    pairs = [
        (path, column, other)
        for path in paths
        for column in ours
        for other in looked.said(path[-1].hop.table)
        if _comparable(looked.tables[table][column].type, looked.tables[path[-1].hop.table][other].type)
    ]
    for path, column, other in pairs:
        for sign in (">=", "<="):
            one = _proven(looked, path, column, sign, other, 2 * len(pairs))
            if one is not None:
                found.append(one)
    return found


def _comparable(one: pa.DataType, other: pa.DataType) -> bool:
    a, b = kind_of_type(one), kind_of_type(other)
    return {a, b} <= {"date", "moment"} or a == b == "number"


def _times(column: pa.ChunkedArray) -> Array:
    """Numbers, and times in microseconds whether they are days or moments."""
    return numbers_of(column) * (DAY if kind_of_type(column.type) == "date" else 1)


def _proven(looked: Looked, path: Sequence[Way], column: str, sign: str, other: str, candidates: int) -> Shown | None:
    import numpy as np

    table, end = path[0].table, path[-1].hop.table
    at = looked.reached(path)
    ours, there = _times(looked.tables[table][column]), _times(looked.tables[end][other])
    if not len(there):
        return None
    theirs = np.where(at >= 0, there[np.maximum(at, 0)], np.nan)
    told = np.isfinite(ours) & np.isfinite(theirs)
    after = sign == ">="
    low, high = (theirs, ours) if after else (ours, theirs)
    if told.sum() < FEWEST_ROWS or (low[told] > high[told]).any():
        return None
    if min(len(np.unique(ours[told])), len(np.unique(theirs[told]))) < FEWEST_DISTINCT:
        return None
    nearest = _nearest(ours[told], at[told], after)
    fixed = theirs[told][nearest]
    own = ours[told][nearest]
    if len(fixed) < FEWEST_ROWS:
        return None
    a, b = (fixed, own) if after else (own, fixed)
    times = kind_of_type(looked.tables[table][column].type) != "number"
    chance = _chance(a, b, candidates, named=alike(column, other), times=times)
    if chance is None:
        return None
    equal = bool((ours[told] == theirs[told]).any())
    strict = sign if equal else sign[0]
    text = walked(table, column, strict, path, other)
    rule = Compared(text, table, column, strict, tuple(w.hop for w in path), other)  # type: ignore[arg-type]
    return Shown(rule, int(told.sum()), chance)


def _nearest(values: Array, of: npt.NDArray[np.int64], least: bool) -> npt.NDArray[np.int64]:
    """Of the rows that lead to one row, the one with the least (or greatest) value."""
    import numpy as np

    order = np.lexsort((values if least else -values, of))
    first = np.unique(of[order], return_index=True)[1]
    return np.asarray(order[first])


def _chance(a: Array, b: Array, candidates: int, *, named: bool, times: bool) -> float | None:
    """How likely ``a <= b`` is by chance in every row; None where it is no rule."""
    import numpy as np

    open_ = (a > b.min()) & (b < a.max())  # only these could break it at all, whatever stands on the other side
    if int(open_.sum()) < FEWEST_ROWS:
        return None
    rng = np.random.default_rng(3)
    shuffled = [b[rng.permutation(len(b))] for _ in range(SHUFFLES)]
    kept = float(np.mean([(a <= s).mean() for s in shuffled]))
    if 1 - kept < LEAST_BROKEN:
        return None
    chance = chance_of(log_of_exceptions(kept, len(a), 0), candidates)
    beside = near(a[open_], b[open_])
    sharp = beside >= FEWEST_NEAR and chance_of(-beside * log(2), candidates) <= MOST_CHANCE
    together = close(b - a, shuffled[0] - a) or ((named or times) and 1 - kept > 2 * LEAST_BROKEN)
    return chance if chance <= MOST_CHANCE and (sharp or together) else None
