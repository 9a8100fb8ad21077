"""The column that tells rows apart beside the keys of other tables: the number of a line in its order.

Where other tables name such rows, nothing may change it afterwards, so what is drawn must be different within the rest
of the primary key; and where it counts 1, 2, 3, … in the source, it does so here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.rules.coding import codes_of, joint_codes
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Counted:
    """Args:
    column: a learnt whole number of the primary key.
    within: the rest of the primary key.
    first: of each group, where it counts from there without a gap; None: it is different, no more.
    """

    column: str
    within: tuple[str, ...]
    first: int | None

    def apart(self, columns: Mapping[str, pa.Array]) -> pa.Array:
        """The column, different within each group.

        Args:
            columns: it and the rest of the primary key, of drawn rows.
        """
        import numpy as np
        import pyarrow as pa

        drawn = columns[self.column]
        values = drawn.cast(pa.int64()).to_numpy(zero_copy_only=False)
        groups = joint_codes([codes_of(columns[n]) for n in self.within])
        order = np.lexsort((values, groups))
        ranks, (v, g) = _ranks(groups[order]), (values[order], groups[order])
        if self.first is not None:
            found = self.first + ranks
        else:
            ahead = v - ranks  # two that are equal in a group: it falls, and is held up
            width = int(ahead.max(initial=0) - ahead.min(initial=0)) + 1
            found = np.maximum.accumulate(ahead + g * width) - g * width + ranks
        back = np.empty_like(found)
        back[order] = found
        return pa.array(back, pa.int64()).cast(drawn.type)


def counted_of(table: Table, named: Collection[str]) -> Counted | None:
    """What tells a table's rows apart beside the keys to other tables (``named``); None where nothing learnt does."""
    import numpy as np
    import pyarrow.types as t

    primary: Sequence[str] = table.schema.primary_key
    if len(primary) < 2:
        return None
    rows = table.to_arrow(list(primary))
    free = [n for n in primary if n not in named and t.is_integer(rows.schema.field(n).type)]
    if not free:
        return None
    column = free[-1]
    within = tuple(n for n in primary if n != column)
    values = rows.column(column).to_numpy()
    if not len(values) or rows.column(column).null_count:
        return Counted(column, within, None)
    groups = joint_codes([codes_of(rows.column(n)) for n in within])
    order = np.lexsort((values, groups))
    first = values[order] - _ranks(groups[order])
    return Counted(column, within, int(first[0]) if (first == first[0]).all() else None)


def _ranks(groups: Array) -> Array:
    """The place of each row among those of its group; groups ascending."""
    import numpy as np

    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]) if len(groups) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(groups)])
    return np.arange(len(groups)) - np.repeat(starts, sizes)
