"""Arrows between boxes that stand in columns: each has places of its own at both boxes, and no two labels overlap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from synthkit.report.site.graph import HEIGHT, WIDTH

LOOP = 26  # how far an arrow from a box to itself rises above it
BESIDE = 9  # between arrows at one side of a box
LETTER, LINE, ABOVE = 6.5, 11, 5  # of a label: width of a letter, height, and how far it stands above its arrow
ALONG = (0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78)  # of an arrow: where its label may stand
Point = tuple[float, float]
Curve = tuple[Point, Point, Point, Point]  # a cubic Bézier curve
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Arrow:
    """A curve from one box to another, and where its label stands, in pixels."""

    curve: Curve
    label: Point

    @property
    def path(self) -> str:
        """As SVG."""
        (x, y), *rest = self.curve
        return f"M{x:g},{y:g} C" + " ".join(f"{a:g},{b:g}" for a, b in rest)


def arrows(
    pairs: Sequence[tuple[str, str]], labels: Sequence[str], places: Mapping[str, Point], lowest: float
) -> list[Arrow]:
    """The arrows of the pairs of boxes, from the first of each to the second.

    Args:
        places: box → its top left corner.
        lowest: where one runs that leads to a column on the right, below all boxes.
    """
    starts = _ports(pairs, 0, lambda i: places[pairs[i][1]][1])
    ends = _ports(pairs, 1, lambda i: places[pairs[i][0]][1])
    curves = [_curve(places[a], places[b], starts[i], ends[i], lowest) for i, (a, b) in enumerate(pairs)]
    taken = [(x, y, x + WIDTH, y + HEIGHT) for x, y in places.values()]
    found: dict[int, Point] = {}
    # A flat arrow is short, and its label has fewer places to stand.
    for index in sorted(range(len(curves)), key=lambda i: abs(curves[i][0][1] - curves[i][-1][1])):
        found[index] = _free(curves[index], labels[index], taken)
        taken.append(_box(found[index], labels[index]))
    return [Arrow(curve, found[index]) for index, curve in enumerate(curves)]


def _curve(start: Point, end: Point, leaves: float, reaches: float, lowest: float) -> Curve:
    (cx, cy), (px, py) = start, end
    if start == end:
        left, right = cx + WIDTH / 2 - 34 + leaves, cx + WIDTH / 2 + 34 + leaves
        return (left, cy), (left, cy - LOOP), (right, cy - LOOP), (right, cy)
    if px < cx:
        first, last = (cx, cy + HEIGHT / 2 + leaves), (px + WIDTH, py + HEIGHT / 2 + reaches)
        bend = (first[0] - last[0]) / 2
        return first, (first[0] - bend, first[1]), (last[0] + bend, last[1]), last
    a, b = cx + WIDTH / 2, px + WIDTH / 2
    return (a, cy + HEIGHT), (a, lowest), (b, lowest), (b, py + HEIGHT)


def _ports(pairs: Sequence[tuple[str, str]], side: int, height: Callable[[int], float]) -> list[float]:
    """For each arrow, how far below the middle of its box's side it stands there: those that go up stand above."""
    beside: dict[tuple[str, bool], list[int]] = {}
    for index, pair in enumerate(pairs):
        beside.setdefault((pair[side], pair[0] == pair[1]), []).append(index)
    found = [0.0] * len(pairs)
    for indices in beside.values():
        ordered = sorted(indices, key=height)
        step = min(BESIDE, (HEIGHT - 2 * BESIDE) / max(1, len(ordered) - 1))
        for place, index in enumerate(ordered):
            found[index] = (place - (len(ordered) - 1) / 2) * step
    return found


def _free(curve: Curve, label: str, taken: Sequence[Box]) -> Point:
    """Where on a curve a label covers nothing else; where there is no such place, that where it covers least."""
    points = [_at(curve, share) for share in ALONG]
    return min(points, key=lambda p: sum(_overlap(_box(p, label), other) for other in taken))


def _at(curve: Curve, share: float) -> Point:
    weights = ((1 - share) ** 3, 3 * share * (1 - share) ** 2, 3 * share**2 * (1 - share), share**3)
    x, y = (sum(w * point[axis] for w, point in zip(weights, curve, strict=True)) for axis in (0, 1))
    return x, y - ABOVE


def _box(at: Point, label: str) -> Box:
    """The label's, with its sign before it."""
    width = (len(label) + 2) * LETTER
    return at[0] - width / 2, at[1] - LINE, at[0] + width / 2, at[1] + 3


def _overlap(one: Box, other: Box) -> float:
    """The area that two boxes share."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, across) * max(0.0, down)
