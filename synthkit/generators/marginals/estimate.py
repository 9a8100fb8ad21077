"""The graphical model that explains noisy marginals best: maximum entropy with Gaussian slack.

The model p minimises

    tau * KL(p || uniform)  +  sum_m |y_m - p_m|^2 / (2 sigma_m^2)

over positive measures p of expected counts, where y_m are noisy counts and p_m the marginal of p on the same columns:
of all tables that agree with what was measured, as far as its noise lets it, the one that assumes least (McKenna,
Sheldon & Miklau 2019 for the second term; the first makes the solution unique and shrinks what is but noise). The dual
is solved a block at a time, as iterative proportional fitting does: each step has a closed form per cell, by the Wright
omega function, and needs one clique's table, so that a sweep over all measurements costs about two propagations where a
gradient method needs hundreds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.marginals.junction import Clique, JunctionTree, junction_tree
from synthkit.generators.marginals.model import Model, from_logs, marginal, spread

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

LEAST = 1e-9  # expected count of a cell: none becomes impossible, whatever the noise said


@dataclass(frozen=True)
class Measurement:
    """Noisy counts of the cells of ``columns`` (ascending), one axis each; ``variances`` of their noise, same shape."""

    columns: Clique
    counts: Array
    variances: Array

    @staticmethod
    def of(columns: Clique, counts: Array, sigma: float) -> Measurement:
        """One whose cells all have noise of the same ``sigma``."""
        import numpy as np

        return Measurement(columns, counts, np.full(counts.shape, sigma**2))


def combined(measurements: Sequence[Measurement]) -> list[Measurement]:
    """Measurements of the same columns as one, weighted by their precision; in order of first measurement."""
    import numpy as np

    groups: dict[Clique, list[Measurement]] = {}
    for m in measurements:
        groups.setdefault(m.columns, []).append(m)
    found = []
    for columns, group in groups.items():
        precision = sum(1 / m.variances for m in group)
        counts = sum(m.counts / m.variances for m in group) / precision
        found.append(Measurement(columns, np.asarray(counts), np.asarray(1 / precision)))
    return found


def total_of(measurements: Sequence[Measurement]) -> float:
    """The number of rows, from the sums of all measured marginals weighted by their precision; at least 1."""
    weights = [1 / float(m.variances.sum()) for m in measurements]
    sums = [float(m.counts.sum()) for m in measurements]
    return max(1.0, sum(w * s for w, s in zip(weights, sums, strict=True)) / sum(weights))


class Estimator:
    """A model that takes in measurements one after the other, keeping its dual variables between fits.

    Args:
        sizes: cells of each column.
        slack: tau * sigma / rows, of a measurement with noise ``sigma`` (below): by how many standard deviations of
            its noise a cell may stay off for each factor e that it departs from the simpler model.
        sigma: the noise for which ``slack`` is given.
        zeros: cells of sets of columns (booleans, one axis each) to which the model gives no probability.
    """

    def __init__(
        self, sizes: Sequence[int], slack: float, sigma: float, zeros: Mapping[Clique, Array] | None = None
    ) -> None:
        self.sizes, self.slack, self.sigma = tuple(sizes), slack, sigma
        self.zeros = dict(zeros or {})
        self.measurements: list[Measurement] = []
        self.duals: dict[Clique, Array] = {}

    @property
    def columns(self) -> tuple[Clique, ...]:
        """Every set of columns that the model has to hold jointly."""
        return (*self.duals, *self.zeros)

    def add(self, measurement: Measurement) -> None:
        import numpy as np

        self.measurements.append(measurement)
        self.duals.setdefault(measurement.columns, np.zeros(measurement.counts.shape))

    def fit(self, sweeps: int, tolerance: float = 0.0) -> Model:
        """The model of all measurements so far, by ``sweeps`` sweeps at most.

        Args:
            tolerance: stop when no cell moved by more than this many standard deviations of its noise in a sweep.
        """
        merged = combined(self.measurements)
        tree = junction_tree(self.columns, self.sizes)
        homes: list[list[Measurement]] = [[] for _ in tree.cliques]
        for m in merged:
            homes[self._home(tree, m.columns)].append(m)
        model = from_logs(tree, self.sizes, self._logs(tree, homes), total_of(self.measurements))
        path = _walk(tree)
        for _ in range(sweeps):
            moved = 0.0
            seen: set[int] = set()
            for here, after in path:
                if here not in seen:
                    seen.add(here)
                    for m in homes[here]:
                        moved = max(moved, self._step(model, here, m))
                if after is not None:
                    model.absorb(here, after)
            if moved <= tolerance:
                break
        for i in range(1, len(tree.cliques)):
            model.absorb(tree.parents[i], i)
        return model

    def _logs(self, tree: JunctionTree, homes: Sequence[Sequence[Measurement]]) -> list[Array]:
        import numpy as np

        logs = []
        for clique, held in zip(tree.cliques, homes, strict=True):
            log = np.zeros(tuple(self.sizes[c] for c in clique))
            for m in held:
                log += spread(self.duals[m.columns], m.columns, clique)
            logs.append(log)
        for columns, mask in self.zeros.items():
            home = self._home(tree, columns)
            logs[home] = np.where(spread(mask, columns, tree.cliques[home]), -np.inf, logs[home])
        return logs

    def _home(self, tree: JunctionTree, columns: Clique) -> int:
        found = tree.home(columns, self.sizes)
        assert found is not None
        return found

    def _step(self, model: Model, home: int, m: Measurement) -> float:
        """Solve for one measurement's dual variables, all others fixed; returns the largest move in noise units."""
        import numpy as np
        from scipy.special import wrightomega

        clique = model.tree.cliques[home]
        old = np.maximum(marginal(model.tables[home], clique, m.columns), LEAST)
        dual = self.duals[m.columns]
        soft = self.slack * m.variances / self.sigma
        # new + soft * log(new) = a, the stationary point of the dual in this cell.
        a = m.counts + soft * (np.log(old) - dual)
        new = np.maximum(soft * wrightomega(a / soft - np.log(soft)), LEAST)
        ratio = new / old
        self.duals[m.columns] = dual + np.log(ratio)
        model.tables[home] *= spread(ratio, m.columns, clique)
        return float((np.abs(new - old) / np.sqrt(m.variances)).max())


def _walk(tree: JunctionTree) -> list[tuple[int, int | None]]:
    """A walk along the tree's edges that visits every clique and comes back: (here, next)."""
    children: Mapping[int, list[int]] = {i: [] for i in range(len(tree.cliques))}
    for i, parent in enumerate(tree.parents):
        if parent >= 0:
            children[parent].append(i)
    walk: list[int] = [0]
    stack = [(0, iter(children[0]))]
    while stack:
        child = next(stack[-1][1], None)
        if child is None:
            stack.pop()
            if stack:
                walk.append(stack[-1][0])
        else:
            walk.append(child)
            stack.append((child, iter(children[child])))
    return [(a, b) for a, b in zip(walk, [*walk[1:], None], strict=True)]
