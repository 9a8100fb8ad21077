"""The lineage as a drawing: nodes in layers from left to right, edges as curves that keep clear of them.

Layers by the longest path from a source, order within a layer by the barycentre of the neighbours, swept to and fro
(Sugiyama, Tagawa & Toda 1981). An edge over several layers gets a place of its own in each.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT = 184, 54  # of a node
ACROSS, DOWN = 62, 20  # between layers, and between nodes of one
THREAD = 14  # height that a passing edge takes
SWEEPS = 9  # odd, so that the last one goes from the sources on
MARGIN = 12
Edge = tuple[str, str]  # parent, child


@dataclass(frozen=True)
class Route:
    """One edge: an SVG path, and where its label stands."""

    parent: str
    child: str
    path: str
    label: tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """Top left corners of the nodes by id, the edges, and the size of it all, in pixels."""

    places: Mapping[str, tuple[float, float]]
    routes: tuple[Route, ...]
    width: float
    height: float


def draw(parents: Mapping[str, Sequence[str]]) -> Drawing:
    """Lay out a graph without cycles.

    Args:
        parents: node → its parents, for every node.
    """
    layers = _layers(parents)
    edges = [(p, child) for child, above in parents.items() for p in above]
    chains = {e: _chain(e, layers) for e in edges}
    order = _ordered(layers, chains)
    places = _places(order)
    routes = tuple(_route(e, chains[e], places, parents) for e in edges)
    # A place is of a node's middle; a drawing starts at its margin.
    width = MARGIN * 2 + len(order) * WIDTH + max(0, len(order) - 1) * ACROSS
    height = MARGIN + max((y + HEIGHT / 2 for (_, y) in places.values()), default=0.0)
    corners = {n: (places[n][0] - WIDTH / 2, places[n][1] - HEIGHT / 2) for n in parents}
    return Drawing(corners, routes, width, height + MARGIN)


def _layers(parents: Mapping[str, Sequence[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in parents:  # without recursion: a lineage may be long
        stack = [start]
        while stack:
            node = stack[-1]
            waiting = [p for p in parents[node] if p not in found]
            if node in found or not waiting:
                found.setdefault(node, 1 + max((found[p] for p in parents[node]), default=-1))
                stack.pop()
            else:
                stack += waiting
    return found


def _chain(edge: Edge, layers: Mapping[str, int]) -> list[Hashable]:
    """The parent, a thread in each layer between, the child."""
    parent, child = edge
    return [parent, *((parent, child, i) for i in range(layers[parent] + 1, layers[child])), child]


def _ordered(layers: Mapping[str, int], chains: Mapping[Edge, list[Hashable]]) -> list[list[Hashable]]:
    count = max(layers.values(), default=-1) + 1
    order: list[list[Hashable]] = [[] for _ in range(count)]
    for node, layer in layers.items():
        order[layer].append(node)
    before: dict[Hashable, list[Hashable]] = {}
    after: dict[Hashable, list[Hashable]] = {}
    for (parent, _), chain in chains.items():
        for place, thread in enumerate(chain[1:-1], layers[parent] + 1):
            order[place].append(thread)
        for a, b in pairwise(chain):
            after.setdefault(a, []).append(b)
            before.setdefault(b, []).append(a)
    for sweep in range(SWEEPS):
        onwards = sweep % 2 == 0
        for layer in range(1, count) if onwards else range(count - 2, -1, -1):
            fixed = order[layer - 1] if onwards else order[layer + 1]
            order[layer] = _by_centre(order[layer], fixed, before if onwards else after)
    return order


def _by_centre(
    row: Sequence[Hashable], fixed: Sequence[Hashable], beside: Mapping[Hashable, Sequence[Hashable]]
) -> list[Hashable]:
    """A layer, each node near the middle of its neighbours in the layer that stays as it is."""
    rank = {n: i for i, n in enumerate(fixed)}

    def centre(place: int) -> tuple[float, int]:
        near = [rank[m] for m in beside.get(row[place], ())]
        return (sum(near) / len(near) if near else float(place), place)

    return [row[i] for i in sorted(range(len(row)), key=centre)]


def _places(order: Sequence[Sequence[Hashable]]) -> dict[Hashable, tuple[float, float]]:
    """The middle of every node and thread; layers are centred on each other."""
    heights = [
        sum(HEIGHT if isinstance(n, str) else THREAD for n in row) + DOWN * max(0, len(row) - 1) for row in order
    ]
    tallest = max(heights, default=0)
    found: dict[Hashable, tuple[float, float]] = {}
    for layer, row in enumerate(order):
        y = MARGIN + (tallest - heights[layer]) / 2
        x = MARGIN + layer * (WIDTH + ACROSS) + WIDTH / 2
        for node in row:
            height = HEIGHT if isinstance(node, str) else THREAD
            found[node] = (x, y + height / 2)
            y += height + DOWN
    return found


def _route(
    edge: Edge,
    chain: Sequence[Hashable],
    places: Mapping[Hashable, tuple[float, float]],
    parents: Mapping[str, Sequence[str]],
) -> Route:
    parent, child = edge
    siblings = sorted(parents[child], key=lambda p: places[p][1])
    spread = (siblings.index(parent) - (len(siblings) - 1) / 2) * min(12.0, (HEIGHT - 16) / max(1, len(siblings)))
    points = [(places[parent][0] + WIDTH / 2, places[parent][1])]
    for thread in chain[1:-1]:
        x, y = places[thread]
        points += [(x - WIDTH / 2, y), (x + WIDTH / 2, y)]
    points.append((places[child][0] - WIDTH / 2, places[child][1] + spread))
    path = f"M{points[0][0]:g},{points[0][1]:g}"
    for i in range(0, len(points) - 1, 2):
        (x0, y0), (x1, y1) = points[i], points[i + 1]
        bend = (x1 - x0) / 2
        path += f" C{x0 + bend:g},{y0:g} {x1 - bend:g},{y1:g} {x1:g},{y1:g}"
        if i + 2 < len(points):
            path += f" L{points[i + 2][0]:g},{points[i + 2][1]:g}"
    (x0, y0), (x1, y1) = points[-2], points[-1]
    return Route(parent, child, path, ((x0 + x1) / 2, (y0 + y1) / 2))
