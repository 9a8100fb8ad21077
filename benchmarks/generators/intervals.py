"""Means with intervals, and ratios of fits that ran beside each other."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value and its interval; the interval is nan to nan where there is only one run."""

    value: float
    low: float
    high: float

    def text(self, form: str, unit: str = "") -> str:
        """Value and interval by a format such as ".3f", without the interval where there is none."""
        if math.isnan(self.value):
            return "–"
        value = f"{self.value:{form}}{unit}"
        return value if math.isnan(self.low) else f"{value} [{self.low:{form}}, {self.high:{form}}]"


def mean(values: Sequence[float]) -> Estimate:
    """Mean of independent runs and its 95 % interval by Student's t; nan where a run has no value."""
    if not values or any(math.isnan(v) for v in values):
        return Estimate(math.nan, math.nan, math.nan)
    centre = statistics.fmean(values)
    if len(values) < 2:
        return Estimate(centre, math.nan, math.nan)
    half = _t(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return Estimate(centre, centre - half, centre + half)


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Estimate:
    """Difference of two means, ours minus theirs, and its 95 % interval by Welch's t (unequal variances)."""
    if not ours or not theirs or any(math.isnan(v) for v in (*ours, *theirs)):
        return Estimate(math.nan, math.nan, math.nan)
    gap = statistics.fmean(ours) - statistics.fmean(theirs)
    if min(len(ours), len(theirs)) < 2:
        return Estimate(gap, math.nan, math.nan)
    parts = [statistics.variance(v) / len(v) for v in (ours, theirs)]
    total = sum(parts)
    if total == 0:
        return Estimate(gap, gap, gap)
    freedom = total**2 / sum(p**2 / (len(v) - 1) for p, v in zip(parts, (ours, theirs), strict=True))
    half = _t(freedom) * math.sqrt(total)
    return Estimate(gap, gap - half, gap + half)


def middle(values: Sequence[float]) -> Estimate:
    """Median, with the least and the greatest value: for seconds on a machine that does other things, too."""
    known = [v for v in values if not math.isnan(v)]
    if not known:
        return Estimate(math.nan, math.nan, math.nan)
    if len(known) == 1:
        return Estimate(known[0], math.nan, math.nan)
    return Estimate(statistics.median(known), min(known), max(known))


def paired_ratio(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Estimate:
    """Median, least and greatest of ours over theirs, seed by seed: the two that ran next to each other."""
    pairs = [ours[s] / theirs[s] for s in ours.keys() & theirs.keys() if theirs[s] > 0]
    return middle(pairs)


def slope(sizes: Sequence[float], values: Sequence[float]) -> Estimate:
    """The exponent b of ``values = a · sizes^b`` by least squares of the logarithms, with its 95 % interval."""
    x, y = [math.log(s) for s in sizes], [math.log(v) for v in values]
    if len(set(x)) < 2:
        return Estimate(math.nan, math.nan, math.nan)
    line = statistics.linear_regression(x, y)
    if len(x) < 3:
        return Estimate(line.slope, math.nan, math.nan)
    centre = statistics.fmean(x)
    left = sum((b - line.intercept - line.slope * a) ** 2 for a, b in zip(x, y, strict=True))
    error = math.sqrt(left / (len(x) - 2) / sum((a - centre) ** 2 for a in x))
    half = _t(len(x) - 2) * error
    return Estimate(line.slope, line.slope - half, line.slope + half)


def _t(freedom: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.5 + CONFIDENCE / 2, freedom))
