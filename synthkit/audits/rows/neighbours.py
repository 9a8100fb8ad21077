"""Rows as points in one space, and the nearest of them: what the distance-based audits share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.measures.exact import deviation
from synthkit.audits.rows.features import Encoding, encoding

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Points = Callable[[Side, "Array"], "Array"]  # (side, row numbers) → points, shape (rows, dimensions), float32
OTHERS = 20_000  # rows searched at once, fewer where they have many dimensions: bounds the memory
CELLS = 4_000_000  # of a block of points: 16 MB
QUERIES = 1_000  # points whose distances to one block are held at once: 80 MB
QUERY_CELLS = 16_000_000  # of these points and those found for them, in double precision: 128 MB
ASKED_CELLS = 32_000_000  # of the points that neighbours are searched for: 128 MB


@dataclass(frozen=True)
class Space:
    """A function (side, row numbers) → points whose squared Euclidean distance mixes the columns fairly.

    A number is divided by the spread of the real training rows and cut at ±4, a differing category counts 1, a
    missing value lies apart from all others. ``of`` leaves the other columns out.
    """

    context: AuditContext
    encoder: Encoding
    centre: Array
    spread: Array

    def __call__(self, side: Side, rows: Array, of: Sequence[str] | None = None) -> Array:
        import numpy as np

        columns = self.encoder.columns
        matrix = _matrix(self.context, self.encoder, side)[rows]
        coded = [c in self.encoder.codes for c in columns]
        wanted = [i for i, c in enumerate(columns) if of is None or c in of]
        plain = [i for i in wanted if not coded[i]]
        parts: list[Array] = []
        if plain:
            scaled = np.clip((matrix[:, plain] - self.centre[plain]) / self.spread[plain], -4, 4)
            parts += [np.nan_to_num(scaled, nan=0.0), np.isnan(scaled).astype(np.float32) * 2]
        for i in (i for i in wanted if coded[i]):
            codes = np.nan_to_num(matrix[:, i], nan=-1).astype(int) + 1
            one_hot = np.zeros((len(codes), len(self.encoder.codes[columns[i]]) + 2), dtype=np.float32)
            one_hot[np.arange(len(codes)), codes] = np.sqrt(0.5)
            parts.append(one_hot)
        return np.concatenate(parts, axis=1, dtype=np.float32)


@dataclass(frozen=True)
class Part:
    """A space seen in some of its columns alone."""

    space: Space
    columns: tuple[str, ...]

    def __call__(self, side: Side, rows: Array) -> Array:
        return self.space(side, rows, self.columns)


def space(context: AuditContext, columns: tuple[str, ...]) -> Space:
    """The space of these columns; its scale follows from the real training rows alone."""
    import numpy as np

    encoder = encoding(context, columns)
    train = _matrix(context, encoder, "holdout" if context.train is None else "train")
    count = len(columns)
    centre = np.array([np.nanmedian(train[:, i]) if np.isfinite(train[:, i]).any() else 0.0 for i in range(count)])
    return Space(context, encoder, centre, np.array([_spread(train[:, i]) for i in range(count)]))


def _matrix(context: AuditContext, encoder: Encoding, side: Side) -> Array:
    columns = encoder.columns  # the rows themselves are let go: nobody else asks for just these columns
    return context.shared(("matrix", side, columns), lambda: encoder.matrix(context.passing().arrow(side, columns)))


def blocks(points: Points, side: Side, rows: Array) -> Iterator[Array]:
    """The points of many rows, a block at a time: one-hot categories of a large table would not fit in memory."""
    size = max(1, min(OTHERS, CELLS // max(1, points(side, rows[:1]).shape[1])))
    for start in range(0, len(rows), size):
        yield points(side, rows[start : start + size])


def nearest_rows(
    points: Points, asked: Sequence[tuple[Side, Array]], known: tuple[Side, Array], k: int = 1
) -> tuple[Array, Array]:
    """:func:`nearest` of the rows ``asked`` (of some sides, one after another) among the rows ``known``.

    No more than ASKED_CELLS of the first are held at once: one-hot categories of a wide table have many dimensions.
    """
    import numpy as np

    found = [nearest(some, blocks(points, *known), k) for some in asked_points(points, asked)]
    if not found:
        return np.full((0, k), -1), np.full((0, k), np.inf)
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


def asked_points(points: Points, rows: Sequence[tuple[Side, Array]]) -> Iterator[Array]:
    """The points of rows of some sides; cut where :func:`nearest` cuts them as well, so the cuts change no figure."""
    import numpy as np

    total = sum(len(which) for _, which in rows)
    if not total:
        return
    dimensions = next(points(side, which[:1]) for side, which in rows if len(which)).shape[1]
    block = _block(dimensions)
    size = block * max(1, ASKED_CELLS // (block * max(1, dimensions)))
    for start in range(0, total, size):
        parts, before = [], 0
        for side, which in rows:
            part = which[max(0, start - before) : max(0, start + size - before)]
            before += len(which)
            if len(part):
                parts.append(points(side, part))
        yield np.concatenate(parts)


def _block(dimensions: int, most: int = QUERIES) -> int:
    return max(1, min(most, QUERY_CELLS // max(1, dimensions)))


def _spread(values: Array) -> float:
    """Standard deviation, or 1 where all values are alike."""
    import numpy as np

    present = values[np.isfinite(values)]
    return deviation(present) or 1.0


def nearest(points: Array, others: Iterable[Array], k: int = 1, block: int = QUERIES) -> tuple[Array, Array]:
    """The ``k`` nearest of all blocks of others to each point, nearest first; of equally near ones the first.

    Exact up to rounding: candidates are ranked in single precision (an error of about 1e-5 of a squared distance),
    the distances of those found are computed in double precision. Memory stays at ``block`` × one block of others.

    Returns:
        Indices into the others, and Euclidean distances, both of shape (points, k). Where there are fewer than ``k``
        others, the index is -1 and the distance infinite.
    """
    import numpy as np

    indices = np.full((len(points), k), -1)
    squares = np.full((len(points), k), np.inf)
    offset = 0
    block = _block(points.shape[1], block)
    for some in others:
        # q·o − |o|²/2 falls as the distance grows, so one product and one argmax find the nearest.
        halves = (some.astype(np.float64) ** 2).sum(axis=1).astype(np.float32) / 2
        for start in range(0, len(points), block):
            place = slice(start, start + block)
            closeness = points[place] @ some.T
            closeness -= halves
            found, exact = _best(points[place], some, closeness, min(k, len(some)))
            del closeness  # or the next one would be made beside it
            both = np.concatenate([squares[place], exact], axis=1)
            order = np.argsort(both, axis=1, kind="stable")[:, :k]
            squares[place] = np.take_along_axis(both, order, axis=1)
            names = np.concatenate([indices[place], found + offset], axis=1)
            indices[place] = np.take_along_axis(names, order, axis=1)
        offset += len(some)
    return indices, np.sqrt(squares)


def _best(points: Array, some: Array, closeness: Array, k: int) -> tuple[Array, Array]:
    """The ``k`` closest of one block with their squared distances; ``closeness`` is used up."""
    import numpy as np

    own = np.arange(len(points))
    found, exact = [], []
    for _ in range(k):
        best = closeness.argmax(axis=1)
        closeness[own, best] = -np.inf
        found.append(best)
        exact.append(((points.astype(np.float64) - some[best]) ** 2).sum(axis=1))
    return np.stack(found, axis=1), np.stack(exact, axis=1)


def nearest_distance(points: Array, others: Iterable[Array], block: int = QUERIES) -> Array:
    """Euclidean distance of each point to the nearest of all blocks of others."""
    return nearest(points, others, 1, block)[1][:, 0]
