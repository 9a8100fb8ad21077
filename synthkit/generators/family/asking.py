"""Numbers that are asked for, as positions: what follows from them follows from them exactly.

A condition puts its value into the published column. A line's price is its product's, though, and a due date is four
weeks after its order: these are computed of positions, so an asked value must stand there, not a place in its cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synthkit.encoding.fill import pa_schema
from synthkit.encoding.numbers import raw_numbers
from synthkit.encoding.values import array_of
from synthkit.generators.family.drawn import Drawn
from synthkit.generators.family.model import Member

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def positions_of(member: Member, values: Mapping[str, Any]) -> dict[int, float]:
    """By field the position of each value of a numeric column, NaN where it is missing."""
    kinds, found = pa_schema(member.arrow), {}
    for j, field in enumerate(member.fields):
        if field.name not in values or field.codec.grid is None:
            continue
        value = values[field.name]
        if value is None:
            found[j] = float("nan")
        else:
            raw, _ = raw_numbers(array_of([value], kinds.field(field.name).type, field.name), field.name)
            found[j] = float(field.codec.grid.positions(raw)[0])
    return found


def put_asked(member: Member, drawn: Drawn) -> None:
    """Put the numbers that ``drawn.asked`` says into the positions, and move what is drawn by its distance from them
    (``drawn.apart``), unless that is asked for itself."""
    import numpy as np

    for rows, quota in drawn.asked:
        asked = positions_of(member, quota.values)
        for j, position in asked.items():
            drawn.exact(j)[rows] = position
        for anchor in (a for a in member.anchors if a.key < 0 and a.other in asked and a.column not in asked):
            apart, base = drawn.apart[anchor.column][rows], drawn.numbers(anchor.other)[rows]
            at = anchor.positions(member.fields[anchor.column], base, apart)
            known = np.flatnonzero(~np.isnan(at))
            drawn.move(anchor.column, rows[known], at[known])
