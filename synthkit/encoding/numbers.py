"""Numbers and points in time as float64 positions on their own grid, and back without loss.

Integers, decimals and times lie on a grid ``offset + unit * k``; floats do where few decimals write them all. The
position of a value is its ``k``, so that rounding a position gives a value that the source could hold; a float column
off every grid is its own position.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from synthkit.encoding.values import whole_numbers
from synthkit.errors import BuildError
from synthkit.files import Json

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

MOST_DECIMALS = 6  # of a float column that counts as rounded
LARGE, SMALL = 1e100, 1e-100  # floats beyond are scaled by a power of two, so that their squares are finite and not 0
EXACT = 2.0**53  # whole numbers up to it are float64 without loss
TOP = 2.0**64 * (1 - 2.0**-53)  # the greatest float64 that fits 64 bits


@dataclass(frozen=True)
class Grid:
    """Where the values of one column lie.

    Args:
        whole: the raw values are whole numbers (integers, scaled decimals, times); else float64.
        offset: raw value of position 0; of whole numbers the least one.
        unit: raw distance of two neighbours.
        decimals: of a float column; None where its values are on no grid.
        low: least raw value.
        high: greatest raw value.
        exponent: of a float column on no grid: a position is the raw value / 2^exponent.
        exact: (position, raw value) where float64 cannot tell the position of a value that comes back as it is from
            those of its neighbours.
    """

    whole: bool
    offset: int = 0
    unit: int = 1
    decimals: int | None = None
    low: float = 0
    high: float = 0
    exponent: int = 0
    exact: tuple[tuple[float, int], ...] = ()

    @property
    def rounded(self) -> bool:
        """Whether positions are whole numbers."""
        return self.whole or self.decimals is not None

    @property
    def last(self) -> float:
        """The greatest position."""
        import numpy as np

        raw = np.array(
            [self.high], dtype=(np.int64 if -(2**63) <= self.high < 2**63 else object) if self.whole else float
        )
        return float(self.positions(raw)[0])

    @property
    def first(self) -> float:
        """The least position."""
        import numpy as np

        return 0.0 if self.whole else float(self.positions(np.array([self.low], dtype=np.float64))[0])

    def positions(self, raw: Array) -> Array:
        """Raw values (of :func:`raw_numbers`) as float64 positions, same shape."""
        import numpy as np

        if self.whole:
            return np.asarray(_distances(raw, self.offset) / self.unit, dtype=np.float64)
        if self.decimals is not None:
            return np.asarray(np.rint(raw * 10.0**self.decimals), dtype=np.float64)
        return np.asarray(np.ldexp(raw, -self.exponent) if self.exponent else raw, dtype=np.float64)

    def raw(self, positions: Array) -> Array:
        """Positions, rounded to the grid and held within the range that was seen, as raw values."""
        import numpy as np

        if not self.whole:
            if self.decimals is not None:
                found = np.rint(positions) / 10.0**self.decimals
            else:
                found = np.ldexp(positions, self.exponent) if self.exponent else positions
            return np.asarray(np.clip(found, self.low, self.high), dtype=np.float64)
        steps = (int(self.high) - self.offset) // self.unit
        index = np.clip(np.rint(positions), 0.0, float(steps))
        found = at_steps(index, self.offset, self.unit, steps)
        for position, value in self.exact:
            found[index == position] = value
        return np.asarray(found)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Json) -> Grid:
        return Grid(**{**data, "exact": tuple((float(p), int(v)) for p, v in data["exact"])})


def at_steps(index: Array, offset: int, unit: int, last: int) -> Array:
    """offset + unit * index as int64, or as Python's integers where that is too narrow; ``index`` in 0 … ``last``."""
    import numpy as np

    if offset < -(2**63) or offset + unit * last >= 2**63:
        return np.array([min(int(p), last) * unit + offset for p in index.tolist()], dtype=object)
    # In 64 bits without a sign, whose overflow undoes itself: the sum lies within the range.
    within = np.minimum(index, TOP) if index.dtype == np.float64 else index
    count = np.where(index >= last, np.uint64(last), np.minimum(within.astype(np.uint64), np.uint64(last)))
    whole: Array = (count * np.uint64(unit % 2**64) + np.uint64(offset % 2**64)).view(np.int64)
    return whole


def beyond(grid: Grid, positions: Array) -> Array:
    """Positions as raw values, as :meth:`Grid.raw` gives them, but not held within the range that was seen."""
    import numpy as np

    if not grid.whole:
        return np.asarray(positions / 10.0**grid.decimals if grid.decimals is not None else positions)
    steps = np.rint(positions).astype(np.int64)
    return np.array([grid.offset + grid.unit * p for p in steps.tolist()], dtype=_width(grid, steps))


