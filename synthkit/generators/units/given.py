"""Some columns of a graphical model drawn given all the others, which differ from row to row.

One pass of messages towards the first clique, each a table over the columns that are not given, one for each row; then
each clique is drawn given what it shares with its parent (Koller & Friedman 2009, section 10.2 and algorithm 12.1).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from synthkit.generators.marginals.model import Model, spread

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

HELD = 2**23  # numbers that are held at once


class Given:
    """Draws the columns of a model that are not ``known``."""

    def __init__(self, model: Model, known: Collection[int]) -> None:
        import numpy as np

        self.sizes, tree = model.sizes, model.tree
        self.cliques: list[tuple[int, list[int], list[int]]] = []  # parent among these, given columns, the others
        self.potentials: list[Array] = []
        where: dict[int, int] = {}
        for i, clique in enumerate(tree.cliques):
            free = [c for c in clique if c not in known]
            if not free:
                continue
            parent = tree.parents[i]
            potential = model.tables[i]
            if parent >= 0:
                base = spread(model.shared[i], tree.separator(i), clique)
                potential = potential / np.where(base > 0, base, 1.0)
            shared = parent >= 0 and any(c not in known for c in tree.separator(i))
            held = [c for c in clique if c in known]
            order = [clique.index(c) for c in (*held, *free)]
            potential = np.transpose(potential, order).reshape(math.prod(self.sizes[c] for c in held), -1)
            where[i] = len(self.cliques)
            self.cliques.append((where[parent] if shared else -1, held, free))
            self.potentials.append(np.ascontiguousarray(potential / max(float(potential.max()), 1e-300)))

    def draw(self, codes: Array, random: np.random.Generator) -> None:
        """Fill in the columns that are not given.

        Args:
            codes: cells of each column, shape (columns, rows).
        """
        most = max((p.shape[1] for p in self.potentials), default=1)
        step = max(1, HELD // most // max(1, len(self.potentials)))
        for start in range(0, codes.shape[1], step):
            self._draw(codes[:, start : start + step], random)

    def _draw(self, codes: Array, random: np.random.Generator) -> None:
        import numpy as np

        rows = codes.shape[1]
        beliefs: list[Array] = []
        for (_, held, free), potential in zip(self.cliques, self.potentials, strict=True):
            at = np.zeros(rows, dtype=np.int64)
            for c in held:
                at = at * self.sizes[c] + codes[c]
            beliefs.append(potential[at].reshape(rows, *(self.sizes[c] for c in free)))
        for i in reversed(range(len(self.cliques))):
            parent, _, free = self.cliques[i]
            if parent < 0:
                continue
            above = self.cliques[parent][2]
            gone = tuple(1 + k for k, c in enumerate(free) if c not in above)
            message = beliefs[i].sum(axis=gone)
            message /= np.maximum(message.reshape(rows, -1).max(axis=1), 1e-300).reshape(-1, *[1] * (message.ndim - 1))
            both = [c for c in free if c in above]
            order = [0, *(1 + both.index(c) for c in above if c in both)]
            shape = [rows, *(self.sizes[c] if c in both else 1 for c in above)]
            beliefs[parent] *= np.transpose(message, order).reshape(shape)
        done: set[int] = set()
        for belief, (_, _, free) in zip(beliefs, self.cliques, strict=True):
            known, new = [c for c in free if c in done], [c for c in free if c not in done]
            if not new:
                continue
            order = [0, *(1 + free.index(c) for c in (*known, *new))]
            table = np.transpose(belief, order).reshape(rows, math.prod(self.sizes[c] for c in known), -1)
            at = np.zeros(rows, dtype=np.int64)
            for c in known:
                at = at * self.sizes[c] + codes[c]
            chances = table[np.arange(rows), at]
            running = np.cumsum(chances, axis=1)
            total = running[:, -1:]
            even = np.arange(1, running.shape[1] + 1) / running.shape[1]  # where nothing is possible, all is
            running = np.where(total > 0, running / np.where(total > 0, total, 1.0), even)
            cell = np.minimum((running <= random.random(rows)[:, None]).sum(axis=1), running.shape[1] - 1)
            for c in reversed(new):
                cell, codes[c] = np.divmod(cell, self.sizes[c])
            done |= set(new)
