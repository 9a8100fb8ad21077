"""How many different values samples of unequal size show: rarefaction, from ecology. Pure NumPy on frequencies.

A larger sample shows more values, so two counts of values may be compared at one number of rows only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.measures.statistics import Z

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Richness:
    """The expected number of different values among ``rows`` rows, and its standard error."""

    value: float
    error: float
    rows: int


def rarefied(frequencies: Mapping[int, int], rows: int) -> Richness:
    """The number of different values that ``rows`` of a sample's rows show, on average over all choices of them.

    The mean is exact: Σ 1 − C(N−c, m)/C(N, m) over the values' counts c (Hurlbert 1971, Ecology 52, 577–586). The
    standard error is that of another sample from the same population, not of another choice from this sample: Σ
    (1−C(N−c, m)/C(N, m))² − S(m)²/Ŝ with Chao's Ŝ for all values, seen or not (Colwell et al. 2012, J. Plant Ecology
    5, 3–21, eq. 5).

    Args:
        frequencies: how often a value occurs → how many values occur so often.
        rows: m, at most the sample's own size N.

    Raises:
        ValueError: the sample has fewer rows.
    """
    import numpy as np
    from scipy.special import gammaln

    counts = np.array(sorted(frequencies), dtype=np.float64)
    values = np.array([frequencies[int(c)] for c in counts], dtype=np.float64)
    total = float(np.dot(counts, values))
    if not 0 < rows <= total:
        raise ValueError(f"{rows} rows cannot be drawn from {total:.0f}")
    absent = np.zeros_like(counts)  # the chance that a value is not among the rows
    rare = total - counts >= rows
    absent[rare] = np.exp(
        gammaln(total - counts[rare] + 1)
        - gammaln(total - counts[rare] - rows + 1)
        - gammaln(total + 1)
        + gammaln(total - rows + 1)
    )
    seen = 1.0 - np.minimum(absent, 1.0)
    mean = float(np.dot(seen, values))
    variance = float(np.dot(seen**2, values)) - mean**2 / _chao1(frequencies, total)
    return Richness(mean, math.sqrt(max(variance, 0.0)), rows)


def _chao1(frequencies: Mapping[int, int], total: float) -> float:
    """Chao's lower bound on the number of all values, bias-corrected (Chao 1984, Scand. J. Statist. 11, 265–270)."""
    once, twice = frequencies.get(1, 0), frequencies.get(2, 0)
    return sum(frequencies.values()) + (total - 1) / total * once * (once - 1) / (2.0 * (twice + 1))


@dataclass(frozen=True)
class Ratio:
    """How many times more values the one sample shows than the other (the larger over the smaller, so at least 1)."""

    value: float
    low: float
    high: float
    error: float  # of its logarithm


def ratio(a: Richness, b: Richness) -> Ratio:
    """The ratio of two counts at one number of rows, with its 95 % interval by the delta method on the logarithm."""
    log = abs(math.log(a.value / b.value))
    error = math.hypot(a.error / a.value, b.error / b.value)
    return Ratio(math.exp(log), math.exp(max(0.0, log - Z * error)), math.exp(log + Z * error), error)
