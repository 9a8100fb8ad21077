"""Columns cut into few cells, by what their noisy histograms found.

Leaves of a histogram make up the *cells* of the graphical model: of a continuous column about equally full, of a
categorical one the frequent values by themselves and the rare ones together. Within its cell, a leaf is drawn by its
noisy count. All this is post-processing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthkit.encoding.axes import Axis
from synthkit.encoding.cells import cells_of
from synthkit.generators.marginals.tree import Histogram

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SLACK = 0.6  # of leaves, where nobody sets it
RARE = 3.0  # standard deviations below which a category has no cell of its own (McKenna et al. 2021, MST)


@dataclass(frozen=True)
class Cut:
    """How one axis falls into leaves and cells.

    Args:
        starts: first position of each leaf, ascending from 0, shape (leaves,); the last leaf ends at ``end``.
        end: positions of the axis, that of the missing values included.
        cell: the cell of each leaf, shape (leaves,).
        weights: of each leaf within its cell, adding up to 1 in each, shape (leaves,).
        found: the noisy histogram that it is cut by, of a model that was just trained; files do not hold it.
    """

    starts: Array
    end: int
    cell: Array
    weights: Array
    found: Histogram | None = field(default=None, compare=False)

    @property
    def cells(self) -> int:
        return int(self.cell.max()) + 1

    @property
    def ends(self) -> Array:
        import numpy as np

        return np.append(self.starts[1:], self.end)

    def codes(self, positions: Array) -> Array:
        """The cell of each position."""
        import numpy as np

        return np.asarray(self.cell[np.searchsorted(self.starts, positions, side="right") - 1])

    def to_arrays(self) -> dict[str, Array]:
        import numpy as np

        return {"starts": self.starts, "end": np.array([self.end]), "cell": self.cell, "weights": self.weights}

    @staticmethod
    def from_arrays(arrays: Mapping[str, Array]) -> Cut:
        return Cut(arrays["starts"], int(arrays["end"][0]), arrays["cell"], arrays["weights"])


def cut(axis: Axis, found: Histogram, bins: int, least: float, slack: float = SLACK) -> Cut:
    """Leaves into cells.

    Args:
        bins: cells of a continuous column at most, about.
        least: noisy count that a cell should have.
        slack: of the leaves within a cell, as of the model's cells; greater draws them closer to each other.
    """
    import numpy as np

    solid = found.counts > np.maximum(least, RARE * np.sqrt(found.variances))
    cell = _bins(axis, found, bins, least, solid) if axis.continuous else _categories(found, solid)
    return Cut(found.starts, found.end, cell, _weights(found, cell, slack), found)


def noisy_counts(axes: Sequence[Axis], cuts: Sequence[Cut], column: str) -> tuple[tuple[float, ...], float]:
    """Of a categorical column, the counts that its histogram released for its values, and their noise (one sigma)."""
    axis, one = next((a, c) for a, c in zip(axes, cuts, strict=False) if a.name == column)
    assert one.found is not None, "the model was just trained"
    counts = one.found.counts[: axis.points]
    return tuple(counts.tolist()), math.sqrt(float(one.found.variances.max(initial=0.0)))


def _weights(found: Histogram, cell: Array, slack: float) -> Array:
    """Shares of each cell's leaves, by the rule that the cells themselves follow (:mod:`.estimate`).

    Of all positive counts p with the sum of the cell's noisy counts y, those that minimise
    slack / sigma * sum p log p + sum (y - p)² / (2 variance), with sigma the noise of a single position. None is 0: a
    projection onto counts of at least 0 would drop every leaf whose noise was below minus its count, and with a few
    rows at the end of a range the range itself.
    """
    import numpy as np
    from scipy.special import wrightomega

    total = np.bincount(cell, found.counts)
    leaves = np.bincount(cell)
    wanted = np.maximum(total, 1.0)
    soft = slack * found.variances / math.sqrt(float(found.variances.min()))

    def counts(shift: Array) -> Array:
        """The stationary point p + soft log p = y - soft shift, with one multiplier for each cell."""
        return np.asarray(soft * wrightomega(found.counts / soft - shift[cell] - np.log(soft)))

    def shift_of(count: Array) -> Array:
        """The largest multiplier at which a leaf of the cell has ``count``."""
        largest = np.full(len(total), -np.inf)
        np.maximum.at(largest, cell, (found.counts - count[cell]) / soft - np.log(count[cell]))
        return largest

    low, high = shift_of(wanted), shift_of(wanted / leaves)  # where one leaf has all; where none has more than its part
    for _ in range(60):  # halving, for all cells at once
        middle = (low + high) / 2
        much = np.bincount(cell, counts(middle)) > wanted
        low, high = np.where(much, middle, low), np.where(much, high, middle)
    kept = counts(high)
    return np.where((total > 0)[cell], kept / np.bincount(cell, kept)[cell], 1.0 / leaves[cell])


def _categories(found: Histogram, solid: Array) -> Array:
    """Frequent categories by themselves, the others together; with the least frequent one if they are too few."""
    import numpy as np

    cell = np.zeros(len(solid), dtype=np.int64)
    if not solid.any():
        return cell
    cell[solid] = np.arange(solid.sum())
    rare = ~solid
    if rare.any():
        noise = math.sqrt(float(found.variances[rare].sum()))
        if found.counts[rare].sum() > RARE * noise:
            cell[rare] = solid.sum()
        else:
            which = np.flatnonzero(solid)
            cell[rare] = cell[which[np.argmin(found.counts[which])]]
    return cell


def _bins(axis: Axis, found: Histogram, bins: int, least: float, solid: Array) -> Array:
    """Neighbouring leaves together until a cell is full; missing values by themselves, or with the last cell."""
    import numpy as np

    values = len(found.starts) - int(axis.nullable)
    counts = np.maximum(found.counts[:values], 0)
    most = int(max(1, min(bins, counts.sum() // max(least, 1))))
    cell = cells_of(counts, most) if counts.sum() else np.zeros(values, dtype=np.int64)
    cell = _joined(cell, counts, least)
    if axis.nullable:
        cell = np.append(cell, cell[-1] + 1 if solid[-1] else cell[-1])
    return cell


def _joined(cell: Array, counts: Array, least: float) -> Array:
    """Cells of fewer than ``least`` rows joined with their smaller neighbour."""
    import numpy as np

    starts = list(np.flatnonzero(np.diff(cell, prepend=-1)))
    mass = list(np.add.reduceat(counts, starts)) if len(counts) else []
    while len(mass) > 1:
        i = int(np.argmin(mass))
        if mass[i] >= least:
            break
        j = i - 1 if i == len(mass) - 1 or (i > 0 and mass[i - 1] <= mass[i + 1]) else i
        mass[j : j + 2] = [mass[j] + mass[j + 1]]
        del starts[j + 1]
    ends = np.append(starts[1:], len(counts)).astype(np.int64)
    return np.repeat(np.arange(len(starts)), ends - np.array(starts, dtype=np.int64))
