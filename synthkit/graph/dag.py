"""The graph of sources, models and exposures: order, cycles, ancestors, descendants. Pure, and iterative."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Dag:
    """Nodes and, for each, the nodes that it reads. Every parent must be a node itself."""

    parents: Mapping[str, frozenset[str]]

    @cached_property
    def children(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {node: set() for node in self.parents}
        for node, parents in self.parents.items():
            for parent in parents:
                found[parent].add(node)
        return {node: frozenset(children) for node, children in found.items()}

    def order(self) -> tuple[str, ...]:
        """Parents before children; among those that are free at once, by name. Nodes on cycles are left out.

        Kahn's algorithm with a heap (Kahn, "Topological sorting of large networks", CACM 1962).
        """
        missing = {node: len(parents) for node, parents in self.parents.items()}
        free = [node for node, count in missing.items() if count == 0]
        heapq.heapify(free)
        ordered = []
        while free:
            node = heapq.heappop(free)
            ordered.append(node)
            for child in self.children[node]:
                missing[child] -= 1
                if missing[child] == 0:
                    heapq.heappush(free, child)
        return tuple(ordered)

    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """One cycle per knot of nodes that reach each other, each as a path that starts at its least node."""
        rest = set(self.parents) - set(self.order())
        found = []
        while rest:
            cycle = self._walk_cycle(rest)
            if cycle is None:
                break
            found.append(cycle)
            # What hangs below a reported cycle is stuck because of it, and is no cycle of its own.
            knot = set(cycle)
            rest -= knot | self._reach(knot, self.children, None)
        return tuple(found)

    def _walk_cycle(self, rest: set[str]) -> tuple[str, ...] | None:
        node = min(rest)
        seen: dict[str, int] = {}
        path: list[str] = []
        while node not in seen:
            seen[node] = len(path)
            path.append(node)
            inside = sorted(self.parents[node] & rest)
            if not inside:
                return None
            node = inside[0]
        cycle = path[seen[node] :]
        cycle.reverse()  # from following parents to reading in the direction of the data
        least = cycle.index(min(cycle))
        return tuple(cycle[least:] + cycle[:least])

    def ancestors(self, node: str, depth: int | None = None) -> frozenset[str]:
        """What ``node`` depends on, at most ``depth`` steps up; without the node itself."""
        return frozenset(self._reach([node], self.parents, depth))

    def descendants(self, node: str, depth: int | None = None) -> frozenset[str]:
        """What depends on ``node``, at most ``depth`` steps down; without the node itself."""
        return frozenset(self._reach([node], self.children, depth))

    @staticmethod
    def _reach(start: Iterable[str], edges: Mapping[str, frozenset[str]], depth: int | None) -> set[str]:
        start = set(start)
        reached: set[str] = set()
        frontier = start
        step = 0
        while frontier and (depth is None or step < depth):
            frontier = {n for node in frontier for n in edges[node]} - reached - start
            reached |= frontier
            step += 1
        return reached
