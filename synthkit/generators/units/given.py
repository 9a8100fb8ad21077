"""Some columns of a graphical model drawn given all the others, which differ from row to row.

One pass of messages towards the first clique, each a table over the columns that are not given, one for each row; then
each clique is drawn given what it shares with its parent (Koller & Friedman 2009, section 10.2 and algorithm 12.1).
What no given column changes is summed up once: a row has tables only over the columns in which messages arrive.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.marginals.model import Model, spread

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

LEAST = 1e-30
HELD = 2**20  # numbers that are held at once: few enough for a processor's cache


@dataclass(frozen=True)
class _Clique:
    """A clique without its given columns. Its potential is over four groups of columns, in this order.

    Args:
        parent: index of the clique above, -1 for none.
        held: the given columns.
        shared: those that are drawn with the parent.
        touched: others, in which a message of a clique below arrives.
        rest: others.
        below: the cliques whose messages depend on the row.
        varies: whether its own message does.
        weights: summed over ``rest``, shape (cells of held, cells of shared, cells of touched).
        running: of ``rest`` given all others the running chances, shape (cells of the others, cells of rest).
    """

    parent: int
    held: list[int]
    shared: list[int]
    touched: list[int]
    rest: list[int]
    below: list[int]
    varies: bool
    weights: Array
    running: Array


class Given:
    """Draws the columns of a model that are not ``known``."""

    def __init__(self, model: Model, known: Collection[int]) -> None:
        self.sizes, tree = model.sizes, model.tree
        kept = [i for i, clique in enumerate(tree.cliques) if any(c not in known for c in clique)]
        where = {i: k for k, i in enumerate(kept)}
        shares = [[c for c in tree.separator(i) if c not in known] if tree.parents[i] >= 0 else [] for i in kept]
        found: dict[int, _Clique] = {}
        steady: dict[int, list[tuple[list[int], Array]]] = {}  # messages that no row changes, of each parent
        for k in reversed(range(len(kept))):
            shared, parent = shares[k], where[tree.parents[kept[k]]] if shares[k] else -1
            below = [j for j, c in found.items() if c.parent == k and c.varies]
            clique = self._clique(model, kept[k], known, shared, parent, (found, sorted(below)), steady.get(k, ()))
            found[k] = clique
            if parent >= 0 and not clique.varies:
                message = clique.weights.reshape([self.sizes[c] for c in shared])
                steady.setdefault(parent, []).append((shared, message / max(float(message.max()), LEAST)))
        self.cliques = [found[k] for k in range(len(kept))]

    def _clique(
        self, model: Model, index: int, known: Collection[int], shared: list[int], parent: int,
        beneath: tuple[dict[int, _Clique], list[int]], steady: Sequence[tuple[list[int], Array]],
    ) -> _Clique:  # fmt: skip
        import numpy as np

        tree, clique, (found, below) = model.tree, list(model.tree.cliques[index]), beneath
        potential = model.tables[index]
        if tree.parents[index] >= 0:
            base = spread(model.shared[index], tree.separator(index), tree.cliques[index])
            potential = potential / np.where(base > 0, base, 1.0)
        for columns, message in steady:
            potential = potential * self._along(message, columns, clique)
        arriving = {c for j in below for c in found[j].shared}
        held = [c for c in clique if c in known]
        touched = [c for c in clique if c in arriving and c not in shared]
        rest = [c for c in clique if c not in known and c not in shared and c not in touched]
        potential = np.transpose(potential, [clique.index(c) for c in (*held, *shared, *touched, *rest)])
        table = potential.reshape(self._cells([*held, *shared, *touched]), self._cells(rest))
        weights = table.sum(axis=1).reshape(self._cells(held), self._cells(shared), self._cells(touched))
        varies = bool(held or below)
        return _Clique(
            parent, held, shared, touched, rest, below, varies,
            (weights / max(float(weights.max()), LEAST)).astype(np.float32), _running(table) if rest else table,
        )  # fmt: skip

    def _cells(self, columns: Sequence[int]) -> int:
        return math.prod(self.sizes[c] for c in columns)

    def _along(self, message: Array, columns: Sequence[int], onto: Sequence[int]) -> Array:
        """A table over some columns, with an axis of one for each other column of ``onto``."""
        import numpy as np

        ordered = np.transpose(message, [columns.index(c) for c in onto if c in columns])
        return ordered.reshape([self.sizes[c] if c in columns else 1 for c in onto])

    def draw(self, codes: Array, random: np.random.Generator) -> None:
        """Fill in the columns that are not given.

        Args:
            codes: cells of each column, shape (columns, rows).
        """
        most = sum(self._cells([*c.shared, *c.touched]) + self._cells(c.rest) for c in self.cliques)
        step = max(1, HELD // max(1, most))
        for start in range(0, codes.shape[1], step):
            self._draw(codes[:, start : start + step], random)

    def _draw(self, codes: Array, random: np.random.Generator) -> None:
        import numpy as np

        count = codes.shape[1]
        beliefs: dict[int, Array] = {}
        messages: dict[int, Array] = {}
        for i in reversed(range(len(self.cliques))):
            clique = self.cliques[i]
            if not clique.varies:
                continue
            belief, axes = clique.weights, [*clique.shared, *clique.touched]
            belief = belief[self._at(codes, clique.held)] if clique.held else belief
            if clique.below:
                belief = belief.reshape(-1, *(self.sizes[c] for c in axes))
                for columns, message in self._joined([(self.cliques[j].shared, messages.pop(j)) for j in clique.below]):
                    belief = belief * self._each(message, columns, axes)
                beliefs[i] = belief.reshape(count, self._cells(clique.shared), self._cells(clique.touched))
                belief = beliefs[i]
            if clique.parent >= 0:
                message = belief.sum(axis=2)
                messages[i] = message / np.maximum(message.max(axis=1, keepdims=True), LEAST)
        for i, clique in enumerate(self.cliques):
            if clique.touched:
                self._touch(codes, clique.touched, beliefs[i][np.arange(count), self._at(codes, clique.shared)], random)
            if clique.rest:
                at = self._at(codes, [*clique.held, *clique.shared, *clique.touched])
                cell = _chosen(clique.running[at], random)
                for c in reversed(clique.rest):
                    cell, codes[c] = np.divmod(cell, self.sizes[c])

    def _joined(self, messages: Sequence[tuple[list[int], Array]]) -> list[tuple[list[int], Array]]:
        """Messages whose columns another one has, too, are multiplied into that one: it is smaller than the clique."""
        ordered = sorted(messages, key=lambda found: found[1].shape[1])
        kept: list[tuple[list[int], Array]] = []
        for k, (columns, message) in enumerate(ordered):
            wider = next((j for j in range(k + 1, len(ordered)) if set(columns) <= set(ordered[j][0])), None)
            if wider is None:
                kept.append((columns, message))
                continue
            onto, other = ordered[wider]
            shaped = other.reshape(len(other), *(self.sizes[c] for c in onto))
            ordered[wider] = onto, (shaped * self._each(message, columns, onto)).reshape(len(other), -1)
        return kept

    def _touch(self, codes: Array, columns: Sequence[int], chances: Array, random: np.random.Generator) -> None:
        """Draw one column after another by chances over all of them, shape (rows, cells)."""
        import numpy as np

        rows = np.arange(len(chances))
        for c in columns:
            table = chances.reshape(len(rows), self.sizes[c], -1)
            codes[c] = _chosen(_running(table.sum(axis=2)), random)
            chances = table[rows, codes[c]]

    def _each(self, message: Array, columns: Sequence[int], onto: Sequence[int]) -> Array:
        """:meth:`_along` of one table for each row."""
        import numpy as np

        shaped = message.reshape(len(message), *(self.sizes[c] for c in columns))
        ordered = np.transpose(shaped, [0, *(1 + columns.index(c) for c in onto if c in columns)])
        return ordered.reshape(len(message), *(self.sizes[c] if c in columns else 1 for c in onto))

    def _at(self, codes: Array, columns: Sequence[int]) -> Array:
        """The cell of each row in the product of these columns."""
        import numpy as np

        at = np.zeros(codes.shape[1], dtype=np.int64)
        for c in columns:
            at = at * self.sizes[c] + codes[c]
        return at


def _running(chances: Array) -> Array:
    """Running sums of each row, up to 1; where nothing is possible, all is alike."""
    import numpy as np

    running = np.cumsum(chances, axis=1)
    total = running[:, -1:]
    even = np.arange(1, running.shape[1] + 1) / running.shape[1]
    return np.where(total > 0, running / np.where(total > 0, total, 1.0), even)


def _chosen(running: Array, random: np.random.Generator) -> Array:
    """One cell of each row."""
    import numpy as np

    uniform = random.random(len(running))[:, None]
    return np.asarray(np.minimum((running <= uniform).sum(axis=1), running.shape[1] - 1))
