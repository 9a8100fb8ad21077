"""A column's own noisy histogram, refined where rows are: a tree of counts over its axis, as runs of positions.

A column's axis may hold 10^12 positions. Its histogram is refined level by level, from a few wide nodes down to single
positions: each level is one histogram over the children of the nodes that the level before found occupied, so that a
row is counted once a level (Hay et al. 2010; Cormode et al. 2012; Qardaji, Yang & Li 2013 on the branching). All that
is decided here looks at noisy counts only, which is post-processing.

What the tree finds becomes *leaves*: positions with many rows (spikes) by themselves, and between them runs over which
the counts do not differ from uniform ones by more than noise explains.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.encoding.axes import Axis, grid_points
from synthkit.generators.marginals.release import Releases
from synthkit.schema import Column

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FLAT = 64  # positions that one histogram holds without refinement, and the branching of the tree at most
OCCUPIED = 4.0  # standard deviations of noise above which a node is refined
DIFFERENT = 3.0  # standard deviations of noise by which two halves of a run must differ to be parted
MOST_NODES = 2_048  # refined a level
BLOCK = 1_000_000  # rows that are counted at once


@dataclass(frozen=True)
class Histogram:
    """A column's leaves with their noisy counts.

    Args:
        starts, counts: shape (leaves,); counts are float64, and may be negative.
        variances: of the noise in each count.
        end: positions of the axis, that of the missing values included.
    """

    starts: Array
    counts: Array
    variances: Array
    end: int


def levels_of(column: Column) -> int:
    """How many histograms a column's tree takes: from its declaration alone."""
    return max(1, math.ceil(math.log(max(1, grid_points(column))) / math.log(FLAT) - 1e-9))


def histogram(axis: Axis, positions: Array, levels: int, sigma: float, releases: Releases) -> Histogram:
    """The leaves of one column, from exactly ``levels`` releases.

    Args:
        positions: of every row, shape (rows,).
        sigma: of the noise of each release.
    """
    import numpy as np

    if not axis.continuous:
        counts = releases.histogram(np.bincount(positions, minlength=axis.size), sigma)
        return Histogram(np.arange(axis.size), counts, np.full(axis.size, sigma**2), axis.size)
    nodes = _tree(axis, positions, levels, sigma, releases)
    leaves: list[tuple[int, float, float]] = []
    _collect(nodes, 0, (0, axis.points, 0.0, math.inf), sigma, leaves)
    if axis.nullable:
        leaves.append((axis.points, float(nodes[0].missing), sigma**2))
    starts, counts, variances = (np.array(v) for v in zip(*leaves, strict=True))
    return Histogram(starts.astype(np.int64), counts.astype(np.float64), variances.astype(np.float64), axis.size)


@dataclass
class _Level:
    """One level of the tree: noisy counts of the children of its nodes.

    Args:
        starts: first position of each node, ascending.
        width: positions per child.
        counts: shape (nodes, children).
        missing: noisy count of missing values, on the first level.
    """

    starts: Array
    width: int
    counts: Array
    missing: float = 0.0


def _tree(axis: Axis, positions: Array, levels: int, sigma: float, releases: Releases) -> list[_Level]:
    import numpy as np

    branching = max(2, math.ceil(axis.points ** (1 / levels) - 1e-9))
    while branching**levels < axis.points:
        branching += 1
    found: list[_Level] = []
    starts = np.zeros(1, dtype=np.int64)
    missing = int(np.count_nonzero(positions >= axis.points))
    for level in range(levels):
        width = branching ** (levels - 1 - level)
        flat = np.zeros(len(starts) * branching, dtype=np.int64)
        for block in range(0, len(positions), BLOCK):
            values = positions[block : block + BLOCK]
            flat += _children(values[values < axis.points].astype(np.int64), starts, width, branching)
        # The missing values are one more cell of the first histogram; on the others every row is counted once at most.
        noisy = releases.histogram(np.append(flat, missing if level == 0 else 0), sigma)
        counts = noisy[:-1].reshape(len(starts), branching)
        found.append(_Level(starts, width, counts, float(noisy[-1])))
        if width == 1:
            break
        begin = starts[:, None] + width * np.arange(branching)
        heavy = (counts > OCCUPIED * sigma) & (begin < axis.points)
        order = np.argsort(-np.where(heavy, counts, -np.inf), axis=None, kind="stable")[: min(MOST_NODES, heavy.sum())]
        starts = np.sort(begin.reshape(-1)[order])
    return found


def _children(values: Array, starts: Array, width: int, branching: int) -> Array:
    """How many values are in each child of the nodes, one node behind the other; those outside all nodes are not."""
    import numpy as np

    node = np.searchsorted(starts, values, side="right") - 1
    child = (values - np.append(starts, 0)[node]) // width
    inside = (node >= 0) & (child < branching)
    return np.bincount((node * branching + child)[inside], minlength=len(starts) * branching)


def _collect(
    levels: Sequence[_Level],
    level: int,
    node: tuple[int, int, float, float],
    sigma: float,
    leaves: list[tuple[int, float, float]],
) -> None:
    """Leaves of one node, in ascending order.

    Args:
        node: its first position, its end, and the count and variance that its parent's level has for it (infinite
            variance where it has none). Its children are shifted to add up to the precision-weighted mean of both.
    """
    import numpy as np

    (start, end, total, variance), here = node, levels[level]
    children = min(here.counts.shape[1], math.ceil((end - start) / here.width))
    counts = here.counts[int(np.searchsorted(here.starts, start)), :children]
    own, summed = float(counts.sum()), children * sigma**2
    trust = summed / (summed + variance) if math.isfinite(variance) else 0.0
    counts = counts + trust * (total - own) / children if trust else counts
    left = 1 / (1 / summed + 1 / variance)  # the variance of the adjusted sum
    begins = start + here.width * np.arange(children + 1)
    refined = np.isin(begins[:-1], levels[level + 1].starts) if level + 1 < len(levels) else np.zeros(children, bool)
    i = 0
    while i < children:
        if refined[i]:
            inside = (int(begins[i]), min(end, int(begins[i + 1])), float(counts[i]), sigma**2)
            _collect(levels, level + 1, inside, sigma, leaves)
            i += 1
            continue
        j = i + int(np.argmax(np.append(refined[i:], True)))
        for a, b in _runs(counts[i:j], sigma):
            share = (b - a) / children
            noise = (b - a) * sigma**2 * (1 - share) + share**2 * left
            leaves.append((int(begins[i + a]), float(counts[i + a : i + b].sum()), noise))
        i = j


def _runs(counts: Array, sigma: float) -> list[tuple[int, int]]:
    """Cut [0, len) where the counts differ from uniform by more than noise: halves of halves, and single cells."""
    import numpy as np

    found: list[tuple[int, int]] = []

    def part(a: int, b: int) -> None:
        size = b - a
        if size > 1:
            mean = counts[a:b].mean()
            middle = (a + b) // 2
            tilt = abs(counts[a:middle].sum() - (middle - a) * mean) / (
                sigma * math.sqrt((middle - a) * (b - middle) / size)
            )
            peak = np.abs(counts[a:b] - mean).max() / sigma
            if tilt > DIFFERENT or peak > DIFFERENT + math.sqrt(2 * math.log(size)) / 2:
                part(a, middle)
                part(middle, b)
                return
        found.append((a, b))

    part(0, len(counts))
    return found
