"""The graph of sources, models and exposures: order, cycles, ancestors, descendants. Pure, and iterative."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Dag:
    """Nodes and, for each, the nodes that it reads. Every parent must be a node itself.

    >>> Dag({"fake": frozenset({"real"}), "real": frozenset(), "report": frozenset({"fake"})}).order()
    ('real', 'fake', 'report')
    """

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
        """Cycles enough to show why each node on one is stuck: every such node lies on a reported cycle.

        A cycle is a path in the direction of the data that starts at its least node, which is not repeated at
        the end; a node that reads itself is a path of one. (All cycles could be exponentially many.)
        """
        found: set[tuple[str, ...]] = set()
        for knot in self._knots():
            rest = set(knot)
            while rest:
                cycle = self._shortest_cycle(min(rest), knot)
                least = cycle.index(min(cycle))
                found.add((*cycle[least:], *cycle[:least]))
                rest -= set(cycle)
        return tuple(sorted(found))

    def _shortest_cycle(self, start: str, knot: frozenset[str]) -> tuple[str, ...]:
        """A shortest way from ``start`` along the data back to it, inside its knot."""
        came_from: dict[str, str] = {}
        queue = deque([start])
        while start not in came_from:
            node = queue.popleft()
            for child in sorted(self.children[node] & knot):
                if child not in came_from:
                    came_from[child] = node
                    queue.append(child)
        path = [came_from[start]]
        while path[-1] != start:
            path.append(came_from[path[-1]])
        return tuple(reversed(path))

    def _knots(self) -> Iterator[frozenset[str]]:
        """The sets of nodes that all reach each other (Sharir, Computers & Mathematics 7(1), 1981)."""
        stuck = set(self.parents) - set(self.order())
        left = set(stuck)
        for node in reversed(self._finished(stuck)):
            if node not in left:
                continue
            knot, frontier = {node}, {node}
            while frontier:
                frontier = {p for n in frontier for p in self.parents[n]} & left - knot
                knot |= frontier
            left -= knot
            if len(knot) > 1 or node in self.parents[node]:
                yield frozenset(knot)

    def _finished(self, nodes: set[str]) -> list[str]:
        """Depth first along the data, each node once all that it reaches are done; a list for a stack."""
        done: list[str] = []
        seen: set[str] = set()
        for root in sorted(nodes):
            stack = [] if root in seen else [(root, iter(self.children[root]))]
            seen.add(root)
            while stack:
                node, children = stack[-1]
                child = next((c for c in children if c in nodes and c not in seen), None)
                if child is None:
                    done.append(node)
                    stack.pop()
                else:
                    seen.add(child)
                    stack.append((child, iter(self.children[child])))
        return done

    def ancestors(self, nodes: str | Iterable[str], depth: int | None = None) -> frozenset[str]:
        """What the node or nodes depend on, at most ``depth`` steps up; without themselves."""
        return frozenset(self._reach(_several(nodes), self.parents, depth))

    def descendants(self, nodes: str | Iterable[str], depth: int | None = None) -> frozenset[str]:
        """What depends on the node or nodes, at most ``depth`` steps down; without themselves."""
        return frozenset(self._reach(_several(nodes), self.children, depth))

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


def _several(nodes: str | Iterable[str]) -> Iterable[str]:
    return [nodes] if isinstance(nodes, str) else nodes
