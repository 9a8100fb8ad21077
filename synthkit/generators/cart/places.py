"""Where a column's cells stand in an order, so that one threshold parts them.

Numbers have theirs. Categories are put in the order of their first coordinate of a correspondence analysis with all
other columns (Greenacre 2017, "Correspondence Analysis in Practice"): neighbours go with like values of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

COARSE = 12  # cells of another column that are told apart
FEW = 2  # categories that any order parts


def places_of(codes: Array, cardinalities: Sequence[int], column: int, numeric: Sequence[bool]) -> Array:
    """The place of each cell of a column: float32, shape (its cells,)."""
    import numpy as np

    count = cardinalities[column]
    if numeric[column] or count <= FEW:
        return np.arange(count, dtype=np.float32)
    mine, tables = codes[:, column].astype(np.int64), []
    for other, cells in enumerate(cardinalities):
        if other == column or cells < 2:
            continue
        coarse = min(cells, COARSE)
        # Cells of numbers hold about as many rows each, and categories come in the order of their frequency.
        theirs = codes[:, other].astype(np.int64)
        theirs = theirs * coarse // cells if numeric[other] else np.minimum(theirs, coarse - 1)
        found = np.bincount(mine * coarse + theirs, minlength=count * coarse).reshape(count, coarse).astype(np.float64)
        tables.append(found[:, found.sum(0) > 0])
    if not tables:
        return np.arange(count, dtype=np.float32)
    table = np.concatenate(tables, axis=1)
    rows, columns = table.sum(1, keepdims=True), table.sum(0, keepdims=True)
    expected = rows * columns / table.sum()
    # Half a row more of each: a category of few rows is not the furthest out for their sake alone.
    residuals = (table - expected) / np.sqrt(expected + 0.5)
    leading: Array = np.linalg.svd(residuals, full_matrices=False)[0]
    axis = leading[:, 0] / np.sqrt(np.maximum(rows[:, 0], 1))
    axis = axis if axis[np.abs(axis).argmax()] > 0 else -axis
    ranks = np.empty(count, dtype=np.float32)
    ranks[np.argsort(axis, kind="stable")] = np.arange(count)
    return ranks
