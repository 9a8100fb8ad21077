"""What days the rows of a table fall on: weekdays and holidays that have none, and days that have more than others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SURE = 7.0  # rows that a weekday would have by chance where it has none
SURE_OF_DAY = 4.0  # the same of a single day: a mistake costs a day
ROUND = 28  # days before and after, whose rows say how many are usual
CLEAR = 4.0  # standard errors from which a kind of day has a weight of its own
CLEAR_DAY = 5.0  # the same of a single day, of which there are many
MOST = 12.0  # times the mean: a greater weight counts as that
SPAN = 20_000  # days at most that are looked at one by one
WEEKS = 8  # at least, for a calendar to show


def allowed_days(day: Array) -> Array | None:
    """The days on which there are rows, as far as the rows are enough to say so; None: on all.

    Args:
        day: of each row, days since 1970.
    """
    import numpy as np

    counts, every = _counted(day)
    if counts is None:
        return None
    weekday = weekday_of(every)
    per_weekday = np.bincount(weekday, counts, minlength=7)
    closed = per_weekday == 0 if len(day) / 7 >= SURE else np.zeros(7, dtype=bool)
    open_ = ~closed[weekday]
    usual = _usual(counts, open_)
    open_ &= (counts > 0) | (usual < SURE_OF_DAY)
    return None if open_.all() else every[open_]


def weights_of(day: Array, days: Array | None) -> tuple[Array | None, int]:
    """How many rows a day has beside those around it, for the allowed days or for all, as shares of the day that has
    most; and the first of all. None where all are alike."""
    import numpy as np

    counts, every = _counted(day)
    if counts is None:
        return None, 0
    origin = 0
    if days is not None:
        counts, every = counts[np.searchsorted(every, days)], days
    else:
        origin = int(every[0])
    usual = np.maximum(_usual(counts, np.ones(len(counts), dtype=bool)), 1e-9)
    weight = np.ones(len(counts))
    month = every.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    last = np.append(month[1:] != month[:-1], False)
    first = np.append(False, month[1:] != month[:-1])
    for kind in (weekday_of(every), last.astype(np.int64), first.astype(np.int64)):
        found, expected = np.bincount(kind, counts), np.bincount(kind, usual * weight)
        clear = np.abs(found - expected) > CLEAR * np.sqrt(expected + 1)
        factor = np.where(clear, (found + 1) / (expected + 1), 1.0)
        weight *= factor[kind]
    wanted = usual * weight
    clear = np.abs(counts - wanted) > CLEAR_DAY * np.sqrt(wanted + 1)
    weight = np.where(clear, (counts + 0.5) / (usual + 0.5), weight)
    if (weight == 1).all():
        return None, 0
    return np.minimum(weight / min(weight.max(), MOST * weight.mean()), 1.0), origin


def _counted(day: Array) -> tuple[Array | None, Array]:
    """Rows of each day from the first to the last; None where these are too few weeks, or too many."""
    import numpy as np

    low, high = (int(day.min()), int(day.max())) if len(day) else (0, 0)
    if not 7 * WEEKS <= high - low <= SPAN:
        return None, np.zeros(0, dtype=np.int64)
    return np.bincount(day - low, minlength=high - low + 1).astype(np.float64), np.arange(low, high + 1)


def _usual(counts: Array, among: Array) -> Array:
    """Rows of a day on average, among the days around it."""
    import numpy as np

    def around(values: Array) -> Array:
        total = np.cumsum(np.append(0.0, values))
        at = np.arange(len(values))
        return np.asarray(total[np.minimum(at + ROUND + 1, len(values))] - total[np.maximum(at - ROUND, 0)])

    return np.asarray(around(np.where(among, counts, 0.0)) / np.maximum(around(among.astype(np.float64)), 1.0))


def weekday_of(day: Array) -> Array:
    """0 for Monday."""
    import numpy as np

    return np.asarray(np.mod(day + 3, 7))
