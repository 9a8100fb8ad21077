"""Columns as whole numbers, one a value: what comparing values, grouping and counting need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Codes = np.ndarray[Any, np.dtype[np.int64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]
    Floats = np.ndarray[Any, np.dtype[np.float64]]


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    import pyarrow as pa

    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def codes_of(column: pa.Array | pa.ChunkedArray) -> Codes:
    """A number from 0 for each value, in the order of their first rows; -1 where it is missing. Shape (rows,)."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.types as t

    values = whole(column)
    if t.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if len(values) == 0:
        return np.empty(0, dtype=np.int64)
    if t.is_floating(values.type):
        values = values.fill_null(float("nan"))
        raw = values.to_numpy(zero_copy_only=False)
        encoded = pa.array(raw).dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return np.where(np.isnan(raw), -1, encoded)
    encoded = values.dictionary_encode().indices.fill_null(-1)
    found: Codes = encoded.to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def codes_together(a: pa.Array | pa.ChunkedArray, b: pa.Array | pa.ChunkedArray) -> tuple[Codes, Codes]:
    """:func:`codes_of` of two columns of one type: one value, one number in both. Shape (rows of each,)."""
    import pyarrow as pa

    both = codes_of(pa.concat_arrays([whole(a), whole(b)]))
    return both[: len(a)], both[len(a) :]


def codes_differ(a: pa.Array | pa.ChunkedArray, b: pa.Array | pa.ChunkedArray) -> Mask:
    """In which rows two columns of one type differ. Shape (rows,)."""
    one, other = codes_together(a, b)
    found: Mask = one != other
    return found


def joint_codes(columns: Sequence[Codes]) -> Codes:
    """A number for each combination of values, missing ones counted as values, from 0. Shape (rows,)."""
    import numpy as np

    together = columns[0] + 1
    for codes in columns[1:]:
        width = int(codes.max(initial=-1)) + 2
        together = together * width + codes + 1
        together = np.unique(together, return_inverse=True)[1].reshape(-1)
    if len(columns) == 1:
        together = np.unique(together, return_inverse=True)[1].reshape(-1)
    found: Codes = together.astype(np.int64)
    return found


def repeated(columns: Sequence[Codes]) -> bool:
    """Whether any combination of values is there twice, missing ones counted as values."""
    import numpy as np

    widths = [int(codes.max(initial=-1)) + 2 for codes in columns]
    if math.prod(widths) >= 2**62:
        joint = joint_codes(columns)
        return int(joint.max(initial=-1)) + 1 < len(joint)
    together = np.zeros(len(columns[0]), dtype=np.int64)
    for codes, width in zip(columns, widths, strict=True):
        together *= width
        together += codes + 1
    together.sort()
    return bool((together[1:] == together[:-1]).any())


def missing(column: pa.Array | pa.ChunkedArray) -> Mask:
    """Where the column has no value, NaN among them. Shape (rows,)."""
    import pyarrow.compute as pc

    found: Mask = pc.is_null(whole(column), nan_is_null=True).to_numpy(zero_copy_only=False)
    return found


def text_of(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The values as text."""
    import pyarrow as pa
    import pyarrow.types as t

    values = whole(column)
    if t.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return values if t.is_string(values.type) else values.cast(pa.string())


def one_batch(table: pa.Table | pa.RecordBatch) -> pa.RecordBatch:
    """The rows as one batch."""
    import pyarrow as pa

    if isinstance(table, pa.RecordBatch):
        return table
    return pa.record_batch([whole(c) for c in table.columns], schema=table.schema)


def rows_named(child: pa.Table, parent: pa.Table) -> Codes:
    """The row of the parent that each of the child's rows names: the first whose columns are equal, in their order.

    -1 where one of the child's is missing, -2 where there is no such row. Columns of two types are compared as text.
    """
    import numpy as np

    null = np.zeros(child.num_rows, dtype=bool)
    sides = []
    for mine, theirs in zip(child.columns, parent.columns, strict=True):
        null |= missing(mine)
        if mine.type != theirs.type:
            mine, theirs = text_of(mine), text_of(theirs)
        sides.append(codes_together(theirs, mine))
    joint = joint_codes([np.concatenate(side) for side in sides])
    first = np.full(int(joint.max(initial=0)) + 1, -2, dtype=np.int64)
    first[joint[: parent.num_rows][::-1]] = np.arange(parent.num_rows)[::-1]  # of equal keys the first is put in last
    return np.where(null, -1, first[joint[parent.num_rows :]])
