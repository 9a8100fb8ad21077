"""Numbers and points in time as float64 positions on their own grid, and back without loss.

Integers, decimals and times lie on a grid ``offset + unit * k``; floats do where few decimals write them all. The
position of a value is its ``k``, so that rounding a position gives a value that the source could hold; a float column
off every grid is its own position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from synthkit.encoding.values import whole_numbers
from synthkit.errors import BuildError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MOST_DECIMALS = 6  # of a float column that counts as rounded


@dataclass(frozen=True)
class Grid:
    """Where the values of one column lie.

    Args:
        whole: the raw values are int64 (integers, scaled decimals, times); else float64.
        offset: raw value of position 0.
        unit: raw distance of two neighbours.
        decimals: of a float column; None where its values are on no grid.
        low: least position.
        high: greatest position.
    """

    whole: bool
    offset: int = 0
    unit: int = 1
    decimals: int | None = None
    low: float = 0.0
    high: float = 0.0

    @property
    def rounded(self) -> bool:
        """Whether positions are whole numbers."""
        return self.whole or self.decimals is not None

    def positions(self, raw: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Raw values (of :func:`raw_numbers`) as float64 positions, same shape."""
        import numpy as np

        if self.whole:
            # Through float64 and not int64: a value far outside the fitted range must not wrap around.
            steps = raw.astype(np.float64) - self.offset if _far(raw, self.offset) else raw - self.offset
            return np.asarray(steps / self.unit, dtype=np.float64)
        if self.decimals is not None:
            return np.asarray(np.rint(raw * 10.0**self.decimals), dtype=np.float64)
        return np.asarray(raw, dtype=np.float64)

    def raw(self, positions: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Positions, rounded to the grid and held within the range that was seen, as raw values."""
        import numpy as np

        inside: np.ndarray[Any, Any] = np.clip(np.rint(positions) if self.rounded else positions, self.low, self.high)
        if self.whole:
            return np.asarray(inside.astype(np.int64) * self.unit + self.offset)
        return np.asarray(inside / 10.0**self.decimals if self.decimals is not None else inside)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Grid:
        return Grid(**data)


def _far(raw: np.ndarray[Any, Any], offset: int) -> bool:
    return bool(raw.size) and (int(raw.max()) - offset > 2**62 or int(raw.min()) - offset < -(2**62))


def raw_numbers(values: pa.Array, column: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """An Arrow column as int64 or float64, and which cells are valid; NaN counts as missing.

    Raises:
        BuildError: a value is infinite.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    valid = values.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_decimal(values.type):
        scaled = last_digits(values)
        values = values.cast(pa.float64()) if scaled is None else scaled
    whole = whole_numbers(values)
    if whole is not None:
        return pc.fill_null(whole, 0).to_numpy(zero_copy_only=False), valid
    raw = pc.fill_null(values.cast(pa.float64(), safe=False), float("nan")).to_numpy(zero_copy_only=False)
    if np.isinf(raw).any():
        raise BuildError(
            f"column {column!r} holds infinite values, which no generator learns",
            hint="make them missing or finite in the source",
        )
    valid = valid & ~np.isnan(raw)
    return np.where(valid, raw, 0.0), valid


def from_raw(raw: np.ndarray[Any, Any], missing: np.ndarray[Any, Any], kind: pa.DataType) -> pa.Array:
    """The inverse of :func:`raw_numbers` in the source's Arrow type."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.types as t

    mask = missing if missing.any() else None
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

    def add(self, raw: np.ndarray[Any, Any]) -> None:
        import numpy as np

        if not len(raw):
            return
        self.whole = raw.dtype == np.int64
        low, high = raw.min(), raw.max()
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)
        if self.whole:
            self.first = int(raw[0]) if self.first is None else self.first
            self.step = int(np.gcd.reduce(np.append(np.abs(raw - self.first), self.step)))
            return
        while self.decimals <= MOST_DECIMALS and not _rounded(raw, self.decimals):
            self.decimals += 1

    def grid(self) -> Grid:
        """The grid of all values added. A column without any value gets one of a single position."""
        import numpy as np

        if self.low is None:
            return Grid(whole=True)
        if self.whole:
            unit = max(1, self.step)
            grid = Grid(True, offset=int(self.low), unit=unit)
            ends = grid.positions(np.array([self.low, self.high], dtype=np.int64))
        else:
            grid = Grid(False, decimals=self.decimals if self.decimals <= MOST_DECIMALS else None)
            ends = grid.positions(np.array([self.low, self.high], dtype=np.float64))
        return Grid(grid.whole, grid.offset, grid.unit, grid.decimals, float(ends[0]), float(ends[1]))


def _rounded(raw: np.ndarray[Any, Any], decimals: int) -> bool:
    import numpy as np

    scaled = np.rint(raw * 10.0**decimals)
    return bool(np.all(np.abs(scaled) < 2**53) and np.all(scaled / 10.0**decimals == raw))
