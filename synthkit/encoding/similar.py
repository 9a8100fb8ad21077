"""Which values of a category stand in similar rows: one number for each, alike for values that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synthkit.schema import Column, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

PRIOR = 5  # rows of the overall mean that a value's own are mixed with: a mean of one row says little


def scores(values: pa.Array, texts: Sequence[str], held: Array, table: Table, others: Sequence[Column]) -> Array:
    """The mean of each value in the column whose means differ most between values: floats, shape (len(texts),).

    Numbers and times count by their rank, a category by whether it is its most frequent value. Without any such column
    all values are alike.

    Args:
        values: of each row.
        texts: the different ones.
        held: rows of each.
        others: columns of the table that may tell.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    index = pc.fill_null(pc.index_in(values, pa.array(texts, values.type)), -1).to_numpy(zero_copy_only=False)
    known = index >= 0
    best, found = -np.inf, np.zeros(len(texts))
    for column in others:
        places = ranks(table.to_arrow([column.name]).column(0))
        if places is None:
            continue
        middle = places.mean()
        sums = np.bincount(index[known], places[known] - middle, minlength=len(texts))
        means = sums / (held + PRIOR)
        spread = float((held * means**2).sum())
        total = float(((places[known] - middle) ** 2).sum())
        share = spread / total if total else 0.0
        if share > best:
            best, found = share, means
    return found


def ranks(values: pa.ChunkedArray) -> Array | None:
    """A column as numbers from 0 to 1, its missing values in the middle; None where it has no two values."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as t

    kind = values.type
    if t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind) or t.is_temporal(kind):
        order: Array = pc.rank(values.combine_chunks(), tiebreaker="dense").to_numpy(zero_copy_only=False).astype(float)
        missing = values.is_null().to_numpy()
        most = order[~missing].max(initial=1.0)
        return None if most == 1 else np.where(missing, 0.5, (order - 1) / max(1.0, most - 1))
    if not (t.is_string(kind) or t.is_large_string(kind) or t.is_boolean(kind)):
        return None
    counted = pc.value_counts(values.drop_null())
    if len(counted) < 2:
        return None
    top = counted.field("values")[int(np.argmax(counted.field("counts").to_numpy(zero_copy_only=False)))]
    same = pc.fill_null(pc.equal(values, pa.scalar(top.as_py(), kind)), False)
    found: Array = same.to_numpy().astype(float)
    return found
