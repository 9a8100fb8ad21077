"""Which values of a numeric column are given out as they are, and what stands for the others.

A value that at least ``min_count`` people hold is *common*, and comes back as it is. The others are pooled: neighbours
together, until a pool has ``min_count`` people, and what comes back is any point of the column's grid within the pool,
each equally likely, whether somebody holds it or not. So no number, date or moment is given out because fewer people
hold it: the range of a pool is known of a group of at least ``min_count`` (the idea of microaggregation: Domingo-Ferrer
& Mateo-Sanz 2002, "Practical data-oriented microaggregation for statistical disclosure control"). Where too few people
are left for a pool, they come back as the nearest value that is given out; and so do those between common values of a
column that is mostly common, where a value in between would look like none of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from synthkit.encoding.cells import Bins, Values, cells_of
from synthkit.schema import MIN_COUNT

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOSTLY = 0.9  # of the rows hold common values: the column is a list of them
REACH = 2.0  # the widest of five gaps of values at random is 2.3 times as wide as their mean
POOLS = 1_000  # of a column, about: beyond it a pool takes in more people


def fit_bins(values: Values, *, most: int, min_count: int = MIN_COUNT, fewer: bool = False) -> Bins:
    """Cells of about equal numbers of rows; a common value that fills a cell on its own becomes a spike.

    Args:
        most: cells at most, about.
        min_count: people who hold a value that comes back as it is.
        fewer: whether there are fewer cells where people are few, so that each has enough of them; else all are joined.
    """
    import numpy as np

    every, values = values, _outlined(values, min_count)
    common = values.people >= min_count
    few = len(values.positions) <= most
    if fewer:
        most = min(most, max(2, int(values.people.sum()) // (min_count + 1)))
    spike = common & (few | (values.rows >= values.rows.sum() / most))
    cell = _joined(cells_of(values.rows, most, spike), spike, common, values, min_count)
    ends = np.append(np.flatnonzero(np.diff(cell)), len(cell) - 1)
    starts = np.append(0, ends[:-1] + 1)
    least, highest, of = [], [], []
    for number, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        if spike[start]:
            pieces = [(values.positions[start], values.positions[start])]
        else:
            pieces = list(_pieces(values, common, start, end, min_count, len(starts)))
        least += [low for low, _ in pieces]
        highest += [high for _, high in pieces]
        of += [number] * len(pieces)
    return _bins(every, np.array(least), np.array(highest), np.array(of))


def _outlined(values: Values, min_count: int) -> Values:
    """Of a column that is mostly common: its common values, and those beyond the least and the greatest of them."""
    import numpy as np

    common = values.people >= min_count
    if not common.any() or values.rows[common].sum() < MOSTLY * values.rows.sum():
        return values
    first, last = np.flatnonzero(common)[[0, -1]]
    kept = common.copy()
    kept[:first] = kept[last + 1 :] = True
    units = values.units
    if units is not None:
        units = units[kept[units[:, 0]]]
        units = np.stack([(np.cumsum(kept) - 1)[units[:, 0]], units[:, 1]], axis=1)
    return Values(values.positions[kept], values.rows[kept], values.people[kept], values.rounded, units)


def _bins(values: Values, low: Array, high: Array, of: Array) -> Bins:
    """The pieces with the shares of the rows that fall to them; cells without any are left out."""
    import numpy as np

    point = low == high
    draft = Bins(np.arange(len(low) + 1.0), low, high, point, np.ones(len(low), dtype=bool), values.rounded)
    piece, _ = draft.pieces(values.positions)
    rows = np.bincount(piece, values.rows, minlength=len(low))
    kept = rows > 0
    low, high, point, rows = low[kept], high[kept], point[kept], rows[kept]
    _, of = np.unique(of[kept], return_inverse=True)
    total = np.bincount(of, rows)
    before = np.cumsum(rows) - rows
    first = np.append(0, np.flatnonzero(np.diff(of)) + 1)
    axis = of + (before - before[first][of]) / total[of]
    several = np.bincount(of) > 1
    several[of[~point]] = True
    return Bins(np.append(axis, float(len(total))), low, high, point, several, values.rounded)


def _joined(cell: Array, spike: Array, common: Array, values: Values, min_count: int) -> Array:
    """Cells whose values are too few people's joined with the next ones, up to the spikes that border them."""
    import numpy as np

    starts = np.flatnonzero(np.diff(cell, prepend=-1)).tolist()
    ends = [*(s - 1 for s in starts[1:]), len(cell) - 1]
    kept: list[int] = []  # first values of the cells that stay
    opened = False  # whether the last of them has too few people
    for start, end in zip(starts, ends, strict=True):
        if spike[start]:
            kept.append(start)
            opened = False
            continue
        rare = ~common[start : end + 1]
        whole = not rare.any() or values.united(start, end, ~common) >= min_count
        free = bool(kept) and not spike[kept[-1]] and start > 0 and not spike[start - 1]
        if free and (opened or not whole):
            opened = values.united(kept[-1], end, ~common) < min_count
        else:
            kept.append(start)
            opened = not whole
    return np.searchsorted(np.array(kept), np.arange(len(cell)), side="right") - 1


