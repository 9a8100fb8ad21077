"""Marginals of a model on any two or three columns, also where no clique holds them: exact, by messages.

For a column i, p(i, S) is carried from separator to separator; in each clique on the way
p(i, j) = sum over S of p(i | S) p(S, j) (Koller & Friedman 2009, section 10.3.3). Three columns are two, given each
cell of the third.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.generators.marginals.junction import Clique
from synthkit.generators.marginals.model import Model, marginal

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def marginals_of(model: Model, wanted: Iterable[Clique]) -> Iterator[tuple[Clique, Array]]:
    """Each of ``wanted`` (one to three columns, ascending) once, in any order, with its expected counts."""
    pairs: set[Clique] = set()
    triples: list[Clique] = []
    for columns in wanted:
        held = model.marginal(columns)
        if held is not None:
            yield columns, held
        elif len(columns) == 2:
            pairs.add(columns)
        else:
            triples.append(columns)
    if pairs:
        yield from _Messages(model).pairs(pairs)
    while triples:
        pivot = Counter(c for t in triples for c in t).most_common(1)[0][0]
        yield from _given_each(model, pivot, [t for t in triples if pivot in t])
        triples = [t for t in triples if pivot not in t]


def _given_each(model: Model, pivot: int, triples: list[Clique]) -> Iterator[tuple[Clique, Array]]:
    import numpy as np

    rest = {t: tuple(c for c in t if c != pivot) for t in triples}
    parts: dict[Clique, list[Array]] = {pair: [] for pair in rest.values()}
    for cell in range(model.sizes[pivot]):
        for pair, counts in marginals_of(model.given({pivot: cell}), list(parts)):
            parts[pair].append(counts)
    for triple, pair in rest.items():
        yield triple, np.stack(parts[pair], axis=triple.index(pivot))


class _Messages:
    """Messages between the cliques of one model, with the sums over its tables that several of them share."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.sums: dict[tuple[int, Clique], Array] = {}

    @cached_property
    def neighbours(self) -> list[list[tuple[int, Clique]]]:
        """Of each clique: its neighbours in the tree, and what it shares with them."""
        tree = self.model.tree
        found: list[list[tuple[int, Clique]]] = [[] for _ in tree.cliques]
        for i, parent in enumerate(tree.parents):
            if parent >= 0:
                found[i].append((parent, tree.separator(i)))
                found[parent].append((i, tree.separator(i)))
        return found

    def pairs(self, wanted: set[Clique]) -> Iterator[tuple[Clique, Array]]:
        groups: dict[int, set[int]] = {}
        for column, other in sorted(wanted):
            groups.setdefault(column, set()).add(other)
        for column, others in groups.items():
            yield from self._from(column, others)

    def _from(self, column: int, others: set[int]) -> Iterator[tuple[Clique, Array]]:
        """p(column, other) for each of ``others``, walking from a clique that holds the column to theirs."""
        import numpy as np

        tree, left = self.model.tree, set(others)
        home = self._home(column)
        wanted = set().union(*(tree.path(home, self._home(other)) for other in others))
        # A clique to visit, where from, the separator, and p(column | separator), its first axis the column's; None
        # where the separator holds the column itself.
        stack: list[tuple[int, int, Clique, Array | None]] = [(home, -1, (column,), None)]
        while stack and left:
            here, origin, entry, weights = stack.pop()
            for other in left & set(tree.cliques[here]):
                yield (column, other), self._joint(here, column, entry, weights, (other,))
            left -= set(tree.cliques[here])
            for there, separator in self.neighbours[here]:
                if there == origin or there not in wanted:
                    continue
                if column in separator:
                    stack.append((there, here, separator, None))
                    continue
                joint = self._joint(here, column, entry, weights, separator)
                base = joint.sum(axis=0)
                stack.append((there, here, separator, joint / np.where(base > 0, base, 1.0)))

    def _home(self, column: int) -> int:
        found = self.model.tree.home([column], self.model.sizes)
        assert found is not None
        return found

    def _joint(self, here: int, column: int, entry: Clique, weights: Array | None, wanted: Clique) -> Array:
        """p(column, wanted) where ``wanted`` lies in clique ``here``: the column's axis first."""
        import numpy as np

        if weights is None:
            held = tuple(sorted({column, *wanted}))
            return np.moveaxis(self._sum(here, held), held.index(column), 0)
        held = tuple(sorted({*entry, *wanted}))
        both = [c for c in entry if c in wanted]
        gone = [c for c in entry if c not in wanted]
        new = [c for c in wanted if c not in entry]
        sizes = [self._cells(group) for group in (both, gone, new)]
        # For each cell of what both share: (column, gone) times (gone, new).
        left = np.transpose(weights, [1 + entry.index(c) for c in both] + [0] + [1 + entry.index(c) for c in gone])
        right = np.transpose(self._sum(here, held), [held.index(c) for c in [*both, *gone, *new]])
        product = left.reshape(sizes[0], -1, sizes[1]) @ right.reshape(sizes)
        order = [*both, *new]
        shape = [product.shape[1], *(self.model.sizes[c] for c in order)]
        found = product.transpose(1, 0, 2).reshape(shape)
        return np.asarray(np.transpose(found, [0, *(1 + order.index(c) for c in wanted)]))

    def _sum(self, here: int, columns: Clique) -> Array:
        key = (here, columns)
        if key not in self.sums:
            self.sums[key] = marginal(self.model.tables[here], self.model.tree.cliques[here], columns)
        return self.sums[key]

    def _cells(self, columns: list[int]) -> int:
        found = 1
        for c in columns:
            found *= self.model.sizes[c]
        return found
