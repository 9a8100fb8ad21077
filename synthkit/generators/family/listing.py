"""Numbers of looked-up rows as the rows that name them repeat them: a price list, read off the lines.

A line's price is its product's. Were the few drawn products given prices of their own, these would stand in thousands
of lines, none of whose prices any real line has. So a drawn product takes a price that lines of enough people repeat,
with how many lines have it: that is near to the price and the number of lines that were drawn for it. Nothing is read
of products for it, and of products that were held out their lines say as much as of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

AGAIN = 5  # rows that name each looked-up row, on average: of fewer its numbers are not seen again and again
AGREED = 0.3  # of the rows that name one row lead to the same number there
ASSIGNED = 2_000  # rows up to which the best of all assignments is sought
FINE = 9  # decimals of a number that was divided


@dataclass(frozen=True)
class Listing:
    """What the rows that name looked-up rows say of these.

    Args:
        columns: fields of the table that is looked up.
        values: their numbers, shape (rows that are looked up, columns).
        loads: how many rows name each.
        rest: the most rows that name one of which nothing is said.
    """

    columns: tuple[int, ...]
    values: Array
    loads: Array
    rest: float


@dataclass(frozen=True)
class Follows:
    """A column that follows one of a looked-up row.

    Args:
        other: field of the other column.
        numbers: the column's own.
        few: the commonest ratios to the other one, or, where ``added``, the commonest distances from it.
    """

    other: int
    numbers: Array
    few: Array
    added: bool

    def bases(self, numbers: Array) -> Array:
        """What the other column may be, of each number, shape (rows, ratios)."""
        import numpy as np

        few = self.few if self.added else self.few[self.few != 0]
        apart = numbers[:, None] - few if self.added else numbers[:, None] / few
        return np.asarray(np.round(apart, FINE))


def listing_of(
    group: Array, units: Array, follows: Sequence[Follows], digits: Sequence[int], least: int
) -> Listing | None:
    """The numbers of the rows that are named; None where too few rows name each.

    Args:
        group: which row each row names, counted through; below 0: none.
        units: whose each row is, as numbers.
        digits: decimals that the other columns' numbers have; -1: any.
        least: units whose rows must agree.
    """
    import numpy as np

    some = np.flatnonzero(group >= 0)
    if not len(some):
        return None
    some = some[np.argsort(group[some], kind="stable")]
    names, starts = np.unique(group[some], return_index=True)
    if len(some) < AGAIN * len(names):
        return None
    values, loads, rest = [], [], 0
    for rows in np.split(some, starts[1:]):
        found = [_agreed(rows, units, f, d, least) for f, d in zip(follows, digits, strict=True)]
        if any(v is None for v in found):
            rest = max(rest, len(rows))
        else:
            values.append(found)
            loads.append(len(rows))
    if not values:
        return None
    columns = tuple(f.other for f in follows)
    said = np.array(values, dtype=np.float64), np.array(loads, dtype=np.float64)
    return Listing(columns, *said, float(rest))


def _agreed(rows: Array, units: Array, follows: Follows, digits: int, least: int) -> float | None:
    """The number that most of the rows lead to, if rows of enough units do."""
    import numpy as np

    known = rows[~np.isnan(follows.numbers[rows])]
    if not len(known):
        return None
    bases = follows.bases(follows.numbers[known])
    if digits >= 0:
        bases = np.round(bases, digits)
    # The number that most rows may come from; of several the one of which more have the commonest ratio.
    values, which = np.unique(bases, return_inverse=True)
    which = which.reshape(bases.shape)
    every, first = (np.bincount(w.reshape(-1), minlength=len(values)) for w in (which, which[:, 0]))
    best = float(values[np.lexsort((first, every))[-1]])
    agree = (bases == best).any(axis=1)
    enough = agree.sum() >= AGREED * len(known) and len(np.unique(units[known[agree]])) >= least
    return best if enough else None


def dealt(listing: Listing, numbers: Array, loads: Array, rng: np.random.Generator) -> Array:
    """Which of the listed rows each drawn one takes, -1: none.

    Args:
        numbers: of the drawn rows, in the columns of the listing, shape (rows, columns), NaN where missing.
        loads: how many rows were drawn to name each.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    free = np.flatnonzero(~np.isnan(numbers).any(axis=1))
    listed = rng.permutation(len(listing.loads))
    if len(listed) > len(free):
        listed = np.sort(listed[: len(free)])
    found = np.full(len(numbers), -1)
    if not len(free) or not len(listed):
        return found
    pairs = [(numbers[free, c], listing.values[listed, c]) for c in range(len(listing.columns))]
    if max(len(free), len(listed)) <= ASSIGNED:
        pairs.append((loads[free], listing.loads[listed]))
        cost = sum(np.abs(a[:, None] - b) for a, b in (_places(*pair, rng) for pair in pairs))
        rows, taken = linear_sum_assignment(cost)
    else:
        free = rng.permutation(free)[: len(listed)]
        rows = np.argsort(numbers[free, 0], kind="stable")
        taken = np.argsort(listing.values[listed, 0], kind="stable")
    found[free[rows]] = listed[taken]
    return found


def _places(drawn: Array, listed: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """The ranks of numbers of both among their own, from 0 to 1, ties in any order."""
    import numpy as np

    def ranks(values: Array) -> Array:
        mixed = rng.permutation(len(values))
        order = mixed[np.argsort(values[mixed], kind="stable")]
        found = np.empty(len(values))
        found[order] = (np.arange(len(values)) + 0.5) / len(values)
        return found

    return ranks(drawn), ranks(listed)