def _width(grid: Grid, steps: Array) -> Any:
    """int64, or Python's integers where that is too narrow."""
    import numpy as np

    ends = [grid.offset + grid.unit * int(p) for p in ((steps.min(), steps.max()) if len(steps) else (0,))]
    return np.int64 if min(ends) >= -(2**63) and max(ends) < 2**63 else object


def _distances(raw: Array, origin: int) -> Array:
    """raw - origin as float64, without overflow on the way."""
    import numpy as np

    if raw.dtype == object or not -(2**63) <= origin < 2**63:
        return np.array([int(v) - origin for v in raw.tolist()], dtype=np.float64)
    zero = np.uint64(origin % 2**64)
    whole = raw.view(np.uint64)
    return np.where(raw >= origin, (whole - zero).astype(np.float64), -(zero - whole).astype(np.float64))


def raw_numbers(values: pa.Array, column: str) -> tuple[Array, Array]:
    """As :func:`raw_values`, and no value is infinite.

    Raises:
        BuildError: one is.
    """
    import numpy as np

    raw, valid = raw_values(values)
    if raw.dtype == np.float64 and np.isinf(raw).any():
        raise BuildError(
            f"column {column!r} holds infinite values, which no generator learns",
            hint="make them missing or finite in the source",
        )
    return raw, valid


def raw_values(values: pa.Array) -> tuple[Array, Array]:
    """An Arrow column as raw values, and which cells hold one: NaN does not, an infinity does.

    Raw values are int64, float64, or Python's integers (dtype object) for decimals of more than 18 digits and unsigned
    integers of 64 bits. Each follows from its own cell.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    valid = values.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_decimal(values.type):
        scaled = last_digits(values)
        if scaled is None:
            return _unscaled(values, valid), valid
        values = scaled
    if values.type == pa.uint64():
        return pc.fill_null(values, 0).to_numpy(zero_copy_only=False).astype(object), valid
    whole = whole_numbers(values)
    if whole is not None:
        return pc.fill_null(whole, 0).to_numpy(zero_copy_only=False), valid
    raw = pc.fill_null(values.cast(pa.float64(), safe=False), float("nan")).to_numpy(zero_copy_only=False)
    valid = valid & ~np.isnan(raw)
    raw = np.where(valid, raw, 0.0)
    return _shortest(raw) if values.type == pa.float32() else raw, valid


def limits(kind: pa.DataType | None) -> tuple[float, float]:
    """The least and the greatest raw value of an Arrow type of numbers or times."""
    import numpy as np
    import pyarrow.types as t

    if kind is not None and t.is_floating(kind):
        most = float(np.finfo(kind.to_pandas_dtype()).max)
        return -most, most
    if kind is not None and t.is_decimal(kind):
        return -(10**kind.precision) + 1, 10**kind.precision - 1
    if kind is not None and (t.is_unsigned_integer(kind) or t.is_time(kind)):
        return 0, 2**kind.bit_width - 1
    width = 64 if kind is None else kind.bit_width
    return -(2 ** (width - 1)) + 1, 2 ** (width - 1) - 1


def _shortest(raw: Array) -> Array:
    """float32 values as the float64 of few decimals that rounds to them, where there is one: 0.1 for 0.10000000149."""
    import numpy as np

    found = raw.copy()
    left = np.abs(raw) < 1e6
    for digits in range(MOST_DECIMALS + 1):
        near = np.rint(raw[left] * 10.0**digits) / 10.0**digits
        same = near.astype(np.float32) == raw[left].astype(np.float32)
        index = np.flatnonzero(left)[same]
        found[index] = near[same]
        left[index] = False
    return found


def from_raw(raw: Array, missing: Array, kind: pa.DataType) -> pa.Array:
    """The inverse of :func:`raw_numbers` in the source's Arrow type."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.types as t

    mask = missing if missing.any() else None
    if raw.dtype == object and t.is_decimal(kind):
        return _scaled(raw, missing, kind)
    if raw.dtype == object:
        return pa.array(np.array([int(v) for v in raw.tolist()], dtype=np.uint64), mask=mask).cast(kind)
    if t.is_decimal(kind) and raw.dtype == np.int64:
        unscaled = pa.array(raw, mask=mask).cast(pa.decimal128(38, 0))
        return _divided(unscaled, kind)
    if t.is_decimal(kind):
        return pa.array(np.round(raw, kind.scale), mask=mask).cast(kind, safe=False)
    if t.is_date32(kind) or t.is_time32(kind):
        return pa.array(raw.astype(np.int32), mask=mask).cast(kind)
    if raw.dtype == np.int64 and t.is_time64(kind):
        day = 86_400_000_000 if kind.unit == "us" else 86_400_000_000_000
        return pa.array(np.clip(raw, 0, day - 1), mask=mask).cast(kind)
    return pa.array(raw, mask=mask).cast(kind, safe=not t.is_floating(kind))


