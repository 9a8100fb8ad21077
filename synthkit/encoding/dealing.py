"""Rows dealt out to units: in order, or so that no unit has two that are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.rules.coding import codes_of, joint_codes, whole

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

AT_ONCE = 64  # units that rows are dealt to at once, so that each can have one of each kind


def sorted_by(columns: Mapping[str, pa.Array]) -> Array:
    """An order in which rows that are alike lie close: by the column of fewest values first. Shape (rows,)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = sorted(columns, key=lambda n: (pc.count_distinct(columns[n], mode="all").as_py(), n))
    keys = [(n, "ascending") for n in names]
    found: Array = pc.sort_indices(pa.table({n: _sortable(columns[n]) for n in names}), sort_keys=keys).to_numpy()
    return found


def units_in_order(sizes: Array, rows: int) -> Array:
    """The unit of each row, as many to each as it has room for: shape (rows,)."""
    import numpy as np

    return np.repeat(np.arange(len(sizes)), sizes)[:rows]


def apart_codes(columns: Sequence[pa.Array]) -> Array:
    """A number for each combination of values; a row that misses one is like no other. Shape (rows,)."""
    import numpy as np

    codes = [codes_of(c) for c in columns]
    found = joint_codes(codes)
    absent = np.flatnonzero(np.any([c < 0 for c in codes], axis=0))
    found[absent] = len(found) + np.arange(len(absent))
    return found


def dealt(sizes: Array, kinds: Array, random: np.random.Generator) -> Array:
    """The unit of each row, rows of one kind in different units: shape (rows,).

    Of rows that lie close most come into the same unit. Kinds of most rows are dealt first, each row to a unit that has
    most room left (which finds units for all wherever there are some: Gale 1957, Ryser 1957); where a kind has more
    rows than there are units, there are more units.

    Args:
        sizes: rows that units have room for, shape (units,); in all for as many as there are.
        kinds: of each row, shape (rows,).
    """
    import numpy as np

    found = np.empty(len(kinds), dtype=np.int64)
    ends = np.cumsum(sizes)
    start = first = used = 0
    while start < len(kinds):
        last = min(first + AT_ONCE, len(sizes))
        end = min(int(ends[last - 1]), len(kinds)) if last < len(sizes) else len(kinds)
        here = kinds[start:end]
        values, counts = np.unique(here, return_counts=True)
        many = max(last - first, int(counts.max(initial=0)))
        room = np.zeros(many)
        room[: last - first] = sizes[first:last]
        room += random.random(many) / 2  # of equals any
        for value in values[np.argsort(-counts, kind="stable")]:
            rows = np.flatnonzero(here == value)
            units = np.sort(np.argpartition(-room, len(rows) - 1)[: len(rows)])
            room[units] -= 1
            found[start + rows] = used + units
        used += many
        start, first = end, last
    return found


def _sortable(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.types as t

    values = whole(column)
    if t.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return values.cast(pa.int8()) if t.is_boolean(values.type) else values
