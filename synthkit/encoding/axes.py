"""The axis of a column: which positions its values can take, by its declaration alone.

Everything here follows from a column's declaration (type, bounds, values, decimals, nullable) and its physical type.
No count, extreme, category, null or digit of any row decides a shape, a type or a position's meaning.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from synthkit.encoding.numbers import raw_values
from synthkit.encoding.values import array_of, plain
from synthkit.files import Json
from synthkit.privacy.knowledge import parse_bound
from synthkit.schema import Column

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

STEPS = 2**28  # between the bounds of a number whose decimals are not declared: seven digits come back as they were
MOST_STEPS = 2**48  # of any axis: beyond it several neighbouring values share a step
FOUND_STEPS = 2**21 - 1  # of an axis whose bounds are not declared
SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True)
class Axis:
    """The positions of one column: 0 … ``points`` - 1, and ``points`` itself for missing where ``nullable``.

    Either ``values`` (JSON-able, in declared order) or a grid: position p is ``low + p * unit``, in raw units (whole
    numbers, days, seconds, a decimal's last digit) where ``decimals`` is None and ``whole``; in 10^-decimals where a
    float's decimals are known; else in steps of the bounds' distance / :data:`STEPS`.
    """

    name: str
    nullable: bool
    points: int
    values: tuple[Any, ...] | None = None
    whole: bool = False
    decimals: int | None = None
    low: int | float = 0
    unit: int | float = 1

    @property
    def size(self) -> int:
        """Positions, that of the missing values included."""
        return self.points + int(self.nullable)

    @property
    def continuous(self) -> bool:
        """Whether neighbouring positions are neighbouring values."""
        return self.values is None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Json) -> Axis:
        values = data["values"]
        return Axis(**{**data, "values": None if values is None else tuple(values)})


def grid_points(column: Column) -> int:
    """About how many positions a column has, from its declaration alone; 1 where its values are listed.

    The file's physical type may make it a little different; what must not differ between planning and training
    (how often the column's histogram is refined) is decided by this number.
    """
    if column.values is not None or not column.continuous:
        return 1
    if column.type == "float" and column.decimals is None:
        return STEPS + 1
    if column.bounds is None:
        return FOUND_STEPS
    scale = re.match(r"DECIMAL\(\d+,\s*(\d+)\)", column.sql_type.upper())
    digits = column.decimals if column.decimals is not None else int(scale[1]) if scale else 0
    try:
        low, high = (_number(parse_bound(column, b)) for b in column.bounds)
    except ValueError:
        return MOST_STEPS  # training says what is wrong
    steps = (high - low) * (10**digits if column.type in ("float", "decimal") else 1)
    return max(1, round(min(MOST_STEPS, steps + 1)))


def _number(bound: Any) -> float:
    """A bound in the column's steps: numbers as they are, dates in days, points in time and times of day in seconds."""
    if isinstance(bound, dt.datetime):
        return (bound.replace(tzinfo=None) - dt.datetime(1970, 1, 1)).total_seconds()
    if isinstance(bound, dt.date):
        return float(bound.toordinal())
    if isinstance(bound, dt.time):
        return float(bound.hour * 3600 + bound.minute * 60 + bound.second)
    return float(bound)


def axis_of(column: Column, kind: pa.DataType, found: tuple[Any, Any] | None = None) -> Axis:
    """The axis of a column.

    Args:
        kind: its physical type.
        found: raw bounds (:func:`raw_values`) of a column that declares none, from a mechanism that paid for them.

    Raises:
        ValueError: with what must be declared, or what is wrong with what is.
    """
    import pyarrow.types as t

    if column.values is not None or t.is_boolean(kind):
        listed = column.values if column.values is not None else (False, True)
        values = tuple(dict.fromkeys(plain(v) for v in listed if v is not None))
        array_of(list(values), kind, column.name)
        return Axis(column.name, column.nullable, len(values), values)
    number = t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind) or t.is_temporal(kind)
    if not number or not column.continuous:
        raise ValueError("values")
    if column.bounds is not None:
        (low, high), most = _ends(column, kind), MOST_STEPS
    elif found is not None:
        (low, high), most = found, FOUND_STEPS
    else:
        raise ValueError("bounds")
    if isinstance(low, int):
        unit = _whole_unit(column, kind)
        unit *= max(1, -(-((high - low) // unit) // most))
        return Axis(column.name, column.nullable, (high - low) // unit + 1, None, True, None, low, unit)
    if column.decimals is not None or column.type == "integer":
        decimals = column.decimals or 0
        first, last = math.ceil(low * 10**decimals - 1e-9), math.floor(high * 10**decimals + 1e-9)
        if 0 <= last - first <= most:
            return Axis(column.name, column.nullable, last - first + 1, None, False, decimals, first, 1)
    if low == high:
        return Axis(column.name, column.nullable, 1, None, False, None, low, 1.0)
    step = high / STEPS - low / STEPS if math.isinf(high - low) else (high - low) / STEPS
    if not step:  # so near to 0 that float64 has fewer numbers between the bounds
        step = math.ulp(0.0)
        return Axis(column.name, column.nullable, round((high - low) / step) + 1, None, False, None, low, step)
    return Axis(column.name, column.nullable, STEPS + 1, None, False, None, low, step)


def _ends(column: Column, kind: pa.DataType) -> tuple[Any, Any]:
    """The declared bounds as raw values."""
    assert column.bounds is not None
    ends, _ = raw_values(array_of([parse_bound(column, b) for b in column.bounds], kind, column.name))
    low, high = ends.tolist()
    if not low <= high or not math.isfinite(low) or not math.isfinite(high):
        raise ValueError(f"bounds {column.bounds[0]!r} to {column.bounds[1]!r} are no range")
    return low, high


def _whole_unit(column: Column, kind: pa.DataType) -> int:
    """Raw units per step: seconds of points in time; of a decimal the digits that are declared."""
    import pyarrow.types as t

    if t.is_decimal(kind):
        digits = kind.scale if column.decimals is None else min(column.decimals, kind.scale)
        return int(10 ** (kind.scale - digits))
    if t.is_timestamp(kind) or t.is_time(kind):
        return SECOND[kind.unit]
    return 1


def along(axis: Axis, position: Any) -> Any:
    """low + unit * position, of an axis of float64; no overflow on the way."""
    if max(abs(axis.low), abs(axis.unit)) < 1e290:
        return axis.low + position * axis.unit
    return 2 * (axis.low / 2 + position * (axis.unit / 2))


def steps_of(axis: Axis, raw: Array) -> Array:
    """Raw values as the nearest positions, clamped to the axis."""
    import numpy as np

    if axis.whole:
        low, unit = int(axis.low), int(axis.unit)
        high = low + (axis.points - 1) * unit
        if raw.dtype == object or low < -(2**63) or high >= 2**63:
            return np.array([(min(max(int(v), low), high) - low + unit // 2) // unit for v in raw.tolist()], np.int64)
        inside = np.clip(raw.astype(np.int64), low, high).view(np.uint64) - np.uint64(low % 2**64)
        step, rest = np.divmod(inside, np.uint64(unit))
        return np.asarray(step.astype(np.int64) + (rest >= np.uint64(unit - unit // 2)))
    with np.errstate(over="ignore"):  # an infinity is clamped like any other number outside
        if axis.decimals is not None:
            position = np.rint(raw * 10.0**axis.decimals) - axis.low
        else:
            gap = raw - axis.low
            wide = np.isinf(gap) & np.isfinite(raw)  # between the least and the greatest float64
            position = np.rint(np.where(wide, raw / axis.unit - axis.low / axis.unit, gap / axis.unit))
    return np.asarray(np.clip(position, 0, axis.points - 1).astype(np.int64))


def roundest(axis: Axis, position: int) -> float:
    """The number of fewest digits within a step: what a spike off every grid comes back as, whatever the rows hold."""
    top = float(along(axis, axis.points - 1))
    middle, half = min(float(along(axis, position)), top), axis.unit / 2
    low, high = max(middle - half, axis.low), min(middle + half, top)
    if low <= 0 <= high:
        return 0.0
    for digits in range(17):
        found = float(f"{middle:.{digits}e}")
        if low <= found <= high:
            return found
    return float(middle)
