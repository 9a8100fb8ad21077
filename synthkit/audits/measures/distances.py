"""Distances between two samples of one column, with their sampling error. Pure NumPy on sorted values and counts.

All intervals are at 95 %. Nothing here looks at raw rows more than once: the error of a distance comes from
its limit distribution, so a million rows cost no more than sorting them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from synthkit.audits.measures.statistics import Z

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

T = TypeVar("T")
GRID = 256  # points at which the limit process of the KS statistic is drawn
DRAWS = 1000
RARE = 5.0  # Cochran's rule: a cell of a chi-square table should expect at least five


@dataclass(frozen=True)
class Distance:
    """A distance in [0, 1], its 95 % interval, and the value that noise alone exceeds with probability alpha.

    >>> found = Distance(value=0.08, low=0.03, high=0.13, noise=0.05)
    >>> found.low <= found.value <= found.high
    True
    """

    value: float
    low: float
    high: float
    noise: float


def ks_statistic(x: Array, y: Array) -> tuple[float, float]:
    """D = sup |F(t) − G(t)| of two sorted samples, and a point t where it is reached.

    Counted in whole numbers of 1/lcm(n, m), so ties are exact and D is the nearest float: the same bits as
    ``scipy.stats.ks_2samp(x, y, method="exact").statistic``.
    """
    import numpy as np

    n, m = len(x), len(y)
    unit = math.lcm(n, m)
    points = np.concatenate([x, y])
    below_x, below_y = (np.searchsorted(s, points, side="right") for s in (x, y))
    gaps = np.abs(below_x * (unit // n) - below_y * (unit // m))
    at = int(np.argmax(gaps))
    return int(gaps[at]) / unit, points[at]


def ks_critical(n: int, m: int, alpha: float) -> float:
    """The D that two samples of one distribution exceed with probability ``alpha`` (Smirnov 1939, asymptotic).

    For alpha = 0.05 it is 1.36·sqrt(1/n + 1/m); an upper bound where the values have ties.

    >>> round(ks_critical(5_000, 1_000, 0.05), 3)
    0.047
    """
    return math.sqrt(-0.5 * math.log(alpha / 2.0)) * math.sqrt(1.0 / n + 1.0 / m)


def ks_distance(x: Array, y: Array, rng: np.random.Generator, alpha: float = 0.05) -> Distance:
    """The two-sample Kolmogorov–Smirnov distance of two sorted samples, with a 95 % interval.

    Where F and G differ, D̂ is asymptotically normal with the variance F(1−F)/n + G(1−G)/m at the point of
    the largest gap (Raghavachari 1973, Ann. Statist. 1, 67–73), which gives the upper end. Below, the plain
    bootstrap fails: a maximum over noise lies above the truth, and at F = G it never comes near 0. So the
    lower end is D̂ less the 97.5 % point of the limit process's supremum over all points (and signs) that
    might be the true maximum, those within 2·sqrt(1/n + 1/m) of D̂: the directional derivative of the
    supremum (Fang & Santos 2019, Rev. Econ. Stud. 86, 377–412). At F = G that is the whole bridge, and the
    interval reaches 0 with probability 97.5 %. Where F(1−F) and G(1−G) vanish, two successes and two failures
    are added (Agresti & Coull 1998), so that a small sample is never sure.
    """
    n, m = len(x), len(y)
    value, at = ks_statistic(x, y)
    error = Z * math.sqrt(_variance(x, at) + _variance(y, at))
    low = value - max(error, _supremum_quantile(x, y, value, at, rng))
    return Distance(value, max(0.0, low), min(1.0, value + error), ks_critical(n, m, alpha))


def _variance(values: Array, at: Any) -> float:
    import numpy as np

    n = len(values)
    share = (float(np.searchsorted(values, at, side="right")) + 2.0) / (n + 4.0)
    return share * (1.0 - share) / n


def _supremum_quantile(x: Array, y: Array, value: float, at: Any, rng: np.random.Generator) -> float:
    import numpy as np

    n, m = len(x), len(y)
    points = _grid(x, y, at)
    f = np.searchsorted(x, points, side="right") / n
    g = np.searchsorted(y, points, side="right") / m
    process = bridges(f, rng) / math.sqrt(n) - bridges(g, rng) / math.sqrt(m)
    reach = value - 2.0 * math.sqrt(1.0 / n + 1.0 / m)
    candidates = np.concatenate([process[:, f - g >= reach], -process[:, g - f >= reach]], axis=1)
    return float(np.quantile(candidates.max(axis=1), 0.975))


def _grid(x: Array, y: Array, at: Any) -> Array:
    """At most GRID points of the pooled sample, evenly spread over its ranks, with ``at`` among them."""
    import numpy as np

    spread = [s[np.linspace(0, len(s) - 1, min(len(s), GRID // 2)).round().astype(int)] for s in (x, y)]
    return np.unique(np.concatenate([*spread, np.asarray([at], dtype=x.dtype)]))


def bridges(shares: Array, rng: np.random.Generator) -> Array:
    """DRAWS Brownian bridges at the times ``shares`` (ascending, in [0, 1]); shape (DRAWS, len(shares))."""
    import numpy as np

    steps = np.diff(np.concatenate([[0.0], shares, [1.0]]))
    walk = rng.standard_normal((DRAWS, len(steps)), dtype=np.float32)
    walk *= np.sqrt(steps)
    np.cumsum(walk, axis=1, out=walk)
    bridge: Array = walk[:, :-1] - shares.astype(np.float32) * walk[:, -1:]
    return bridge


def cramers_v(a: Array, b: Array) -> float:
    """Cramér's V of two samples as if they had equal sizes: sqrt(½ Σ (p−q)² / (p+q)), in [0, 1].

    With equal sizes this is Cramér's V of the 2 × K table. With unequal ones the textbook's V falls to 0 as
    one side grows, whatever the difference; this one depends on the shares alone (its square is the
    triangular discrimination of Le Cam 1986, halved), is symmetric, and is 1 where nothing is shared.
    """
    p, q = a / a.sum(), b / b.sum()
    return math.sqrt(0.5 * float(((p - q) ** 2 / (p + q)).sum()))


def cramers_distance(a: Array, b: Array, alpha: float = 0.05) -> Distance:
    """Cramér's V for equal sizes, corrected for bias, with a 95 % interval.

    ``a`` and ``b`` are counts over the same K categories, none empty on both sides. Noise alone lifts V² by
    (K−1)/4·(1/n + 1/m), which is taken off, as Bergsma (2013, J. Korean Stat. Soc. 42, 323–328) does for the
    textbook's V. Near 0 the interval inverts the noncentral χ² of the statistic V²·4/(1/n + 1/m), which is
    exact for small differences; farther out it is the delta method's, with the multinomial variance, as
    there the noncentral χ² no longer knows the spread.
    """
    from scipy.special import chndtrinc
    from scipy.stats import chi2

    n, m, df = float(a.sum()), float(b.sum()), len(a) - 1
    if df == 0:
        return Distance(0.0, 0.0, 0.0, 0.0)
    unit = (1.0 / n + 1.0 / m) / 4.0
    statistic = cramers_v(a, b) ** 2 / unit
    value = _root(unit * (statistic - df))
    noise = _root(unit * (float(chi2.isf(alpha, df)) - df))
    if statistic <= df + 10.0 * math.sqrt(2.0 * df):
        below = float(chi2.cdf(statistic, df))  # where p = q already explains the statistic, the end is 0
        low, high = (
            _root(unit * float(chndtrinc(statistic, df, share))) if below > share else 0.0 for share in (0.975, 0.025)
        )
        return Distance(value, min(low, value), max(high, value), noise)
    # The estimate of the variance carries the noise of V² itself (4·df), whose own share is 2·df.
    spread = math.sqrt(max(_square_variance(a / n, b / m, n, m) - 2.0 * df * unit**2, 0.0))
    error = Z * spread / (2.0 * value)
    return Distance(value, max(0.0, value - error), min(1.0, value + error), noise)


def _square_variance(p: Array, q: Array, n: float, m: float) -> float:
    """The delta method's variance of V² = ½ Σ (p−q)² / (p+q) for two multinomial samples."""
    import numpy as np

    tilt = (p - q) / (p + q)
    by_p, by_q = tilt * (2.0 - tilt) / 2.0, -tilt * (2.0 + tilt) / 2.0
    variance = (np.dot(p, by_p**2) - np.dot(p, by_p) ** 2) / n + (np.dot(q, by_q**2) - np.dot(q, by_q) ** 2) / m
    return float(variance)


