"""Arrow columns as the frame that SDV learns from, and back into the source's own types.

Columns go under neutral names (``c0``, ``c1``, …), so that no name can trip SDV; categories as codes, so that their
own type comes back; dates, times and timestamps as whole numbers of the coarsest unit that fits them all, so that
dates stay dates and full hours full hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from synthkit.encoding.fill import pa_schema, serialised
from synthkit.encoding.numbers import from_raw, raw_values
from synthkit.encoding.values import array_of, plain
from synthkit.errors import BuildError
from synthkit.files import Json
from synthkit.schema import Column, Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_UNITS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1)  # microseconds
FEW_NUMBERS = 10  # different values
Kind = Literal["numerical", "boolean", "categorical"]


@dataclass(frozen=True)
class FrameColumn:
    """How one column is encoded: ``unit`` in microseconds for times, ``categories`` as text in JSON order.

    ``ends`` are the least and the greatest raw value (:func:`synthkit.encoding.numbers.raw_values`) of a number or a
    time: SDV keeps them as float64, which may lie beyond.
    """

    name: str
    kind: Kind
    integer: bool = False
    unit: int = 0
    categories: tuple[Any, ...] = ()
    ends: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Frame:
    """The encoding of a table. ``arrow`` holds the serialised Arrow types in column order."""

    columns: tuple[FrameColumn, ...]
    arrow: tuple[tuple[str, str], ...]

    def names(self) -> dict[str, str]:
        """Real name → SDV's name."""
        return {c.name: f"c{i}" for i, c in enumerate(self.columns)}

    def metadata(self) -> dict[str, Any]:
        """SDV's metadata, written by us and not guessed from the rows."""
        columns = {f"c{i}": {"sdtype": c.kind} for i, c in enumerate(self.columns)}
        return {"METADATA_SPEC_VERSION": "V1", "tables": {"table": {"columns": columns}}, "relationships": []}

    def to_json(self) -> dict[str, Any]:
        columns = [
            {
                "name": c.name,
                "kind": c.kind,
                "integer": c.integer,
                "unit": c.unit,
                "categories": list(c.categories),
                "ends": list(c.ends),
            }
            for c in self.columns
        ]
        return {"columns": columns, "arrow": [list(a) for a in self.arrow]}

    @staticmethod
    def from_json(data: Json) -> Frame:
        columns = tuple(
            FrameColumn(**{**c, "categories": tuple(c["categories"]), "ends": tuple(c["ends"])})
            for c in data["columns"]
        )
        return Frame(columns, tuple((str(a), str(b)) for a, b in data["arrow"]))

    def decode(self, frame: pd.DataFrame) -> pa.RecordBatch:
        """Rows from SDV in the source's Arrow types."""
        import pyarrow as pa

        schema = pa_schema(self.arrow)
        kinds = [schema.field(c.name).type for c in self.columns]
        found = [_decode(c, frame[f"c{i}"], kind) for i, (c, kind) in enumerate(zip(self.columns, kinds, strict=True))]
        arrays = [_within(c, values) for c, values in zip(self.columns, found, strict=True)]
        return pa.record_batch(arrays, schema=schema)


def encode(table: Table) -> tuple[pd.DataFrame, Frame]:
    """The training rows as SDV's frame, and the encoding to undo it. Raises BuildError for infinite numbers."""
    import pandas as pd
    import pyarrow as pa

    columns, data = [], {}
    rows = table.to_arrow(list(table.schema.names))
    for i, column in enumerate(table.schema.columns):
        encoded, values = _encode(column, rows.column(column.name).combine_chunks())
        columns.append(encoded)
        data[f"c{i}"] = values
    arrow = serialised(pa.schema([rows.schema.field(c.name) for c in table.schema.columns]))
    return pd.DataFrame(data), Frame(tuple(columns), arrow)


def _encode(column: Column, values: pa.Array) -> tuple[FrameColumn, Any]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as t

    kind = values.type
    if column.type == "boolean" and t.is_boolean(kind):
        objects = values.to_numpy(zero_copy_only=False)
        return FrameColumn(column.name, "boolean"), objects.astype(object if values.null_count else bool)
    number = t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind)
    if column.continuous and (number or t.is_temporal(kind)) and not _few_numbers(column, values):
        if t.is_temporal(kind):
            micros = _micros(values)
            unit = next(u for u in _UNITS if _divides(micros, u))
            scaled = micros.to_numpy(zero_copy_only=False) / unit if micros.null_count else micros.to_numpy() // unit
            return FrameColumn(column.name, "numerical", integer=True, unit=unit, ends=_ends(values)), scaled
        if t.is_floating(kind) and pc.any(pc.is_inf(values)).as_py():
            raise BuildError(
                f"column {column.name!r} holds infinite values, which no generator learns",
                hint="make them missing or finite in the source",
            )
        floats = values.cast(pa.float64()) if t.is_decimal(kind) else values
        made = FrameColumn(column.name, "numerical", integer=t.is_integer(kind), ends=_ends(values))
        return made, floats.to_numpy(zero_copy_only=False)
    encoded = values.dictionary_encode()
    categories = tuple(plain(v) for v in encoded.dictionary.to_pylist())
    codes = [None if i is None else f"v{i}" for i in encoded.indices.to_pylist()]
    return FrameColumn(column.name, "categorical", categories=categories), np.array(codes, dtype=object)


