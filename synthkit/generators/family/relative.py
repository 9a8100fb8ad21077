"""Columns that are learnt as their distance from another one: a line's price from its product's, a delivery from its
order. What is equal there, or always so many days later, stays so, which cells of the column itself would not keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.columns import Field

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

ROWS = 50  # from which a distance is looked for
TIES = 0.3  # share of the commonest distance, from which it is learnt
MORE = 3.0  # times the share of the column's own commonest value
NARROW = 0.25  # of the column's middle half: the width of that of distances between times
DIGITS = 9  # to which differences of floats are rounded


@dataclass(frozen=True)
class Anchor:
    """A column that is drawn as a distance.

    Args:
        column: field of the column.
        key: of the row in which the other column is; -1: in the same row.
        other: field of the other column there.
        field: of the distance.
    """

    column: int
    key: int
    other: int
    field: Field


@dataclass(frozen=True)
class Copy:
    """A category that is always the owner's: an order is shipped to its customer's country.

    Args:
        column: field of the column.
        other: field of the owner's.
        cells: the column's cell for each of the owner's; 0 where it has none.
    """

    column: int
    other: int
    cells: Array


def copies_of(mine: Sequence[Field], cells: Array, there: Sequence[Field], others: Array) -> tuple[Copy, ...]:
    """The categories that are the owner's in every row.

    Args:
        cells, others: of each row, and of the row that owns it: shape (rows, fields).
    """
    found = []
    for j, field in enumerate(mine):
        for k, other in enumerate(there):
            if not (_plain(field) and _plain(other)) or len(cells) < ROWS or not (others[:, k] != others[0, k]).any():
                continue
            back = _cells(field, other)
            if (back[others[:, k]] == cells[:, j]).all():
                found.append(Copy(j, k, back.clip(min=0)))
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


def nearest(column: Array, kind: pa.DataType, candidates: Sequence[Candidate]) -> tuple[Candidate, Array] | None:
    """The candidate that a column is nearest to, and the distances; None where it is near to none."""
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
        distance = np.round(column - candidate.numbers, DIGITS)
        if np.isnan(distance[known]).any():
            continue
        share, spread = _commonest(distance[known])
        tied = share >= TIES and share >= MORE * own
        close = times and spread <= NARROW * float(np.subtract(*np.percentile(values, [75, 25])))
        score = share + (1.0 if close else 0.0) - 1e-3 * (candidate.key >= 0)
        if (tied or close) and score > best:
            best, found = score, (candidate, distance)
    return found


def _commonest(values: Array) -> tuple[float, float]:
    """The share of the commonest value, and the width of the middle half."""
    import numpy as np

    _, counts = np.unique(values, return_counts=True)
    return float(counts.max() / len(values)), float(np.subtract(*np.percentile(values, [75, 25])))
