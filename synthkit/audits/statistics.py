"""Intervals for measures of ranking and of error, each with its source."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Z = 1.959963984540054  # the 97.5 % point of the normal distribution


def auc(positive: Array, negative: Array) -> float:
    """P(a positive's score > a negative's) + ½ P(equal), from ranks (Mann–Whitney)."""
    import numpy as np

    ranks = midranks(np.concatenate([positive, negative]))
    n, m = len(positive), len(negative)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def midranks(values: Array) -> Array:
    """Ranks from 1; equal values share the mean of theirs."""
    import numpy as np

    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - (counts - 1) / 2)[inverse]).astype(float)


def delong(positive: Array, negative: Array) -> tuple[float, float, float]:
    """AUC with its 95 % interval by DeLong, DeLong & Clarke-Pearson (Biometrics 44, 1988), computed as in Sun & Xu
    (IEEE Signal Processing Letters 21, 2014). Where all pairs are ordered (AUC 0 or 1) the variance is zero, and
    the interval's inner end comes from the rule of three."""
    import numpy as np

    n, m = len(positive), len(negative)
    both = midranks(np.concatenate([positive, negative]))
    over_negative = (both[:n] - midranks(positive)) / m
    over_positive = 1 - (both[n:] - midranks(negative)) / n
    value = float(over_negative.mean())
    variance = over_negative.var(ddof=1) / n + over_positive.var(ddof=1) / m if min(n, m) > 1 else 0.25
    half = Z * math.sqrt(float(variance))
    if half == 0:
        half = 3 / min(n, m)
    return value, max(0.0, value - half), min(1.0, value + half)


def tpr_at_fpr(positive: Array, negative: Array, fpr: float) -> float:
    """Share of positives above the threshold that ``fpr`` of the negatives exceed at most."""
    import numpy as np

    allowed = math.floor(fpr * len(negative))
    threshold = np.sort(negative)[::-1][allowed]
    return float((positive > threshold).mean())


def t_interval(values: Array) -> tuple[float, float, float]:
    """Mean and 95 % interval of a few independent values (Student)."""
    import numpy as np
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    mean = float(values.mean())
    if len(values) < 2:
        return mean, mean, mean
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
    return mean, mean - half, mean + half