def _ends(values: pa.Array) -> tuple[Any, ...]:
    raw, valid = raw_values(values)
    return (_plain(raw[valid].min()), _plain(raw[valid].max())) if valid.any() else ()


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else value.item()


def _within(column: FrameColumn, values: pa.Array) -> pa.Array:
    """Drawn values held within those of the rows."""
    import numpy as np
    import pyarrow.compute as pc

    if not column.ends:
        return values
    wide = isinstance(column.ends[0], int) and not all(-(2**63) <= end < 2**63 for end in column.ends)
    raw = np.array(column.ends, dtype=object if wide else None)
    low, high = from_raw(raw, np.zeros(2, dtype=bool), values.type)
    values = pc.if_else(pc.fill_null(pc.less(values, low), False), low, values)
    return pc.if_else(pc.fill_null(pc.greater(values, high), False), high, values)


def _few_numbers(column: Column, values: pa.Array) -> bool:
    """Whole numbers of few values (flags, grades, counts of children) are learnt as categories.

    SDV's own detection does the same; as a continuous column a 0/1 flag would come out as nearly constant.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not column.numeric or pa.types.is_decimal(values.type):
        return False
    present = values.drop_null()
    distinct = pc.unique(present)
    if len(distinct) > FEW_NUMBERS or len(distinct) * 5 > len(present):
        return False
    return bool(pc.all(pc.equal(distinct, pc.round(distinct))).as_py())


def _micros(values: pa.Array) -> pa.Array:
    """Times as microseconds since the epoch (or since midnight)."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as t

    if t.is_date(values.type):
        return pc.multiply(values.cast(pa.date32()).cast(pa.int32()).cast(pa.int64()), 86_400_000_000)
    if t.is_time(values.type):
        return values.cast(pa.time64("us")).cast(pa.int64())
    return values.cast(pa.timestamp("us", tz=getattr(values.type, "tz", None)), safe=False).cast(pa.int64())


def _divides(micros: pa.Array, unit: int) -> bool:
    import numpy as np

    present = micros.drop_null().to_numpy()
    return bool(np.all(present % unit == 0))


def _decode(column: FrameColumn, values: pd.Series, kind: pa.DataType) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    missing = values.isna().to_numpy()
    if column.kind == "categorical":
        codes = [None if m else int(str(v)[1:]) for v, m in zip(values, missing, strict=True)]
        dictionary = array_of(list(column.categories), kind, column.name)
        return dictionary.take(pa.array(codes, pa.int64()))
    if column.kind == "boolean":
        return pa.array([None if m else bool(v) for v, m in zip(values, missing, strict=True)], pa.bool_()).cast(kind)
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    if column.integer:
        present = np.where(missing, 0, numbers)
        if column.unit:
            return _from_micros(pa.array(_whole(present, pa.int64()), mask=missing), column.unit, kind)
        return pa.array(_whole(present, kind), mask=missing).cast(kind)
    if pa.types.is_decimal(kind):
        return pa.array(np.round(numbers, kind.scale), mask=missing).cast(kind, safe=False)
    return pa.array(numbers, mask=missing).cast(kind)


def _whole(numbers: Any, kind: pa.DataType) -> Any:
    """Rounded, and within what the integer type can hold: rounding may lead an edge value out of it."""
    import numpy as np

    info = np.iinfo(kind.to_pandas_dtype())
    limit = float(info.max)
    clipped = np.clip(np.rint(numbers), float(info.min), np.nextafter(limit, 0) if limit > info.max else limit)
    return clipped.astype(info.dtype)


def _from_micros(whole: pa.Array, unit: int, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as t

    if t.is_date(kind):
        days = pc.divide(pc.multiply(whole, unit), 86_400_000_000)
        return days.cast(pa.int32()).cast(pa.date32()).cast(kind)
    micros = pc.multiply(whole, unit)
    if t.is_time(kind):
        inside = pc.max_element_wise(pc.min_element_wise(micros, 86_399_999_999), 0)
        inside = pc.if_else(micros.is_valid(), inside, pa.scalar(None, pa.int64()))
        return inside.cast(pa.time64("us")).cast(kind)
    if kind.unit == "ns":  # whose range is narrower
        most = pa.scalar((2**63 - 1) // 1_000)
        inside = pc.max_element_wise(pc.min_element_wise(micros, most), pc.negate(most))
        micros = pc.if_else(micros.is_valid(), inside, pa.scalar(None, pa.int64()))
    return micros.cast(pa.timestamp("us", tz=getattr(kind, "tz", None))).cast(kind)
