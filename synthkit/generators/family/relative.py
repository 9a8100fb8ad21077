"""Columns that are learnt as their distance from another one, or as a part of it: a line's price is its product's, or
nine tenths of it, a delivery so many days after its order. What is equal there, or always so far off, stays so, which
cells of the column itself would not keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.columns import Field
from synthkit.generators.family.ratios import beyond_chance, part_of, several

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

ROWS = 50  # from which a distance is looked for
KNOWN = 0.3  # of the rows that have a value have the other one as well
TIES = 0.3  # share of the commonest distance, from which it is learnt
MORE = 3.0  # times the share of the column's own commonest value
NARROW = 0.25  # of the column's middle half: the width of that of distances between times
LESS = 0.02  # of the rows more must have one of few ratios than one distance
DIGITS = 9  # to which differences of floats are rounded


@dataclass(frozen=True)
class Anchor:
    """A column that is drawn as a distance.

    Args:
        column: field of the column.
        key: of the row in which the other column is; -1: in the same row.
        other: field of the other column there.
        field: of the distance, or of the ratio.
        digits: decimals that a product is rounded to; -1: none; None: it is no ratio.
        alone: rows of each of the column's own cells where the other column has no value, or 0 that it is no part of.
        nothing: whether a ratio is 0 where the other column is: lines of what costs nothing.
    """

    column: int
    key: int
    other: int
    field: Field
    digits: int | None = None
    alone: Array | None = None
    nothing: bool = False

    def number(self, base: Array, apart: Array) -> Array:
        """The column's numbers, of the other one's and of what was drawn; NaN where either is missing."""
        import numpy as np

        if self.digits is None:
            return np.asarray(np.round(base + apart, DIGITS))
        return np.asarray(np.round(base * apart, DIGITS if self.digits < 0 else self.digits))

    def positions(self, field: Field, base: Array, apart: Array) -> Array:
        """The same as positions of the column, whose field it is, within what was learnt."""
        import numpy as np

        grid = field.codec.grid
        assert grid is not None
        return field.positions(np.clip(self.number(base, apart), grid.low, grid.high))


@dataclass(frozen=True)
class Copy:
    """A category that is always that of a row that a key names: an order is shipped to its customer's country.

    Args:
        column: field of the column.
        key: of the row that has it: the owner's, or that of a row that is looked up.
        other: its field there.
        cells: the column's cell for each cell there; 0 where it has none.
    """

    column: int
    key: int
    other: int
    cells: Array


def copies_of(mine: Sequence[Field], cells: Array, key: int, there: Sequence[Field], others: Array) -> tuple[Copy, ...]:
    """The categories that are those of the row that a key names, in every row.

    Args:
        cells, others: of each row, and of the row that it names: shape (rows, fields).
    """
    found = []
    for j, field in enumerate(mine):
        for k, other in enumerate(there):
            if not (_plain(field) and _plain(other)) or len(cells) < ROWS or not (others[:, k] != others[0, k]).any():
                continue
            back = _cells(field, other)
            if (back[others[:, k]] == cells[:, j]).all():
                found.append(Copy(j, key, k, back.clip(min=0)))
                break
    return tuple(found)


def _plain(field: Field) -> bool:
    """Whether each of a category's values has a cell of its own."""
    return not field.numeric and field.codec.cells.cells == len(field.codec.vocabulary)


def _cells(mine: Field, other: Field) -> Array:
    """The cell of each cell of another category, -1 where there is none."""
    import numpy as np

    at = {repr(v): i for i, v in enumerate(mine.codec.vocabulary)}
    found = [at.get(repr(v), -1) for v in other.codec.vocabulary]
    if other.codec.missing:
        found.append(mine.codec.cells.cells if mine.codec.missing else -1)
    return np.array(found, dtype=np.int64)


@dataclass(frozen=True)
class Candidate:
    """A column that others may be near to: ``numbers`` as they are, NaN where missing; ``kind`` is its Arrow type."""

    key: int
    other: int
    kind: pa.DataType
    numbers: Array


def numbers_of(field: Field, positions: Array) -> Array:
    """Positions of a column as numbers, NaN where missing."""
    import numpy as np

    grid = field.codec.grid
    assert grid is not None
    missing = np.isnan(positions)
    return np.where(missing, np.nan, np.asarray(grid.raw(np.where(missing, 0.0, positions)), dtype=np.float64))


@dataclass(frozen=True)
class Near:
    """How a column follows another one.

    Args:
        apart: of each row: the distance, or the ratio; NaN where there is none.
        digits: as :class:`Anchor` has it.
        few: the commonest distances or ratios.
    """

    candidate: Candidate
    apart: Array
    few: Array
    digits: int | None = None


def nearest(
    column: Array, kind: pa.DataType, candidates: Sequence[Candidate], seed: int, units: Array, least: int
) -> Near | None:
    """The candidate that a column is nearest to; None where it is near to none.

    Args:
        units: whose each row is, as numbers; a ratio is one that ``least`` of them have.
    """
    import numpy as np
    import pyarrow.types as t

    known = ~np.isnan(column)
    if known.sum() < ROWS:
        return None
    values, (own, _) = column[known], _commonest(column[known])
    best, found = 0.0, None
    for candidate in candidates:
        times = t.is_temporal(kind)
        if candidate.kind != kind if times else t.is_temporal(candidate.kind) or candidate.key < 0:
            continue
        both = known & ~np.isnan(candidate.numbers)
        if both.sum() < max(ROWS, KNOWN * known.sum()) or (candidate.key < 0 and not both[known].all()):
            continue
        distance = np.round(column - candidate.numbers, DIGITS)
        share, spread = _commonest(distance[both])
        tied = share >= TIES and (
            share >= MORE * own or (not times and _agree(distance, candidate.numbers, both, seed))
        )
        close = times and spread <= NARROW * float(np.subtract(*np.percentile(values, [75, 25])))
        score = share + (1.0 if close else 0.0) - 1e-3 * (candidate.key >= 0)
        if (tied or close) and score > best:
            best, found = score, Near(candidate, distance, _first(distance[both]))
        if times:
            continue
        ratio = part_of(column, candidate.numbers, both, seed, units, least)
        if ratio is not None and ratio.score - LESS > best:
            best, found = ratio.score - LESS, Near(candidate, ratio.apart, ratio.few, ratio.digits)
    return found


def _agree(distance: Array, other: Array, both: Array, seed: int) -> bool:
    """Whether the commonest distance is that more often than where the other values are dealt out anew, and so of
    several of them: of three price groups one has half of the lines."""
    import numpy as np

    rows = np.flatnonzero(both)
    least = float(_first(distance[rows])[0])
    hit = distance[rows] == least
    dealt = np.random.default_rng(seed).permutation(other[rows])
    chance = np.round(distance[rows] + other[rows] - dealt, DIGITS) == least
    return several(other[rows][hit]) and beyond_chance(float(hit.mean()), float(chance.mean()))


def _first(values: Array) -> Array:
    """The commonest value."""
    import numpy as np

    found, counts = np.unique(values, return_counts=True)
    return np.asarray(found[counts.argmax()][None])


def _commonest(values: Array) -> tuple[float, float]:
    """The share of the commonest value, and the width of the middle half."""
    import numpy as np

    _, counts = np.unique(values, return_counts=True)
    return float(counts.max() / len(values)), float(np.subtract(*np.percentile(values, [75, 25])))