def _unscaled(values: pa.Array, valid: Array) -> Array:
    """The unscaled integers of long decimals; 0 where there is none."""
    import numpy as np

    words = values.type.bit_width // 64
    parts = np.frombuffer(values.buffers()[1], dtype="<u8").reshape(-1, words)
    parts = parts[values.offset : values.offset + len(values)]
    found = parts[:, -1].view(np.int64).astype(object)  # the uppermost word has the sign
    for i in range(words - 2, -1, -1):
        found = found * 2**64 + parts[:, i].astype(object)
    return np.where(valid, found, 0)


def _scaled(raw: Array, missing: Array, kind: pa.DataType) -> pa.Array:
    """The inverse of :func:`_unscaled`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    size = kind.bit_width // 8
    data = b"".join(int(v).to_bytes(size, "little", signed=True) for v in raw.tolist())
    found = pa.Array.from_buffers(kind, len(raw), [None, pa.py_buffer(data)])
    return pc.if_else(pa.array(missing), pa.scalar(None, kind), found) if missing.any() else found


def last_digits(values: pa.Array) -> pa.Array | None:
    """Decimals as int64 in units of their last digit; None where they are too long for that."""
    import pyarrow as pa

    if values.type.precision > 18:
        return None
    # A decimal's buffer is its unscaled integer: reading it as one of scale 0 multiplies by 10^scale without rounding.
    wide = values.cast(pa.decimal128(38, values.type.scale))
    unscaled = pa.Array.from_buffers(pa.decimal128(38, 0), len(wide), wide.buffers(), offset=wide.offset)
    return unscaled.cast(pa.int64())


def _divided(unscaled: pa.Array, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    wide = pa.Array.from_buffers(
        pa.decimal128(38, kind.scale), len(unscaled), unscaled.buffers(), offset=unscaled.offset
    )
    return wide.cast(kind)


class GridSearch:
    """Finds a column's grid from batches of raw values; memory does not grow with the rows."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.low: Any = None
        self.high: Any = None
        self.step = 0
        self.decimals = 0
        self.whole = True

    def add(self, raw: Array) -> None:
        import numpy as np

        if not len(raw):
            return
        self.whole = raw.dtype != np.float64
        low, high = raw.min(), raw.max()
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)
        if self.whole:
            self.first = int(raw[0]) if self.first is None else self.first
            self.step = math.gcd(self.step, _common_step(raw, self.first))
            return
        while self.decimals <= MOST_DECIMALS and not _rounded(raw, self.decimals):
            self.decimals += 1

    def grid(self) -> Grid:
        """The grid of all values added. A column without any value gets one of a single position."""
        if self.low is None:
            return Grid(whole=True)
        if self.whole:
            least, most = int(self.low), int(self.high)
            return Grid(True, offset=least, unit=max(1, self.step), low=least, high=most)
        low, high = float(self.low), float(self.high)
        if self.decimals <= MOST_DECIMALS:
            return Grid(False, decimals=self.decimals, low=low, high=high)
        size = max(abs(low), abs(high))
        exponent = math.frexp(size)[1] if size > LARGE or 0 < size < SMALL else 0
        return Grid(False, low=low, high=high, exponent=exponent)


def _common_step(raw: Array, first: int) -> int:
    """The greatest number that divides all differences to ``first``."""
    import numpy as np

    if raw.dtype == object or not -(2**63) <= first < 2**63:
        return math.gcd(*(int(v) - first for v in raw.tolist()))
    zero, whole = np.uint64(first % 2**64), raw.view(np.uint64)
    return int(np.gcd.reduce(np.where(raw >= first, whole - zero, zero - whole)))


def _rounded(raw: Array, decimals: int) -> bool:
    import numpy as np

    with np.errstate(over="ignore"):
        scaled = np.rint(raw * 10.0**decimals)
    return bool(np.all(np.abs(scaled) < EXACT) and np.all(scaled / 10.0**decimals == raw))
