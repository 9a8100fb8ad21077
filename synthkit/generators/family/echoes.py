"""Categories that, where both are there, are the owner's: of values too few to have cells of their own, or not always
there. They are told by the values themselves, and put in when the owner's rows are drawn.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.family.reading import Read

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

ROWS = 20  # with both values, from which on it is no chance: as many as the audit ``rollup`` asks for
DIFFERENT = 3  # values


@dataclass(frozen=True)
class Echo:
    """A category that says again what that of a row says which a key names.

    Args:
        column: field of the column.
        key: of the row that has it.
        other: its field there.
        whole: it is missing where the other is, and nowhere else; else it says itself whether it is there.
    """

    column: int
    key: int
    other: int
    whole: bool

    def of(self, own: pa.Array, theirs: pa.Array) -> pa.Array:
        """The column, of what was drawn and of the other value, row by row."""
        import pyarrow.compute as pc

        theirs = theirs.cast(own.type)
        if self.whole:
            return theirs
        return pc.if_else(pc.and_(pc.is_valid(own), pc.is_valid(theirs)), theirs, own)


def echoes_of(mine: Read, key: int, there: Read, named: Array, known: Array, but: Collection[int]) -> tuple[Echo, ...]:
    """The echoes of a table's columns, but of those that are another row's anyway.

    Args:
        named: the row of ``there`` that each row names by the key; below 0: none, and then nothing is one for sure.
        known: the rows of which it is known; the others name one that was held out.
    """
    import numpy as np

    rows = np.flatnonzero(known)
    if len(rows) < ROWS or (named[rows] < 0).any():
        return ()
    ours, theirs = _texts(mine, but), _texts(there, ())
    ours, named = {column: values.take(rows) for column, values in ours.items()}, named[rows]
    found = []
    for column, values in ours.items():
        for other, above in theirs.items():
            if (
                _goes_over(_kind(there, other), _kind(mine, column))
                and (whole := _said_again(values, above.take(named))) is not None
            ):
                found.append(Echo(column, key, other, whole))
                break
    return tuple(found)


def _kind(of: Read, column: int) -> pa.DataType:
    return of.kinds.field(of.fields[column].name).type


def _goes_over(theirs: pa.DataType, ours: pa.DataType) -> bool:
    """Whether any value of the one type is one of the other: an owner's text beside a missing one may be no number."""
    import pyarrow.types as t

    return bool(theirs == ours or t.is_string(ours) or t.is_large_string(ours))


def _texts(of: Read, but: Collection[int]) -> dict[int, pa.Array]:
    """The categories of a table, as text, by field."""
    import pyarrow as pa

    found = {}
    for j, field in enumerate(of.fields):
        if not field.numeric and j not in but and not pa.types.is_nested(of.kinds.field(field.name).type):
            found[j] = of.table.to_arrow([field.name]).column(0).cast(pa.string()).combine_chunks()
    return found


def _said_again(values: pa.Array, above: pa.Array) -> bool | None:
    """Whether the one is the other throughout (True), or where both are there (False); None: neither."""
    import pyarrow.compute as pc

    same = pc.drop_null(pc.equal(values, above))
    if len(same) < ROWS or not pc.all(same).as_py():
        return None
    both = pc.and_(pc.is_valid(values), pc.is_valid(above))
    if pc.count_distinct(values.filter(both)).as_py() < DIFFERENT:
        return None
    return bool(pc.all(pc.equal(pc.is_valid(values), pc.is_valid(above))).as_py())
