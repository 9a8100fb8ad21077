"""The joint sampling error of many shares at once, and what it makes of sums of absolute differences.

Rows are dealt at random into 64 groups per side, and each share's counts are taken by group. A draw weights the
groups with normal multipliers: a multiplier bootstrap (van der Vaart & Wellner 1996, ch. 2.9) over means of groups. Its
covariance is the unbiased one with 63 degrees of freedom, and a factor that a draw's multipliers share makes the error
Student's t with as many. The same multipliers serve all columns and all pairs of columns, so that a mean over pairs has
its own error, and a draw costs a product of small matrices however many rows there are.

A sum of absolute differences Σ w·|p − q| (total variation, Wasserstein's distance, a mean of differences) is no smooth
function where p = q, and the plain bootstrap fails there. Its directional derivative (Fang & Santos 2019, Rev. Econ.
Stud. 86, 377–412) is taken instead: |error| where the difference lies within two standard errors of 0, and
sign(p − q)·error elsewhere. The lower end of the interval so reaches 0 where nothing differs. The upper end takes
sign(p − q)·error throughout: a difference within two standard errors of 0 may well be one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.measures.distances import Distance

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

GROUPS = 64
DRAWS = 1000
CAUTION = 0.8  # of a level: of 150 rows, noise exceeds what 5 % of the draws do in 6 % (calibration, 1,000 repetitions)
CONTACT = 2.0  # standard errors within which a difference may be none


@dataclass(frozen=True)
class Groups:
    """The group of each row of a side, and the multipliers: shapes (rows,) and (DRAWS, groups)."""

    of_row: Array
    multipliers: Array

    def table(self, codes: Array, size: int) -> Array:
        """Counts by group and code: shape (groups, size)."""
        import numpy as np

        groups = self.multipliers.shape[1]
        where = self.of_row * np.int32(size) + codes
        return np.bincount(where, minlength=groups * size).reshape(groups, size)

    def error(self, table: Array) -> Array:
        """Draws of the error of the shares that the table's sums are of all rows: shape (DRAWS, size)."""
        import numpy as np

        groups = len(table)
        rows = np.bincount(self.of_row, minlength=groups)
        apart = (table - np.outer(rows / max(1, len(self.of_row)), table.sum(axis=0))).astype(np.float32)
        drawn: Array = self.multipliers @ apart
        return drawn * np.float32(np.sqrt(groups / max(1, groups - 1)) / max(1, len(self.of_row)))


def groups(context: AuditContext, side: Side) -> Groups:
    """The groups of a side, dealt once per model."""
    return context.shared(("groups", side), lambda: deal(context.rows(side), context.rng("groups", side)))


def deal(rows: int, rng: Any) -> Groups:
    """Rows dealt into groups of the same size (but for one row), at random."""
    import numpy as np

    count = min(GROUPS, max(2, rows))
    of_row = rng.permutation(np.arange(rows, dtype=np.int32) % count)
    normal = rng.standard_normal((DRAWS, count), dtype=np.float32)
    freedom = count - 1
    spread = np.sqrt(freedom / rng.chisquare(freedom, (DRAWS, 1))).astype(np.float32)
    return Groups(of_row, normal * spread)


@dataclass(frozen=True)
class Draws:
    """A measure with draws of its error, each of shape (DRAWS,).

    Args:
        contact: where what may be no difference is none: for the lower end.
        signed: where every difference is what it seems: for the upper end.
        none: the measure itself, were there no difference at all.
    """

    value: float
    contact: Array
    signed: Array
    none: Array

    def distance(self, alpha: float = 0.05, most: float = 1.0) -> Distance:
        """With its 95 % interval, and what noise alone exceeds with probability ``alpha``."""
        import numpy as np

        low = max(0.0, self.value - float(np.quantile(self.contact, 0.975)))
        high = min(most, self.value - float(np.quantile(self.signed, 0.025)))
        # Of B draws like the measure itself, it exceeds the k-th smallest with probability 1 - k / (B + 1).
        rank = min(len(self.none), math.ceil((1 - alpha * CAUTION) * (len(self.none) + 1)))
        noise = float(np.partition(self.none, rank - 1)[rank - 1])
        return Distance(self.value, min(low, self.value), max(high, self.value), noise)


def gaps(difference: Array, error: Array, weights: Array | float = 1.0) -> Draws:
    """Σ weights·|difference| with its error.

    Args:
        difference: shape (size,).
        error: draws of its sampling error, shape (DRAWS, size).
        weights: one for all, or shape (size,).
    """
    import numpy as np

    column = np.broadcast_to(np.asarray(weights, dtype=float), difference.shape)
    size, signed = np.abs(error), error * np.sign(difference).astype(error.dtype)
    contact = np.abs(difference) <= CONTACT * error.std(axis=0)
    return Draws(
        float(np.abs(difference) @ column),
        np.where(contact, size, signed) @ column,
        signed @ column,
        size @ column,
    )


def largest(difference: Array, error: Array, reach: float) -> Draws:
    """max |difference| with its error, where all within ``reach`` of the largest may truly be it."""
    import numpy as np

    if not len(difference):
        nothing = np.zeros(len(error))
        return Draws(0.0, nothing, nothing, nothing)
    at = int(np.abs(difference).argmax())
    value = float(abs(difference[at]))
    up, down = difference >= value - reach, -difference >= value - reach
    candidates = np.concatenate([error[:, up], -error[:, down]], axis=1)
    sign = 1.0 if difference[at] >= 0 else -1.0
    return Draws(value, candidates.max(axis=1), sign * error[:, at], np.abs(error).max(axis=1))


def mean(parts: list[Draws]) -> Draws:
    """The mean of several measures of the same rows; their errors go together as they do in the rows."""
    import numpy as np

    return Draws(
        float(np.mean([p.value for p in parts])),
        np.mean([p.contact for p in parts], axis=0),
        np.mean([p.signed for p in parts], axis=0),
        np.mean([p.none for p in parts], axis=0),
    )
