"""Privacy profiles: δ as a function of ε, for mechanisms whose profile has a closed form or a closed bound.

The profile of a mechanism is δ(x) = sup over neighbours D, D' of the hockey-stick divergence
sup_S [M(D)(S) − eˣ·M(D')(S)], for every real x. A bound on it is enough to compose: any function that is convex in eˣ,
decreasing, and between max(0, 1 − eˣ) and 1 is the profile of a pair of distributions that dominates the mechanism, and
the product of dominating pairs dominates the adaptive composition (Zhu, Dong & Wang 2022,
https://arxiv.org/abs/2106.08567, Propositions 8 and 10). Only the sup over *both* directions of "add/remove" is used
here, so each profile serves both.

Functions take an increasing array x ≥ 0 and give δ(x); at negative x, δ(x) = 1 − eˣ + eˣ·δ'(−x) with δ' of the other
direction.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from synthkit.privacy.accounting.normal import cumulative, log_cumulative

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

SIGMAS = 12.0  # standard deviations of discrete Gaussian noise that are summed; what is beyond has mass below 1e-32
UNDERFLOWS = 1e-290  # below, a probability is computed as its logarithm
MAX_SIGMA = 2e5  # above, the tail sums of a discrete Gaussian are too long; the caller uses zCDP instead


def pure(x: Array, epsilon: float) -> Array:
    """ε-DP. Randomised response has the largest profile of all (Kairouz, Oh & Viswanath 2015,
    https://arxiv.org/abs/1311.0776)."""
    import numpy as np

    delta: Array = np.maximum(0.0, -np.expm1(x - epsilon)) / (1 + math.exp(-epsilon))
    return delta


def gaussian(x: Array, mu: float) -> Array:
    """N(μ, 1) against N(0, 1): Φ(μ/2 − x/μ) − eˣ·Φ(−μ/2 − x/μ), with μ = sensitivity ÷ σ (Balle & Wang 2018,
    https://arxiv.org/abs/1805.06530, Theorem 8)."""
    import numpy as np

    weighted = np.exp(np.minimum(0.0, x + log_cumulative(-mu / 2 - x / mu)))
    delta: Array = np.maximum(0.0, cumulative(mu / 2 - x / mu) - weighted)
    return delta


def subsampled_removed(x: Array, mu: float, rate: float) -> Array:
    """(1 − q)·N(0, 1) + q·N(μ, 1) against N(0, 1): a unit that is sampled with probability q < 1 is removed.

    The first density less eˣ times the second is q·(N(μ, 1) − α·N(0, 1)) with α = 1 + (eˣ − 1)/q, so the profile is
    q·δ(log α) with the Gaussian's δ (Balle, Barthe & Gaboardi 2018, https://arxiv.org/abs/1807.01647).
    """
    import numpy as np

    # beyond x = 30, log α = log(eˣ/q) to the last digit
    log_alpha = np.where(x < 30, np.log1p(np.expm1(np.minimum(x, 30.0)) / rate), x - math.log(rate))
    return rate * gaussian(log_alpha, mu)


def subsampled_added(x: Array, mu: float, rate: float) -> Array:
    """The other direction, N(0, 1) against (1 − q)·N(0, 1) + q·N(μ, 1): with a = 1 − eˣ(1 − q), the profile is
    a·δ(log(eˣq/a)), and 0 where a ≤ 0, that is from x = −log(1 − q) on."""
    import numpy as np

    a = np.maximum(0.0, rate - np.expm1(np.minimum(x, 700.0)) * (1 - rate))
    some: Array = np.where(a > 0, a * gaussian(x + math.log(rate) - np.log(np.maximum(a, 1e-300)), mu), 0.0)
    return some


def bounded_range(x: Array, epsilon: float) -> Array:
    """ε-bounded-range: δ(x) = (e^{ε/2} − e^{x/2})² ÷ (e^ε − 1) for |x| ≤ ε.

    An ε-bounded-range pair has all its losses in [t − ε, t] for some t in [0, ε], and among those the two-point pair
    on {t − ε, t} dominates (Dong, Durfee & Rogers 2020, https://arxiv.org/abs/1909.13830): it has loss t with
    probability q = (e^ε − e^t)/(e^ε − 1), so its profile is q·(1 − e^{x−t}) for x in [t − ε, t]. t is not known, and
    may differ from one choice to the next; so take the supremum over t at each x. The derivative of
    (e^ε − e^t)(1 − e^{x−t}) vanishes at t = (ε + x)/2 alone, which lies within the bounds on t. As a supremum of convex
    functions of eˣ the result is the profile of one dominating pair (its loss has density e^{(ε+x)/2}/(2(e^ε − 1)) on
    [−ε, ε]), valid under adaptive composition. It is not tight there: its variance is ε²/3 for small ε, where zCDP
    has ε²/4.
    """
    import numpy as np

    # e^{ε/2} − e^{x/2} and the denominator, both divided by e^{ε/2}, so that a large ε does not overflow
    delta: Array = np.minimum(0.0, np.expm1((x - epsilon) / 2)) ** 2 / -math.expm1(-epsilon)
    return delta


def zcdp(x: Array, rho: float) -> Array:
    """A bound for everything that is ρ-zCDP.

    The least over α > 1 of exp((α − 1)(αρ − x)) ÷ (α − 1) · (1 − 1/α)^α (Canonne, Kamath & Steinke 2020,
    Proposition 12); any α is valid, so an inexact minimum costs tightness only. And δ(x) ≤ δ(0), the total variation.
    The bound need not be convex in eˣ, which a profile is: take the lower hull before interpolating.
    """
    import numpy as np

    # g(α) = (α − 1)(αρ − x + log(1 − 1/α)) − log α is convex: bisect its derivative over u = log(α − 1)
    low, high = np.full(len(x), -30.0), np.full(len(x), 30.0)
    for _ in range(45):
        middle = (low + high) / 2
        rising = (1 + 2 * np.exp(middle)) * rho - x - np.log1p(np.exp(-middle)) > 0  # log(1 − 1/α) = −log(1 + e⁻ᵘ)
        low, high = np.where(rising, low, middle), np.where(rising, middle, high)
    alpha = 1 + np.exp(high)
    exponent = (alpha - 1) * (alpha * rho - x - np.log1p(np.exp(-high))) - np.log(alpha)
    bound: Array = np.minimum(np.exp(np.minimum(0.0, exponent)), total_variation(rho))
    return bound


def total_variation(rho: float) -> float:
    """A bound on the total variation under ρ-zCDP, whose Kullback-Leibler divergence is at most ρ: √(ρ/2) (Pinsker) and
    √(1 − e^{−ρ}) (Bretagnolle & Huber)."""
    return min(math.sqrt(rho / 2), math.sqrt(-math.expm1(-rho)))


def discrete_gaussian(x: Array, sigma: float, shift: int) -> Array:
    """N_ℤ(0, σ²) against itself shifted by ``shift``: P[Y > xσ²/Δ − Δ/2] − eˣ·P[Y > xσ²/Δ + Δ/2]
    (Canonne, Kamath & Steinke 2020), by summing the tails. A smaller shift has a smaller profile, since the
    noise is log-concave. ``sigma`` is at most ``MAX_SIGMA``."""
    import numpy as np

    reach = math.ceil(SIGMAS * sigma) + shift
    support = np.arange(-reach, reach + 1, dtype=np.float64)
    exponents = -0.5 * (support / sigma) ** 2
    mass = np.exp(exponents)
    total = mass.sum()
    mass /= total
    tail = np.append(np.cumsum(mass[::-1])[::-1], 0.0)  # tail[i] = P[Y ≥ i − reach], summed from the smallest term

    # one rounding decides for both thresholds, which differ by Δ: at a loss that is a point of the grid both sums gain
    # a term or neither does, and then the two cancel
    after = np.floor(np.clip(x * (sigma * sigma / shift) - shift / 2, -reach - 1, reach)).astype(np.int64) + 1
    upper = tail[np.clip(after + reach, 0, len(tail) - 1)]
    at = np.clip(after + shift + reach, 0, len(tail) - 1)
    with np.errstate(divide="ignore"):
        log_tail = np.log(tail)
    # of noise that is small beside the shift the far tail underflows, but not its weight e^x P
    if (least := tail[:-1] < UNDERFLOWS).any():
        log_tail[:-1][least] = np.logaddexp.accumulate(exponents[::-1])[::-1][least] - math.log(total)
    delta: Array = np.maximum(0.0, upper - np.exp(np.minimum(0.0, x + log_tail[at])))
    return delta


def lower_hull(x: Array, delta: Array) -> npt.NDArray[np.int64]:
    """Indices of the points of (eˣ, δ) on the lower convex hull: Andrew's monotone chain."""
    import numpy as np

    kept: list[int] = []
    xs, ds = x.tolist(), delta.tolist()
    for i in range(len(xs)):
        # slopes over e^{x − xs[i]}, all in (0, 1], so that nothing overflows
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            near, far = -math.expm1(xs[b] - xs[i]), -math.expm1(xs[a] - xs[i])
            if ds[b] - ds[i] < (ds[a] - ds[i]) * near / far:
                break
            kept.pop()
        kept.append(i)
    return np.array(kept, dtype=np.int64)
