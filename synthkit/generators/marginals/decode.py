"""Cells back to rows: a leaf of the cell by its noisy count, a position of the leaf, a value of the position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.generators.marginals.cuts import Cut
from synthkit.generators.marginals.sampling import stratified

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def positions_of(cut: Cut, cells: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """Positions drawn within cells, and where in its step each value lies (nan: it is a spike): shape (rows,) each."""
    import numpy as np

    order = np.argsort(cut.cell, kind="stable")
    sizes = np.bincount(cut.cell)
    first = np.cumsum(sizes) - sizes
    running = np.cumsum(cut.weights[order])
    below = np.concatenate([[0.0], running])[first]
    u = stratified(cells, random)
    total = np.add.reduceat(cut.weights[order], first)
    position = np.searchsorted(running, below[cells] + u * total[cells], side="right")
    leaf = order[np.clip(position, first[cells], (first + sizes - 1)[cells])]
    start, end = cut.starts[leaf], cut.ends[leaf]
    inside = (stratified(leaf, random) * (end - start)) if len(leaf) else np.zeros(0)
    step = np.minimum(inside.astype(np.int64), end - start - 1)
    inner = np.where(end - start == 1, np.nan, inside - step)
    return start + step, inner
