"""Shares that are asked of drawn rows: how much likelier each value is made, so that about so many rows have it.

The chances of a value are multiplied by the same factor whoever the row belongs to, so odds between owners stay as they
were learnt: what is drawn is as near to the learnt distribution as shares like these allow (the I-projection of Csiszar
1975). What follows from a value in the same row, and in the rows after it, is drawn given that value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthkit.generators.functions import Share

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

NEVER = -8.0  # logarithm of the factor of a planned row whose value is not asked for
MOST = 40.0  # of a factor's logarithm, whatever an entity has of rows
STEP, SLOWER, FASTER = 0.7, 0.5, 1.2  # of a step towards the shares: at first, after one too far, after a short one


@dataclass
class Tilt:
    """The factors.

    Args:
        columns: numbers of the columns, in the order in which they are drawn.
        labels: the cells that are asked for, shape (labels, columns), each row once.
        parts: of each label, its share of the rows.
        of: the label of each share.
    """

    columns: tuple[int, ...]
    labels: Array
    parts: Array
    of: Array
    after: list[Array] = field(default_factory=list)
    factors: list[Array] = field(default_factory=list)
    steps: list[Array] = field(default_factory=list)
    past: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Cells before a column have a number where they are asked for; the last row of each array is of others."""
        import numpy as np

        for n in range(len(self.columns)):
            before = self._numbers(n)
            width = int(self.labels[:, n].max()) + 1
            after = np.full((int(before.max(initial=0)) + 2, width), -1)
            after[before, self.labels[:, n]] = self._numbers(n + 1)
            self.after.append(after)
            self.factors.append(np.zeros(after.shape))
            self.steps.append(np.full(after.shape, STEP))
            self.past.append(np.zeros(after.shape))

    def _numbers(self, n: int) -> Array:
        """Of each label, the number of its first ``n`` cells; of all of them, the label itself."""
        import numpy as np

        if n == len(self.columns):
            return np.arange(len(self.labels))
        return np.unique(self.labels[:, :n], axis=0, return_inverse=True)[1].reshape(-1)

    def begin(self, rows: int) -> Array:
        """The number of no cells, for so many rows."""
        import numpy as np

        return np.zeros(rows, dtype=np.int64)

    def go(self, n: int, before: Array, cells: Array) -> Array:
        """The number of the cells up to the ``n``-th column; -1 where they are not asked for."""
        import numpy as np

        after = self.after[n]
        known = cells < after.shape[1]
        return np.where(known, after[before, np.minimum(cells, after.shape[1] - 1)], -1)

    def more(self, n: int, before: Array, cells: int) -> Array:
        """Logarithms of the factors of the ``n``-th column's cells, shape (rows, cells); -inf: it is not asked for."""
        import numpy as np

        found = np.full((len(self.factors[n]), cells), -np.inf)
        width = min(cells, self.factors[n].shape[1])
        found[:, :width] = np.where(self.after[n] >= 0, self.factors[n], -np.inf)[:, :width]
        found[-1] = 0.0
        return found[before]

    def mean(self, n: int, cells: int) -> Array:
        """The factors of the ``n``-th column's cells whatever stands before it; :data:`NEVER`: not asked for."""
        import numpy as np

        weight = np.bincount(self._numbers(n), self.parts)
        found = np.full(cells, NEVER)
        width = min(cells, self.factors[n].shape[1])
        asked = np.asarray((self.after[n][:-1] >= 0).any(axis=0))[:width]
        means = (weight[:, None] * self.factors[n][:-1]).sum(axis=0)[:width] / weight.sum()
        found[:width] = np.where(asked, means, NEVER)
        return found

    def labelled(self, cells: Array) -> Array:
        """The label of each row of a table's cells; -1 where it has none."""
        found = self.begin(len(cells))
        for n, column in enumerate(self.columns):
            found = self.go(n, found, cells[:, column])
        return found

    def learn(self, labels: Array) -> None:
        """Take a step towards the shares, from the labels of rows that these factors gave."""
        import numpy as np

        seen = np.bincount(labels[labels >= 0], minlength=len(self.parts)) + 0.5 * self.parts
        for n in range(len(self.columns)):
            before, cell = self._numbers(n), self.labels[:, n]
            wanted, had = np.zeros(self.factors[n].shape), np.zeros(self.factors[n].shape)
            np.add.at(wanted, (before, cell), self.parts)
            np.add.at(had, (before, cell), seen)
            asked = wanted > 0
            with np.errstate(divide="ignore", invalid="ignore"):
                share, was = wanted / wanted.sum(axis=1, keepdims=True), had / had.sum(axis=1, keepdims=True)
                gap = np.where(asked, np.log(share) - np.log(was), 0.0)
            gap = np.where(np.isfinite(gap), gap, 0.0).clip(-3, 3)
            turned = gap * self.past[n] < 0
            self.steps[n] = np.where(turned, self.steps[n] * SLOWER, np.minimum(self.steps[n] * FASTER, 2.0))
            self.factors[n] += self.steps[n] * gap
            self.past[n] = gap


def tilt_of(columns: Sequence[int], cells: Array, shares: Sequence[Share]) -> Tilt:
    """The factors of shares, none yet.

    Args:
        columns: in the order in which they are drawn.
        cells: of each share, shape (shares, columns).
    """
    import numpy as np

    labels, of = np.unique(cells, axis=0, return_inverse=True)
    of = of.reshape(-1)
    parts = np.bincount(of, [s.part for s in shares], minlength=len(labels))
    return Tilt(tuple(columns), labels, parts, of)


@dataclass
class InRows:
    """The factors of rows' cells while they are drawn.

    Args:
        fields: the tilt's column of each field of a row that has one.
        start: of each entity, what is the same in all its rows.
    """

    tilt: Tilt
    fields: dict[int, int]
    start: Array
    before: Array = field(init=False)

    def begin(self, rows: int) -> None:
        """Begin the next row of the first so many entities."""
        self.before = self.start[:rows].copy()

    def more(self, i: int, cells: int) -> Array:
        """Logarithms of the factors of a field's cells."""
        return self.tilt.more(self.fields[i], self.before, cells)

    def drew(self, i: int, cells: Array) -> None:
        self.before = self.tilt.go(self.fields[i], self.before, cells)