def _pieces(
    values: Values, common: Array, start: int, end: int, min_count: int, cells: int
) -> Iterator[tuple[float, float]]:
    """(least, greatest) position of what comes back from a cell: its common values, and the pools of the others."""
    import numpy as np

    inside = np.arange(start, end + 1)
    for i in inside[common[inside]]:
        yield values.positions[i], values.positions[i]
    rare = inside[~common[inside]]
    too_few = values.united(start, end, ~common) < min_count
    if not len(rare) or (too_few and len(rare) < len(values.positions)):
        return
    wanted = max(min_count, int(values.rows[rare].sum() * cells // POOLS))
    groups = _groups(values, rare, ~common, wanted, min_count)
    at = values.positions
    for number, (first, last) in enumerate(groups):
        low, high = at[first], at[last]
        # A pool reaches half-way to the next one, up to REACH times as far as its own values lie apart: it was cut at
        # the widest gap of several, and were that left out, what nobody holds would come back too rarely.
        reach = (high - low) / max(1, np.count_nonzero((rare >= first) & (rare <= last)) - 1)
        if number:
            low = max((at[groups[number - 1][1]] + low) / 2, low - REACH * reach)
        if number + 1 < len(groups):
            high = min((at[groups[number + 1][0]] + high) / 2, high + REACH * reach)
        yield (np.ceil(low), np.floor(high)) if values.rounded else (low, high)


def _groups(values: Values, rare: Array, among: Array, wanted: int, min_count: int) -> list[tuple[int, int]]:
    """The first and the last value of each pool: cut at the widest gap once ``wanted`` people are together."""
    import numpy as np

    reached = np.cumsum(values.people[rare])
    gaps = np.append(np.diff(values.positions[rare]), np.inf)
    found: list[tuple[int, int]] = []
    start, before, end = 0, 0, len(rare) - 1
    while start <= end:
        cut = end
        if reached[-1] - before >= 2 * wanted:
            first, last = np.searchsorted(reached, [before + wanted, before + 2 * wanted])
            cut = int(first + np.argmax(gaps[first : min(last, end - 1) + 1]))
        if reached[-1] - reached[cut] < wanted:
            cut = end
        found.append((int(rare[start]), int(rare[cut])))
        start, before = cut + 1, int(reached[cut])
    if values.units is None:
        return found
    joined: list[tuple[int, int]] = []
    for first, last in found:  # several values of one person are one person
        if joined and values.united(*joined[-1], among) < min_count:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    if len(joined) > 1 and values.united(*joined[-1], among) < min_count:
        joined[-2:] = [(joined[-2][0], joined[-1][1])]
    return joined
