"""A figure of the next run from those of earlier ones: what it is likely to be, and between what in 95 of 100 runs.

Figures of runs scatter by factors, so it is their logarithms that are taken as normal, with mean and variance unknown:
the next one then follows Student's t about their mean (Gelman et al., Bayesian Data Analysis, 3rd ed., §3.3, with no
knowledge of the mean). Until runs tell how much they scatter, a scatter of :class:`Kind` is assumed, with the weight of
:data:`WEIGHT` runs, so that one run alone gives an interval, too, and many overrule it.

How a figure grows with a table's rows is fitted where earlier runs had different numbers of them: as rowsᵇ, b between
0 (fixed) and 1 (in proportion). Where they had the same number and the next one has another, b is unknown: the interval
spans both ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from synthkit.stats.student import two_sided

WEIGHT = 4  # of the assumed scatter, in runs
LATEST = 20  # runs that are looked at
APART = 1.25  # how much more rows are another size


class Kind(Enum):
    """What is predicted: the standard deviation that is assumed of its logarithm, and which b is likely if unknown."""

    TIME = (0.2, 1.0)
    MEMORY = (0.05, 0.5)


@dataclass(frozen=True)
class Estimate:
    """``low`` and ``high`` are the ends of a 95 % prediction interval; ``runs`` what it rests on."""

    likely: float
    low: float
    high: float
    runs: int

    def times(self, factor: float) -> Estimate:
        return Estimate(self.likely * factor, self.low * factor, self.high * factor, self.runs)

    @property
    def json(self) -> dict[str, float]:
        return {"likely": self.likely, "low": self.low, "high": self.high, "runs": self.runs}


Point = tuple[int | None, float]  # rows of the table, the figure


def predict(points: Sequence[Point], rows: int | None, kind: Kind) -> Estimate | None:
    """The figure of the next run; None where no earlier one had any.

    Args:
        points: of earlier runs, the oldest first.
        rows: of the table then; None: as they were.

    >>> one = predict([(1000, 10.0)], 1000, Kind.TIME)
    >>> round(one.likely, 3), round(one.low, 1), round(one.high, 1)
    (10.0, 4.6, 21.9)
    """
    found = [(n, v) for n, v in points if v > 0][-LATEST:]
    if not found:
        return None
    sizes = [n for n, _ in found if n]
    scaled = rows is not None and rows > 0 and len(sizes) == len(found)
    if not scaled or rows is None:
        return _about([math.log(v) for _, v in found], kind)
    if max(sizes) >= APART * min(sizes):
        power = _power(found)
        return _about([math.log(v) + power * math.log(rows / n) for n, v in found if n], kind)
    base = _about([math.log(v) for _, v in found], kind)
    ratio = rows / sizes[-1]
    if 1 / APART < ratio < APART:
        return base.times(ratio ** kind.value[1])
    ends = sorted((1.0, ratio))
    return Estimate(base.likely * ratio ** kind.value[1], base.low * ends[0], base.high * ends[1], base.runs)


def _about(logs: Sequence[float], kind: Kind) -> Estimate:
    count = len(logs)
    mean = sum(logs) / count
    freedom = WEIGHT + count - 1
    squares = sum((value - mean) ** 2 for value in logs)
    scale = math.sqrt((WEIGHT * kind.value[0] ** 2 + squares) / freedom * (1 + 1 / count))
    off = two_sided(freedom, 0.95) * scale
    return Estimate(math.exp(mean), math.exp(mean - off), math.exp(min(mean + off, 700.0)), count)


def _power(points: Sequence[Point]) -> float:
    """b of rowsᵇ, by least squares on logarithms, held between fixed and in proportion."""
    pairs = [(math.log(n), math.log(v)) for n, v in points if n]
    x, y = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
    slope = sum((a - x) * (b - y) for a, b in pairs) / sum((a - x) ** 2 for a, _ in pairs)
    return float(min(1.0, max(0.0, slope)))


def added(estimates: Sequence[Estimate]) -> Estimate | None:
    """The sum, as if all were off the same way: a busy machine slows every model of a build."""
    return combined(estimates, sum, min)


def largest(estimates: Sequence[Estimate]) -> Estimate | None:
    """Of the largest of several."""
    return combined(estimates, max, max)


def combined(
    estimates: Sequence[Estimate],
    of: Callable[[Iterable[float]], float],
    runs: Callable[[Iterable[int]], int],
) -> Estimate | None:
    if not estimates:
        return None
    likely, low, high = (of(getattr(e, part) for e in estimates) for part in ("likely", "low", "high"))
    return Estimate(likely, low, high, runs(e.runs for e in estimates))
