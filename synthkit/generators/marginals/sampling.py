"""Rows from a calibrated junction tree: the first clique, then each clique given what it shares with its parent.

Draws are stratified: the rows that share a separator's cell take the next cells in the proportion that the model gives
them, rounded at random without bias, rather than independently (systematic sampling; the rounding of McKenna, Sheldon &
Miklau 2019). Each row has the model's distribution, and a table's marginals lie closer to the model's than those of
independent rows do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.marginals.junction import Clique
from synthkit.generators.marginals.model import Model

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Step:
    """Draws ``new`` given ``known`` (columns drawn before).

    Args:
        cumulative: ascending, shape (cells of known * cells of new,): the running share within each cell of known,
            plus the number of that cell.
    """

    known: Clique
    new: Clique
    cumulative: Array
    cells: int


@dataclass(frozen=True)
class Sampler:
    sizes: tuple[int, ...]
    steps: tuple[Step, ...]

    def draw(self, rows: int, random: np.random.Generator) -> Array:
        """Cells of ``rows`` rows: int64, shape (columns, rows)."""
        import numpy as np

        found = np.zeros((len(self.sizes), rows), dtype=np.int64)
        for step in self.steps:
            group = np.zeros(rows, dtype=np.int64)
            for c in step.known:
                group = group * self.sizes[c] + found[c]
            position = np.searchsorted(step.cumulative, group + stratified(group, random), side="right")
            cell = np.minimum(position - group * step.cells, step.cells - 1)
            for c in reversed(step.new):
                cell, found[c] = np.divmod(cell, self.sizes[c])
        return found


def sampler_of(model: Model) -> Sampler:
    """Make a model ready to draw from. Its total must not be 0."""
    import numpy as np

    steps = []
    for i, clique in enumerate(model.tree.cliques):
        separator = model.tree.separator(i) if model.tree.parents[i] >= 0 else ()
        new = tuple(c for c in clique if c not in separator)
        table = np.transpose(model.tables[i], [clique.index(c) for c in (*separator, *new)])
        table = table.reshape(int(np.prod([model.sizes[c] for c in separator], dtype=np.int64)), -1)
        base = table.sum(axis=1, keepdims=True)
        # A cell of the separator without any count is never drawn; whatever stands there must only be a distribution.
        share = np.where(base > 0, table / np.where(base > 0, base, 1.0), 1 / table.shape[1])
        running = np.cumsum(share, axis=1)
        running = np.minimum(running / running[:, -1:], 1.0) + np.arange(len(table))[:, None]
        steps.append(Step(separator, new, running.reshape(-1), table.shape[1]))
    return Sampler(model.sizes, tuple(steps))


def stratified(group: Array, random: np.random.Generator) -> Array:
    """Uniform numbers in [0, 1), one per row, that are evenly spread among the rows of each group.

    Args:
        group: whole numbers from 0, shape (rows,).
    """
    import numpy as np

    order = np.argsort(group + random.random(len(group)))  # by group, at random within
    counts = np.bincount(group)
    sizes = counts[group[order]]
    first = (np.cumsum(counts) - counts)[group[order]]
    offset = random.random(len(counts))[group[order]]
    found = np.empty(len(group))
    found[order] = (np.arange(len(group)) - first + offset) / sizes
    return np.minimum(found, np.nextafter(1.0, 0.0))
