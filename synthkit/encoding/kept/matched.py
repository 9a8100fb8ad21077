"""A column of many values that determines others is learnt with them, and drawn rows are matched to a learnt map.

A generator has some hundred cells for a number or a moment. Were what follows from it (the hour of a moment, the city
of a code) left out and looked up, then all that it has to do with other columns would pass through these cells, and
be lost. So all of them are learnt, and a drawn row takes the row of the map (:mod:`.dependents`) that agrees with it
in what follows and is nearest in the number; where none agrees in all, in what the number tells least of. A number
between those of the map has what the nearest one has, so one number never goes with two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.kept.arrow import unpacked
from synthkit.encoding.kept.dependents import COUNT, dependents
from synthkit.encoding.kept.nearest import in_order_of_surprise, nearest_agreeing
from synthkit.files import Json
from synthkit.rules.coding import codes_of, codes_together, whole
from synthkit.rules.evaluate import kind_of_type, numbers_of
from synthkit.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

MOST_CELLS = 100  # values of a number or moment that a generator tells apart, about


@dataclass(frozen=True)
class Matched:
    """``number -> outputs``, by a map, in which drawn rows are found.

    Args:
        known: a table, packed: the number, then what follows from it, what must agree first coming first.
    """

    known: str

    KIND = "matched"

    @cached_property
    def map(self) -> pa.Table:
        found = unpacked(self.known)
        return found.select([n for n in found.column_names if n != COUNT])

    @property
    def inputs(self) -> tuple[str, ...]:
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.map.column_names)

    def schema(self, outer: Schema) -> Schema:
        return outer

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows

    def restore(self, columns: dict[str, Any]) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        number, *others = self.outputs
        known, drawn = numbers_of(self.map.column(number)), numbers_of(columns[number])
        there, nulls = np.flatnonzero(np.isfinite(known)), np.flatnonzero(~np.isfinite(known))
        sides = [codes_together(self.map.column(n), columns[n].cast(self.map.column(n).type)) for n in others]
        own = nearest_agreeing(known[there], drawn, [], [])
        place = nearest_agreeing(known[there], drawn, [a[there] for a, _ in sides], [b for _, b in sides])
        # What the map does not hold goes with what goes with the nearest, so a number may stay where that agrees.
        stays = np.all([a[there][own] == b for a, b in sides], axis=0)
        at: Any = pa.array(there[np.where(stays, own, place)])
        absent = pc.is_null(whole(columns[number]))
        if len(nulls):  # the map says what goes with a missing number
            at = pc.if_else(absent, pa.scalar(int(nulls[0]), pa.int64()), at)
        for name in self.outputs:
            values, before = whole(self.map.column(name)).take(at), whole(columns[name])
            before = before.cast(values.type)
            if name == number:
                values = pc.if_else(pa.array(stays), before, values)
            columns[name] = values if len(nulls) else pc.if_else(absent, before, values)

    def to_json(self) -> dict[str, Any]:
        return {"known": self.known}

    @staticmethod
    def from_json(data: Json) -> Matched:
        return Matched(data["known"])


def matched(rows: pa.Table, number: str, outputs: tuple[str, ...], *, people: Any, min_count: int) -> Matched | None:
    """The map of all rows, as :func:`.dependents.dependents` makes it; None where it makes none."""
    numbers = numbers_of(rows.column(number))
    order = in_order_of_surprise(numbers, [codes_of(rows.column(n)) for n in outputs])
    found = dependents(
        rows, (number,), tuple(outputs[i] for i in order), people=people, min_count=min_count, both=False
    )
    return None if found is None else Matched(found.known)


def coarse(column: pa.ChunkedArray) -> bool:
    """Whether a generator tells fewer values of a column apart than it has."""
    import pyarrow.compute as pc

    measured: Mapping[str, bool] = {"number": True, "date": True, "moment": True}
    kind = kind_of_type(column.type)
    return kind is not None and measured.get(kind, False) and pc.count_distinct(column).as_py() > MOST_CELLS
