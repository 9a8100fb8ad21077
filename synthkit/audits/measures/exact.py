"""Numbers of every size and type as float64: what is taken from them first keeps neighbours apart.

A float64 has 53 bits. Beside a number beyond 2^53, the next whole number may be the same float64: 900719925474099300
and 900719925474099301 are. So whole numbers and decimals of that size are counted from an *origin* among them, and the
difference, which is exact, is rounded once. Numbers up to 2^53 have the origin 0, and so stay what they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Array = npt.NDArray[Any]

DOUBLE = 2**53  # whole numbers up to this size are different float64s
MOST_DIGITS = 38  # of a DECIMAL
SQUARED = (1e-100, 1e100)  # numbers of a size between these have squares, and sums of many squares, that are float64s
FAR = 1e100


def above(values: Array, origin: int | float) -> Array:
    """``values − origin`` as float64, finite wherever both are.

    Args:
        values: floats, or 64-bit whole numbers with or without a sign; the difference of these is rounded once.
    """
    import numpy as np

    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            apart = values.astype(np.float64) - float(origin)
        return np.where(np.isfinite(values), np.nan_to_num(apart, nan=np.nan), apart)
    if origin == 0:
        return values.astype(np.float64)
    high, low = values >> 32, values & 0xFFFFFFFF  # in two halves, as the difference of two may need 65 bits
    return (high.astype(np.float64) - (int(origin) >> 32)) * 2.0**32 + (
        low.astype(np.float64) - (int(origin) & 0xFFFFFFFF)
    )


def origin_of(values: pa.ChunkedArray) -> int | Decimal:
    """The middle one of these whole numbers or decimals where one has more digits than a float64, else 0."""
    import numpy as np
    import pyarrow.compute as pc
    import pyarrow.types as t

    if not (t.is_integer(values.type) or t.is_decimal(values.type)):
        return 0
    ends = [v for v in pc.min_max(values).as_py().values() if v is not None]
    scale = values.type.scale if t.is_decimal(values.type) else 0
    if all(abs(e) * 10**scale <= DOUBLE for e in ends):
        return 0
    present = values.drop_null()
    if t.is_decimal(values.type):
        return Decimal(
            present.take(pc.array_sort_indices(present)[len(present) // 2 : len(present) // 2 + 1])[0].as_py()
        )
    numbers = present.to_numpy()
    return int(np.partition(numbers, len(numbers) // 2)[len(numbers) // 2])


def floats(values: pa.ChunkedArray, origin: int | Decimal = 0) -> Array:
    """Numbers less ``origin`` as float64, NaN where there is none. Infinite floats stay infinite."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.types as t

    kind = values.type
    if t.is_decimal(kind) and origin:
        with localcontext(prec=2 * MOST_DIGITS + 1):
            return np.array([math.nan if v is None else float(v - origin) for v in values.to_pylist()], dtype=float)
    if t.is_integer(kind):
        missing = values.is_null().to_numpy()
        return np.where(missing, np.nan, above(values.fill_null(0).to_numpy(), int(origin)))
    return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(), dtype=float)


@dataclass(frozen=True)
class Scale:
    """Numbers as float64s whose squares are ones too: (number − origin) / size, cut at ±1e100."""

    origin: int
    size: float

    def __call__(self, values: Array) -> Array:
        import numpy as np

        found = above(values, self.origin)
        return np.clip(found if self.size == 1 else found / self.size, -FAR, FAR)


def scale_of(values: Array) -> Scale:
    """The scale of rising numbers, as :func:`.marginals.values` gives them: origin 0 and size 1 but for
    whole numbers beyond 2^53, and for floats that are extremely large or extremely small."""
    import numpy as np

    if not len(values):
        return Scale(0, 1.0)
    if values.dtype.kind != "f":
        large = max(abs(int(values[0])), abs(int(values[-1]))) > DOUBLE
        return Scale(int(values[len(values) // 2]) if large else 0, 1.0)
    finite = values[np.isfinite(values)]
    most = float(np.abs(finite).max(initial=0.0))
    return Scale(0, 1.0 if most == 0 or SQUARED[0] < most < SQUARED[1] else most)


def deviation(values: Array) -> float:
    """The standard deviation of finite numbers of any size; 0 of none."""
    import numpy as np

    most = float(np.abs(values).max(initial=0.0))
    if not SQUARED[0] < most < SQUARED[1]:
        return float((values / most).std()) * most if most > 0 else 0.0
    return float(values.std())
