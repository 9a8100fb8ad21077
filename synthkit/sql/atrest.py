"""Values that a table at rest holds, whatever its types allow.

Every way out must be able to say them: a point in time lies in the years 1 to 9999 (Python, pandas and polars have no
others, and no ``infinity``), a time before 24:00. NaN is a missing value, here as in sources: pandas cannot tell them
apart, and JSON has none. Infinite numbers are kept: every way out has them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError

if TYPE_CHECKING:
    import pyarrow as pa

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400
_FIRST, _LAST = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31 in days since 1970
_INFINITY = {32: 2**31 - 1, 64: 2**63 - 1}  # how DuckDB stores infinite dates and timestamps; the negative ones too


def at_rest(batches: Iterable[pa.RecordBatch], nans: Counter[str]) -> Iterator[pa.RecordBatch]:
    """The rows with NaN as null, also inside lists and structs; ``nans`` counts them by column.

    Raises BuildError, naming the column, for a point in time or a time that not every way out can say.
    """
    import pyarrow as pa

    for batch in batches:
        columns = [_checked(array, name, nans) for name, array in zip(batch.schema.names, batch.columns, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _checked(array: pa.Array, column: str, nans: Counter[str]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.types as t

    kind = array.type
    if t.is_floating(kind):
        return _without_nan(array, column, nans)
    if t.is_date32(kind) or t.is_timestamp(kind) or t.is_time64(kind):
        _check_time(array, column)
        return array
    if t.is_struct(kind):
        found = [_checked(child, column, nans) for child in array.flatten()]
        if all(a is b for a, b in zip(found, array.flatten(), strict=True)):
            return array
        return pa.StructArray.from_arrays(found, fields=list(kind), mask=array.is_null())
    if t.is_list(kind) or t.is_map(kind):
        return _checked_list(array, column, nans)
    return array


def _checked_list(array: Any, column: str, nans: Counter[str]) -> pa.Array:
    """Of lists and maps."""
    import pyarrow as pa
    import pyarrow.types as t

    array = _compact(array)
    mapped = t.is_map(array.type)
    inner = array.items if mapped else array.values
    found = _checked(inner, column, nans)
    if mapped:
        _checked(array.keys, column, nans)
    if found is inner:
        return array
    if mapped:
        return pa.MapArray.from_arrays(array.offsets, array.keys, found, type=array.type, mask=array.is_null())
    return pa.ListArray.from_arrays(array.offsets, found, type=array.type, mask=array.is_null())


def _compact(array: Any) -> Any:
    """A list or map without values that belong to none of its rows."""
    import pyarrow as pa
    import pyarrow.types as t

    values = array.items if t.is_map(array.type) else array.values
    if array.offset == 0 and len(values) == array.offsets[-1].as_py():
        return array
    return array.take(pa.array(range(len(array)), pa.int64()))


def _without_nan(array: pa.Array, column: str, nans: Counter[str]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.is_nan(array)
    many = pc.sum(found).as_py() or 0
    if not many:
        return array
    nans[column] += many
    return pc.if_else(found, pa.scalar(None, array.type), array)


def _check_time(array: pa.Array, column: str) -> None:
    """Raises BuildError where a date, timestamp or time is none that every way out can say."""
    import pyarrow.compute as pc
    import pyarrow.types as t

    kind = array.type
    per_day = _DAY * _PER_SECOND[kind.unit] if not t.is_date32(kind) else 1
    stored = array.view("int32" if t.is_date32(kind) else "int64")
    ends = pc.min_max(stored)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    if low is None:
        return
    if t.is_time64(kind):
        if high >= per_day:
            hint = f"write {column}::VARCHAR, or case when {column} < time '24:00' then {column} end"
            raise BuildError(f"column {column!r} holds the time 24:00, which is none to pandas and polars", hint=hint)
        return
    endless = _INFINITY[kind.bit_width]
    what = "date" if t.is_date32(kind) else "timestamp"
    if high == endless or low in (-endless, -endless - 1):
        hint = f"write case when isfinite({column}) then {column} end, or {column}::VARCHAR"
        raise BuildError(f"column {column!r} holds the {what} infinity, which pandas and polars do not have", hint=hint)
    if low < _FIRST * per_day or high >= (_LAST + 1) * per_day:
        hint = f"write {column}::VARCHAR, or leave these rows out"
        raise BuildError(f"column {column!r} holds a {what} outside the years 1 to 9999", hint=hint)
