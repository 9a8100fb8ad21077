"""Intervals for measures of ranking and of error, each with its source."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Z = 1.959963984540054  # the 97.5 % point of the normal distribution
ONE_SIDED = 1.6448536269514722  # its 95 % point


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


def auc_by_entity(
    positive: Array, negative: Array, positive_units: Array, negative_units: Array
) -> tuple[float, float, float]:
    """The AUC of rows with its 95 % interval where the rows of an entity hang together (Obuchowski, Biometrics 53,
    1997, 567–578): DeLong's placements, summed by entity. No entity has rows on both sides. Where all pairs are
    ordered, the inner end comes from the rule of three over entities."""
    import numpy as np

    n, m = len(positive), len(negative)
    both = midranks(np.concatenate([positive, negative]))
    over_negative = (both[:n] - midranks(positive)) / m
    over_positive = 1 - (both[n:] - midranks(negative)) / n
    value = float(over_negative.mean())
    variance, fewest = 0.0, math.inf
    for placed, units in ((over_negative, positive_units), (over_positive, negative_units)):
        _, place = np.unique(units, return_inverse=True)
        sums = np.bincount(place, weights=placed - value)
        entities = len(sums)
        fewest = min(fewest, entities)
        variance += entities / max(1, entities - 1) * float((sums**2).sum()) / len(placed) ** 2
    half = Z * math.sqrt(variance)
    if half == 0:
        half = 3 / fewest
    return value, max(0.0, value - half), min(1.0, value + half)


def tpr_at_fpr(positive: Array, negative: Array, fpr: float) -> float:
    """Share of positives above the threshold that ``fpr`` of the negatives exceed; where scores tie with it, a coin
    decides on as many of them as ``fpr`` leaves room for."""
    import numpy as np

    allowed = min(math.floor(fpr * len(negative)), len(negative) - 1)
    threshold = np.sort(negative)[::-1][allowed]
    above, level = float((negative > threshold).mean()), float((negative == threshold).mean())
    room = max(0.0, min(1.0, (fpr - above) / level))
    tied = room * float((positive == threshold).mean()) if level * len(negative) > 1 else 0.0
    return float((positive > threshold).mean()) + tied


def tpr_interval(positive: Array, negative: Array, fpr: float, alpha: float = 0.05) -> tuple[float, float]:
    """An interval for the share of positives above the population's threshold of ``fpr``, whatever the distributions.

    The true false-positive rate of the k-th largest of m negatives is Beta(k, m + 1 − k). The ends take the strictest
    and the loosest of them that may be the threshold, and there Clopper & Pearson's (1934) ends of the share; the error
    is divided in four. Too few negatives for a strict one (369 at 1 %) give the lower end 0.
    """
    import numpy as np
    from scipy.stats import beta

    n, m, tail = len(positive), len(negative), alpha / 4
    ordered = np.sort(negative)[::-1]
    k = np.arange(1, m + 1)
    below = beta.cdf(fpr, k, m + 1 - k)  # that the k-th largest is stricter than the threshold
    strict, loose = np.count_nonzero(below >= 1 - tail), np.count_nonzero(below > tail)
    low, high = 0.0, 1.0
    if strict:
        hits = int((positive > ordered[strict - 1]).sum())
        low = float(beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    if loose < m:
        hits = int((positive >= ordered[loose]).sum())
        high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


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


def wilson(hits: float, rows: float) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22, 209–212), the share always in it; [0, 1] of no
    rows. Both may be fractions, where rows hang together."""
    if rows <= 0:
        return 0.0, 1.0
    share, z = hits / rows, Z * Z
    centre = (hits + z / 2) / (rows + z)
    half = Z / (rows + z) * math.sqrt(max(0.0, hits * (1 - share)) + z / 4)
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def newcombe(hits: float, rows: float, other_hits: float, other_rows: float) -> tuple[float, float]:
    """The 95 % interval of a difference of two shares (Newcombe 1998, Stat. Med. 17, 873–890, method 10)."""
    p, q = hits / rows, other_hits / other_rows
    (low, high), (other_low, other_high) = wilson(hits, rows), wilson(other_hits, other_rows)
    return p - q - math.hypot(p - low, other_high - q), p - q + math.hypot(high - p, q - other_low)


def of_size(low: float, high: float) -> tuple[float, float]:
    """The interval of a size, from that of the signed number: it reaches 0 where that holds 0."""
    least, most = sorted((abs(low), abs(high)))
    return (0.0 if low <= 0 <= high else least), most