def _root(square: float) -> float:
    return math.sqrt(min(1.0, max(0.0, square)))


def pool_rare(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Join the categories that expect fewer than RARE rows on either side into one, the last.

    Returns the two rows of counts and a mask of the categories that were pooled. Where the pool itself
    stays too small, the smallest of the others joins it, unless only one is left.
    """
    import numpy as np

    n, m = a.sum(), b.sum()
    total = a + b
    expected = total * (min(n, m) / (n + m))
    rare = expected < RARE
    common = np.flatnonzero(~rare)
    if rare.any() and expected[rare].sum() < RARE and len(common) > 1:
        rare[common[np.argmin(expected[common])]] = True
    if not rare.any():
        return a, b, rare
    return (
        np.append(a[~rare], a[rare].sum()),
        np.append(b[~rare], b[rare].sum()),
        rare,
    )


def side_by_side(ours: Mapping[T, int], theirs: Mapping[T, int]) -> tuple[Array, Array]:
    """Counts over the categories that either side has, as two arrays in one order."""
    import numpy as np

    names = [c for c in dict.fromkeys((*ours, *theirs)) if ours.get(c, 0) + theirs.get(c, 0)]
    a, b = (np.array([side.get(c, 0) for c in names], dtype=np.int64) for side in (ours, theirs))
    return a, b


def counts_distance(a: Array, b: Array, alpha: float = 0.05) -> Distance:
    """:func:`cramers_distance` of counts side by side, the rare categories pooled."""
    x, y, _ = pool_rare(a.astype(float), b.astype(float))
    return cramers_distance(x, y, alpha)
