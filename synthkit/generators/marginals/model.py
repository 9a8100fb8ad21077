"""A graphical model as a calibrated junction tree: a table of counts per clique that agree on what they share.

Tables hold expected counts, not logarithms: a message is one sum and one product over a table (the HUGIN form; Jensen,
Lauritzen & Olesen 1990), so that a fit of hundreds of sweeps takes seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.marginals.junction import Clique, JunctionTree

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass
class Model:
    """p(columns) in proportion to the product of cliques over the product of separators.

    Args:
        tree: the cliques.
        sizes: cells of each column.
        tables: float64 counts of each clique, one axis per column of it.
        shared: float64 counts of each clique's separator with its parent (shape () for the first).
    """

    tree: JunctionTree
    sizes: tuple[int, ...]
    tables: list[Array]
    shared: list[Array]

    @property
    def total(self) -> float:
        return float(self.tables[0].sum())

    def absorb(self, source: int, target: int) -> None:
        """Pass what ``source`` knows to its neighbour ``target``: afterwards both agree on their separator."""
        child = source if self.tree.parents[source] == target else target
        separator = self.tree.separator(child)
        fresh = marginal(self.tables[source], self.tree.cliques[source], separator)
        old = self.shared[child]
        ratio = fresh / _nonzero(old) * (old > 0)
        self.tables[target] *= spread(ratio, separator, self.tree.cliques[target])
        self.shared[child] = fresh

    def calibrate(self) -> None:
        """Make all tables agree, by one pass to the first clique and one back."""
        order = range(1, len(self.tree.cliques))
        for i in reversed(order):
            self.absorb(i, self.tree.parents[i])
        for i in order:
            self.absorb(self.tree.parents[i], i)

    def marginal(self, columns: Sequence[int]) -> Array | None:
        """Expected counts of ``columns`` (ascending) where one clique holds them all; else None."""
        home = self.tree.home(columns, self.sizes)
        return None if home is None else marginal(self.tables[home], self.tree.cliques[home], columns)

    def given(self, cells: Mapping[int, int]) -> Model:
        """The model of the rows in these cells: same shapes, no count elsewhere. Its total may be 0."""
        import numpy as np

        tables = [t.copy() for t in self.tables]
        for column, cell in cells.items():
            home = self.tree.home([column], self.sizes)
            assert home is not None
            mask = np.zeros(self.sizes[column])
            mask[cell] = 1.0
            tables[home] *= spread(mask, (column,), self.tree.cliques[home])
        found = Model(self.tree, self.sizes, tables, [s.copy() for s in self.shared])
        found.calibrate()
        return found


def from_logs(tree: JunctionTree, sizes: Sequence[int], logs: Sequence[Array], total: float) -> Model:
    """The model exp(sum of ``logs``), one log-potential per clique, scaled to ``total`` rows."""
    import numpy as np

    tables = [np.exp(v - v.max()) for v in logs]
    shared = [np.ones(tuple(sizes[c] for c in tree.separator(i)) if p >= 0 else ()) for i, p in enumerate(tree.parents)]
    model = Model(tree, tuple(sizes), tables, shared)
    for i in reversed(range(1, len(tables))):
        model.absorb(i, tree.parents[i])
        model.tables[tree.parents[i]] /= max(model.tables[tree.parents[i]].max(), 1e-300)
    model.tables[0] *= total / model.tables[0].sum()
    for i in range(1, len(tables)):
        model.absorb(tree.parents[i], i)
    return model


def marginal(table: Array, clique: Clique, columns: Sequence[int]) -> Array:
    """Sum a clique's table onto ``columns`` (ascending)."""
    import numpy as np

    wanted = set(columns)
    axes = tuple(i for i, c in enumerate(clique) if c not in wanted)
    return np.asarray(table.sum(axis=axes)) if axes else table


def spread(values: Array, columns: Sequence[int], clique: Clique) -> Array:
    """Reshape an array over ``columns`` (ascending) so that it broadcasts over a clique's table."""
    held = iter(values.shape)
    wanted = set(columns)
    return values.reshape(tuple(next(held) if c in wanted else 1 for c in clique))


def _nonzero(values: Array) -> Array:
    import numpy as np

    return np.where(values > 0, values, 1.0)
