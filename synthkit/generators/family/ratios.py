"""Numbers that are a part of another row's: the whole of a list price, nine tenths of it for those with a discount."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

TIED = 0.3  # share of the rows that have one of a few ratios, beyond chance, from which a number is learnt as one
EACH = 0.02  # of the rows have a ratio that counts,
FEWEST = 10  # and so many rows
MOST = 8  # ratios
SEVERAL = 3  # values of the other number with which each is found: of a few rows any number has a ratio to any other
TRIED = 60
SHOWN = 20_000  # rows by which ratios are found
FINE = 3  # decimals of a ratio
DECIMALS = 6  # of a number, at most
NARROW = 0.25  # of the spread of the number: that of its ratio, where no few ratios are the commonest
DIFFERENT = 20  # values of a number, from which that is asked
SLACK = 1e-9
SHIFTS = (0.93, 0.97, 1.03, 1.08)  # of ratios to others beside them


@dataclass(frozen=True)
class Part:
    """How a number is a part of another.

    Args:
        apart: the ratio in each row, NaN where there is none; exactly one of the few where the number is that.
        digits: decimals that the product is rounded to; -1: none.
        score: share of the rows that have one of the few ratios.
        few: the ratios, the commonest first.
    """

    apart: Array
    digits: int
    score: float
    few: Array


def part_of(column: Array, other: Array, both: Array, seed: int, units: Array, least: int) -> Part | None:
    """The ratios of a column to another one; None where they tell nothing.

    They are few: the share of rows that have one of them is more (Cohen's kappa) than where the other column's values
    are dealt out anew among the rows, and than the share that has some ratio beside them: of numbers so small that
    rounding makes any ratio of them no ratio tells anything. Or they are near to one another, where the column's values
    are not.

    Args:
        both: rows that have both numbers.
        seed: of what is dealt out.
        units: whose each row is, as numbers.
        least: units that have each of the few ratios.
    """
    import numpy as np

    rows = np.flatnonzero(both & (other != 0))  # what is nothing of nothing has any ratio
    if len(rows) < 0.9 * (both & ((other != 0) | (column != 0))).sum() or not len(rows) or np.ptp(other[rows]) == 0:
        return None
    rng = np.random.default_rng(seed)
    some = rows if len(rows) <= SHOWN else rng.choice(rows, SHOWN, replace=False)
    digits = decimals(column[both])
    few = _few(column[some], other[some], digits, units[some], least)
    apart = np.full(len(column), np.nan)
    apart[rows] = column[rows] / other[rows]
    tied = _tied(column[some], other[some], few, digits)
    share, by_chance = float((tied >= 0).mean()), 0.0
    for ratios, numbers in [(few, rng.permutation(other[some])), *((few * shift, other[some]) for shift in SHIFTS)]:
        by_chance = max(by_chance, float((_tied(column[some], numbers, ratios, digits) >= 0).mean()))
    if few.size and beyond_chance(share, by_chance):
        at = _tied(column[rows], other[rows], few, digits)
        apart[rows] = np.where(at >= 0, few[np.maximum(at, 0)], apart[rows])
        return Part(apart, digits, share, few)
    return Part(apart, digits, share, few[:0]) if _close(column[some], other[some]) else None


def several(values: Array) -> bool:
    """Whether there are so many values that what they have in common is no accident of one of them."""
    import numpy as np

    return len(np.unique(values)) >= SEVERAL


def beyond_chance(share: float, chance: float) -> bool:
    """Whether a share is more than one that chance gives (Cohen's kappa)."""
    return share - chance >= TIED * (1 - chance) and share > chance


def decimals(values: Array) -> int:
    """Decimals that all values have at most; -1: more than ``DECIMALS``."""
    import numpy as np

    for digits in range(DECIMALS + 1):
        if (np.abs(np.round(values, digits) - values) <= SLACK * np.maximum(1, np.abs(values))).all():
            return digits
    return -1


def _few(column: Array, other: Array, digits: int, units: Array, least: int) -> Array:
    """The ratios that most rows have, one after another, each of those that have none so far, and of ``least`` units
    at least; 1 comes first."""
    import numpy as np

    values, counts = np.unique(np.round(column / other, FINE), return_counts=True)
    tried = values[np.argsort(-counts, kind="stable")[:TRIED]]
    coarse = np.unique(np.round(tried, FINE - 1))
    tried = np.unique(np.concatenate([[1.0], tried, coarse[coarse != 0]]))
    left, fewest = np.ones(len(column), dtype=bool), max(FEWEST, EACH * len(column))
    found: list[float] = []
    every = [(c, _is(column, other, c, digits)) for c in tried.tolist()]
    every = [(c, hit) for c, hit in every if several(other[hit])]
    if not every:
        return np.zeros(0)
    tried, hits = np.array([c for c, _ in every]), np.stack([hit for _, hit in every])
    while len(found) < MOST:
        many = (hits & left).sum(axis=1)
        best = many.max()
        if best < fewest:
            break
        # Of ratios that say the same of the rows the plainest: 0.9 rather than 0.899.
        alike = np.flatnonzero(many == best)
        pick = min(alike.tolist(), key=lambda i: (decimals(tried[i : i + 1]), abs(tried[i] - 1)))
        if len(np.unique(units[hits[pick] & left])) < least:
            hits[pick] = False
            continue
        found.append(float(tried[pick]))
        left &= ~hits[pick]
    return np.array(found)


def _is(column: Array, other: Array, ratio: float, digits: int) -> Array:
    """In which rows the one is this part of the other, but for rounding."""
    import numpy as np

    slack = SLACK * np.maximum(1, np.abs(column)) + (0.0 if digits < 0 else 0.5 * 10.0**-digits)
    return np.asarray(np.abs(other * ratio - column) <= slack)


def _tied(column: Array, other: Array, few: Array, digits: int) -> Array:
    """Which of a few ratios each row has, the first of several; -1: none."""
    import numpy as np

    found = np.full(len(column), -1)
    for i in reversed(range(len(few))):
        found[_is(column, other, float(few[i]), digits)] = i
    return found


def _close(column: Array, other: Array) -> bool:
    """Whether ratios differ much less than the column's values do."""
    import numpy as np

    if (column <= 0).any() or (other <= 0).any() or len(np.unique(column)) < DIFFERENT:
        return False
    if len(np.unique(other)) < DIFFERENT:
        return False
    wide, narrow = (float(np.subtract(*np.percentile(np.log(v), [75, 25]))) for v in (column, column / other))
    return wide > 0 and narrow <= NARROW * wide
