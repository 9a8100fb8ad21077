"""Columns of which only some combinations occur, or of which exactly one is 1, are learnt as one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.kept.arrow import packed, unpacked
from synthkit.files import Json
from synthkit.rules.coding import codes_of, codes_together, joint_codes, whole
from synthkit.schema import Column, Schema

if TYPE_CHECKING:
    import pyarrow as pa

MOST = 1_000  # combinations


@dataclass(frozen=True)
class Combined:
    """``known`` is a packed table of the combinations; the learnt column holds their numbers as text."""

    known: str

    KIND = "combined"

    @cached_property
    def table(self) -> pa.Table:
        return unpacked(self.known)

    @property
    def inputs(self) -> tuple[str, ...]:
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.table.column_names)

    @property
    def name(self) -> str:
        """Of the learnt column."""
        return " & ".join(self.outputs)

    def schema(self, outer: Schema) -> Schema:
        from dataclasses import replace

        if not set(self.outputs) <= set(outer.names):
            return outer
        values = tuple(str(i) for i in range(self.table.num_rows))
        column = Column(self.name, "categorical", "VARCHAR", nullable=False, values=values)
        kept = outer.select([n for n in outer.names if n not in self.outputs])
        return replace(kept, columns=(*kept.columns, column))

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        import numpy as np
        import pyarrow as pa

        codes = []
        size = self.table.num_rows
        for name in self.outputs:
            there = self.table.column(name)
            codes.append(np.concatenate(codes_together(there, rows.column(name).cast(there.type))))
        joint = joint_codes(codes)
        place = np.zeros(int(joint.max(initial=0)) + 1, dtype=np.int64)
        place[joint[:size]] = np.arange(size)
        names = [n for n in rows.schema.names if n not in self.outputs]
        together = pa.array(place[joint[size:]]).cast(pa.string())
        return pa.record_batch([*(rows.column(n) for n in names), together], names=[*names, self.name])

    def restore(self, columns: dict[str, Any]) -> None:
        import pyarrow as pa

        place = whole(columns.pop(self.name)).cast(pa.int64())
        for name in self.outputs:
            columns[name] = whole(self.table.column(name)).take(place)

    def to_json(self) -> dict[str, Any]:
        return {"known": self.known}

    @staticmethod
    def from_json(data: Json) -> Combined:
        return Combined(data["known"])


def combined(rows: pa.Table, names: tuple[str, ...]) -> Combined | None:
    """The combinations of all rows; None where there are too many for one column."""
    import numpy as np
    import pyarrow as pa

    first = np.unique(joint_codes([codes_of(rows.column(n)) for n in names]), return_index=True)[1]
    if len(first) > MOST:
        return None
    return Combined(packed(rows.select(list(names)).take(pa.array(np.sort(first)))))
