"""Of two ordered columns that lie close, the first and the difference are learnt: ``ordered <= delivered``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.encoding.kept.arrow import types_of, unpacked
from synthkit.files import Json
from synthkit.rules.coding import missing, whole
from synthkit.rules.evaluate import numbers_of, times_of
from synthkit.schema import Column, LogicalType, Schema

if TYPE_CHECKING:
    import pyarrow as pa

CLOSE = 0.5  # spread of the difference beside the column's own: above it, the column says more than the difference
SECOND = 1_000_000  # microseconds


@dataclass(frozen=True)
class Gap:
    """``low <= high``: in place of ``high`` stands how far it lies above, in units (days, seconds, or its own).

    Args:
        kind: the Arrow type of ``high``, packed.
        unit: how much one of the difference is, in what :func:`numbers_of` gives.
        whole: whether the difference is a whole number of units.
        most: no value above it is given, unless ``low`` is.
        places: after the point, of a float.
    """

    low: str
    high: str
    kind: str
    unit: float
    whole: bool
    most: float
    places: int | None

    KIND = "gap"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.low,)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.high,)

    def schema(self, outer: Schema) -> Schema:
        from dataclasses import replace

        logical: LogicalType = "integer" if self.whole else "float"
        sql_type = "BIGINT" if self.whole else "DOUBLE"
        return replace(
            outer,
            columns=tuple(
                Column(c.name, logical, sql_type, nullable=c.nullable) if c.name == self.high else c
                for c in outer.columns
            ),
        )

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        import numpy as np
        import pyarrow as pa

        gap = (numbers_of(rows.column(self.high)) - numbers_of(rows.column(self.low))) / self.unit
        absent = ~np.isfinite(gap)
        gap = np.where(absent, 0.0, gap)
        values = pa.array(np.rint(gap).astype("int64") if self.whole else gap, mask=absent)
        index = rows.schema.get_field_index(self.high)
        return rows.set_column(index, self.high, values)

    def restore(self, columns: dict[str, Any]) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.types as t

        kind = unpacked(self.kind).schema.field(0).type
        low = numbers_of(columns[self.low])
        high = low + np.maximum(numbers_of(columns[self.high]), 0.0) * self.unit
        high = np.maximum(np.minimum(high, self.most), low)
        absent = ~np.isfinite(high)
        high = np.where(absent, 0.0, high)
        if t.is_date(kind) or t.is_timestamp(kind):
            found = times_of(high, absent, kind)
        elif t.is_integer(kind):
            found = pa.array(np.rint(high), mask=absent).cast(kind, safe=False)
        elif t.is_decimal(kind):
            found = pc.round(pa.array(high, mask=absent), kind.scale).cast(kind, safe=False)
        else:
            found = pa.array(high, mask=absent)
            found = found.cast(kind) if self.places is None else pc.round(found, self.places).cast(kind)
        columns[self.high] = found

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "kind": self.KIND, "type": self.kind}

    @staticmethod
    def from_json(data: Json) -> Gap:
        rest = {k: v for k, v in data.items() if k not in ("kind", "type")}
        return Gap(**rest, kind=data["type"])


def gap(rows: pa.Table, low: str, high: str, *, places: int | None, min_count: int) -> Gap | None:
    """The difference of two ordered columns, where it says more than the second; None where it does not.

    Args:
        min_count: so many rows reach what is given out at most.
    """
    import numpy as np
    import pyarrow.types as t

    kind = rows.schema.field(high).type
    absent = missing(rows.column(low)) & ~missing(rows.column(high))
    taken = t.is_temporal(kind) or t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind)
    if absent.any() or rows.schema.field(low).type != kind or not taken:
        return None
    a, b = numbers_of(rows.column(low)), numbers_of(whole(rows.column(high)))
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < 2 * min_count:
        return None
    gaps = b[known] - a[known]
    if _spread(gaps) > CLOSE * _spread(b[known]):
        return None
    unit = float(SECOND) if t.is_timestamp(kind) and not (gaps % SECOND).any() else 1.0
    whole_gap = bool(t.is_temporal(kind) or t.is_integer(kind))
    most = float(np.sort(b[known])[-min_count])
    return Gap(low, high, types_of(rows.schema, [high]), unit, whole_gap, most, places)


def _spread(values: Any) -> float:
    import numpy as np

    return float(np.subtract(*np.quantile(values, [0.95, 0.05])))
