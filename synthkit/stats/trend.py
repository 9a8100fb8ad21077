"""How a figure went from run to run: its middle, its last value, and whether it moves by more than its scatter."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist, median
from typing import Literal

Direction = Literal["rising", "falling", "steady", "too few"]
FEWEST = 5  # values for a direction
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Trend:
    """Values in the order of their runs.

    Args:
        slope: the change from one run to the next: as a share of the value (``relative``), or in its own unit.
        ends: its 95 % interval.
    """

    values: tuple[float, ...]
    relative: bool = True
    slope: float | None = None
    ends: tuple[float, float] | None = None

    @property
    def last(self) -> float | None:
        return self.values[-1] if self.values else None

    @property
    def middle(self) -> float | None:
        return median(self.values) if self.values else None

    @property
    def direction(self) -> Direction:
        """Where the interval leaves no doubt about the sign."""
        if self.ends is None:
            return "too few"
        return "rising" if self.ends[0] > 0 else "falling" if self.ends[1] < 0 else "steady"


def trend(values: Sequence[float], *, relative: bool = True) -> Trend:
    """The median of all slopes between two values (Theil 1950), with the interval of Sen (1968).

    Neither one odd run nor the shape of the scatter decides it. Relative slopes are those of logarithms, and need
    positive values; where one is not, the slope is in the figure's own unit.

    >>> trend([1, 2, 4, 8, 16, 32]).direction, round(trend([1, 2, 4, 8, 16, 32]).slope, 9)
    ('rising', 1.0)
    """
    found = tuple(float(v) for v in values)
    relative = relative and all(v > 0 for v in found)
    if len(found) < FEWEST:
        return Trend(found, relative)
    shown = [math.log(v) for v in found] if relative else list(found)
    slope, low, high = _slopes(shown)
    if relative:
        slope, low, high = (math.expm1(v) for v in (slope, low, high))
    return Trend(found, relative, slope, (low, high))


def _slopes(values: Sequence[float]) -> tuple[float, float, float]:
    """The median of the slopes, and the ends of their interval: by the variance of Kendall's S, with equal values
    counted (Sen 1968, equations 2.6 and 4.4)."""
    count = len(values)
    slopes = sorted((y - x) / (j - i) for (i, x), (j, y) in combinations(enumerate(values), 2))
    equal = sum(k * (k - 1) * (2 * k + 5) for k in Counter(values).values())
    spread = math.sqrt((count * (count - 1) * (2 * count + 5) - equal) / 18)
    off = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * spread
    low, high = round((len(slopes) - off) / 2) - 1, round((len(slopes) + off) / 2)
    return median(slopes), slopes[max(0, low)], slopes[min(high, len(slopes) - 1)]


_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], most: int = 16) -> str:
    """The last values as bars, the lowest at the bottom; equal ones lie in the middle.

    >>> sparkline([0, 5, 10]), sparkline([3, 3])
    ('▁▅█', '▄▄')
    """
    shown = [v for v in values if math.isfinite(v)][-most:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    if high - low <= 1e-12 * max(abs(high), abs(low)):
        return _BARS[3] * len(shown)
    step = (len(_BARS) - 1) / (high - low)
    return "".join(_BARS[math.floor((v - low) * step + 0.5)] for v in shown)
