"""Values as JSON and back as Arrow arrays of any type of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError

if TYPE_CHECKING:
    import pyarrow as pa


def plain(value: Any) -> Any:
    """A value as JSON holds it: dates, times and decimals as text, read back by :func:`array_of`."""
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def array_of(values: list[Any], kind: pa.DataType, column: str) -> pa.Array:
    """The values as an array of that type, parsed from text where they are not of it already.

    Raises:
        BuildError: a value does not fit the type; the message names the column.
    """
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, OverflowError):
        pass
    try:
        return _parsed([None if v is None else str(v) for v in values], kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise BuildError(
            f"column {column!r}: a value does not fit its type {kind}: {str(error)[:200]}",
            hint="declare the type (and pii) that its values have, or ask for values that fit",
        ) from None


def _parsed(texts: list[str | None], kind: pa.DataType) -> pa.Array:
    import datetime as dt

    import pyarrow as pa

    if pa.types.is_time(kind):  # Arrow casts text to every type of ours but this one
        return pa.array([None if t is None else dt.time.fromisoformat(t) for t in texts], pa.time64("us")).cast(kind)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if t is None else t.encode() for t in texts], kind)
    return pa.array(texts, pa.string()).cast(kind)


def whole_numbers(values: pa.Array) -> pa.Array | None:
    """Integers, dates, times and timestamps as int64 in their own unit; None for other types."""
    import pyarrow as pa
    import pyarrow.types as t

    kind = values.type
    if t.is_integer(kind) and kind != pa.uint64():
        return values.cast(pa.int64())
    if t.is_date32(kind) or t.is_time32(kind):
        return values.cast(pa.int32()).cast(pa.int64())
    if t.is_date64(kind) or t.is_time64(kind) or t.is_timestamp(kind):
        return values.cast(pa.int64())
    return None


def from_whole_numbers(numbers: list[int | None], kind: pa.DataType) -> pa.Array:
    """The inverse of :func:`whole_numbers`."""
    import pyarrow as pa
    import pyarrow.types as t

    array = pa.array(numbers, pa.int64())
    return array.cast(pa.int32()).cast(kind) if t.is_date32(kind) or t.is_time32(kind) else array.cast(kind)


def largest_of(kind: pa.DataType) -> int | None:
    """The greatest value of an integer type, None for others."""
    import numpy as np
    import pyarrow.types as t

    return int(np.iinfo(kind.to_pandas_dtype()).max) if t.is_integer(kind) else None
