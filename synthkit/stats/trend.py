"""How a figure went from run to run: its middle, its last value, and whether it moves by more than its scatter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
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
    from scipy.stats import theilslopes

    shown = [math.log(v) for v in found] if relative else list(found)
    fit = theilslopes(shown, range(len(shown)), CONFIDENCE)
    slope, low, high = (float(v) for v in (fit.slope, fit.low_slope, fit.high_slope))
    if relative:
        slope, low, high = (math.expm1(v) for v in (slope, low, high))
    return Trend(found, relative, slope, (low, high))


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
