"""Junction trees: which sets of columns a graphical model holds jointly, and how large its tables are.

The measured sets make a graph of columns; filling it in until it is chordal (greedily, the cheapest clique first)
gives maximal cliques, and a spanning tree of greatest separators joins them so that every column's cliques are
connected (Koller & Friedman 2009, chapter 10). Sets are bit masks, as planning asks for hundreds of trees a round.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

Clique = tuple[int, ...]


@dataclass(frozen=True)
class JunctionTree:
    """Maximal cliques, parents before their children.

    Args:
        cliques: sorted column indexes of each.
        parents: of each clique; -1 for the first one. A separator may be empty: then the parts are independent.
    """

    cliques: tuple[Clique, ...]
    parents: tuple[int, ...]

    def separator(self, i: int) -> Clique:
        """What clique ``i`` shares with its parent."""
        parent = set(self.cliques[self.parents[i]])
        return tuple(c for c in self.cliques[i] if c in parent)

    @cached_property
    def _with(self) -> dict[int, frozenset[int]]:
        """Of each column, the cliques that hold it."""
        found: dict[int, set[int]] = {}
        for i, clique in enumerate(self.cliques):
            for c in clique:
                found.setdefault(c, set()).add(i)
        return {c: frozenset(cliques) for c, cliques in found.items()}

    def home(self, columns: Sequence[int], sizes: Sequence[int]) -> int | None:
        """The smallest clique that holds all ``columns``, or None."""
        found = frozenset.intersection(*(self._with[c] for c in columns))
        return min(found, key=lambda i: (math.prod(sizes[c] for c in self.cliques[i]), i)) if found else None

    def path(self, start: int, end: int) -> set[int]:
        """The cliques on the way from one to another, both included."""
        up, down = [start], [end]
        while up[-1] != down[-1]:  # parents come before their children
            longer = up if up[-1] > down[-1] else down
            longer.append(self.parents[longer[-1]])
        return {*up, *down}


def maximal_cliques(sets: Iterable[Sequence[int]], sizes: Sequence[int]) -> list[int]:
    """The maximal cliques of a chordal completion, as bit masks.

    Args:
        sets: columns that must lie in one clique each; every column is at least a clique by itself.
        sizes: cells of each column.
    """
    neighbours = [1 << i for i in range(len(sizes))]
    for columns in sets:
        mask = sum(1 << c for c in set(columns))
        for c in columns:
            neighbours[c] |= mask
    logs = [math.log(max(1, s)) for s in sizes]
    weights = [_weight(mask, logs) for mask in neighbours]
    left = set(range(len(sizes)))
    found: list[int] = []
    while left:
        v = min(left, key=lambda i: (weights[i], i))
        clique = neighbours[v]
        if not any(clique & ~other == 0 for other in found):
            found.append(clique)
        left.remove(v)
        rest = clique & ~(1 << v)
        for u in _members(rest):
            neighbours[u] = (neighbours[u] | rest) & ~(1 << v)
            weights[u] = _weight(neighbours[u], logs)
    return found


def total_cells(cliques: Iterable[int], sizes: Sequence[int]) -> float:
    """Cells of all cliques' tables together."""
    return sum(math.prod(float(sizes[c]) for c in _members(mask)) for mask in cliques)


def junction_tree(sets: Iterable[Sequence[int]], sizes: Sequence[int]) -> JunctionTree:
    """A junction tree whose cliques hold every one of ``sets`` (arguments as :func:`maximal_cliques`)."""
    masks = maximal_cliques(sets, sizes)
    logs = [math.log(max(1, s)) for s in sizes]
    order, parents = [max(range(len(masks)), key=lambda i: (_weight(masks[i], logs), -i))], [-1]
    best = {i: (_strength(masks[i], masks[order[0]], logs), 0) for i in range(len(masks)) if i != order[0]}
    while best:  # Prim's algorithm, on the size of separators
        i = max(best, key=lambda k: (best[k][0], -k))
        parents.append(best.pop(i)[1])
        order.append(i)
        for k, (strength, _) in best.items():
            found = _strength(masks[k], masks[i], logs)
            if found > strength:
                best[k] = (found, len(order) - 1)
    return JunctionTree(tuple(tuple(_members(masks[i])) for i in order), tuple(parents))


def _strength(a: int, b: int, logs: Sequence[float]) -> tuple[int, float]:
    return ((a & b).bit_count(), _weight(a & b, logs))


def _weight(mask: int, logs: Sequence[float]) -> float:
    return sum(logs[c] for c in _members(mask))


def _members(mask: int) -> list[int]:
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
