"""Which row a key names that owns nothing: drawn by what it is like, and dealt by how many it is planned to have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.columns import Field

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

CANDIDATES = 32  # rows that are compared for each one looked up
RENEWED = 0.02  # of the rows there: after so many are dealt, the loads left are added up again
SHORT = 64  # rows that are all compared, where it is learnt which one is named
LEFT_OVER = 0.02  # weight of a row whose load is dealt already


@dataclass
class Deck:
    """The rows of a table that may be named.

    Args:
        fields, cells: of these rows.
        loads: how many times each is to be named.
        group: the owner of each, where a row must be named from within its owner's; None: from anywhere.
        once: whether a row is named once at most.
        weights: how much it counts that a row differs in each field; none: all alike.
    """

    fields: tuple[Field, ...]
    cells: Array
    loads: Array
    group: Array | None = None
    once: bool = False
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        import numpy as np

        self.used = np.zeros(len(self.cells))
        self.dealt = np.inf
        if self.group is not None:
            self.order = np.argsort(self.group, kind="stable")
            self.sorted = self.group[self.order]

    def find(self, wanted: Array, group: Array | None, taken: Array, rng: np.random.Generator) -> Array:
        """A row for each of the wanted cells, shape (rows, fields); -1 where there is none.

        Args:
            group: the owner of each row that looks, where that matters.
            taken: rows that each may not name, shape (rows, some), -1 for none.
        """
        import numpy as np

        size = len(wanted)
        if not len(self.cells) or not size:
            return np.full(size, -1)
        most = CANDIDATES if self.cells.shape[1] or taken.shape[1] or self.once else 1
        if group is not None and self.group is not None:
            low = np.searchsorted(self.sorted, group, side="left")
            many = np.searchsorted(self.sorted, group, side="right") - low
            at = low[:, None] + np.floor(rng.random((size, most)) * many[:, None]).astype(np.int64)
            rows = np.where(many[:, None] > 0, self.order[np.minimum(at, len(self.order) - 1)], -1)
        else:
            rows = self._dealt(rng.random((size, most)))
        if self.group is None and not self.once and len(self.cells) <= SHORT and self.weights:
            rows = np.tile(np.arange(len(self.cells)), (size, 1))
        cost = unlike(self.fields, self.cells, wanted, rows, self.weights)
        if len(self.cells) <= SHORT and self.weights:  # of those alike one by their loads
            cost += 1e-6 * rng.exponential(size=cost.shape) / (self.loads[rows] / max(1e-9, self.loads.max()) + 1e-3)
        for k in range(taken.shape[1]):
            cost[rows == taken[:, k : k + 1]] = np.inf
        cost[rows < 0] = np.inf
        if self.once:
            return self._once(rows, cost, rng)
        best = cost.argmin(axis=1)
        found = np.where(np.isfinite(cost[np.arange(size), best]), rows[np.arange(size), best], -1)
        for i in np.flatnonzero(found < 0):
            found[i] = self._any(group[i] if group is not None else None, taken[i], rng)
        np.add.at(self.used, found[found >= 0], 1)
        self.dealt += int((found >= 0).sum())
        return found

    def _dealt(self, uniform: Array) -> Array:
        """Rows with chances in proportion to the loads left."""
        import numpy as np

        if self.dealt > RENEWED * len(self.cells):
            left = np.maximum(self.loads - self.used, LEFT_OVER * self.loads + 1e-9)
            if self.once:
                left = np.where(self.used > 0, 0.0, np.maximum(left, 1e-6))
            self.ends, self.dealt = np.cumsum(left), 0
        at = np.searchsorted(self.ends, uniform * self.ends[-1], side="right")
        return np.asarray(np.minimum(at, len(self.cells) - 1))

    def _once(self, rows: Array, cost: Array, rng: np.random.Generator) -> Array:
        """One after the other, as a row that is named is named no more."""
        import numpy as np

        found = np.full(len(rows), -1)
        for i in range(len(rows)):
            free = np.where(self.used[np.maximum(rows[i], 0)] > 0, np.inf, cost[i])
            best = int(free.argmin())
            if np.isfinite(free[best]):
                found[i] = rows[i, best]
            else:
                left = np.flatnonzero(self.used == 0)
                if not len(left):
                    break
                found[i] = left[int(rng.integers(len(left)))]
            self.used[found[i]] = 1
        self.dealt = np.inf
        return found

    def _any(self, group: Any, taken: Array, rng: np.random.Generator) -> int:
        """Any row that may be named still; -1: there is none."""
        import numpy as np

        free = np.arange(len(self.cells))
        if group is not None and self.group is not None:
            free = free[self.group == group]
        free = free[~np.isin(free, taken)]
        return int(free[int(rng.integers(len(free)))]) if len(free) else -1


def unlike(fields: Sequence[Field], cells: Array, wanted: Array, rows: Array, weights: Sequence[float] = ()) -> Array:
    """How much each candidate, shape (rows, candidates), differs from what is wanted, shape (rows, fields)."""
    import numpy as np

    cost = np.zeros(rows.shape)
    for j, field in enumerate(fields):
        there, here = cells[np.maximum(rows, 0), j], wanted[:, j : j + 1]
        apart = np.minimum(1.0, 2 * np.abs(there - here) / field.cells) if field.numeric else there != here
        cost += (weights[j] if weights else 1.0) * apart
    return cost
