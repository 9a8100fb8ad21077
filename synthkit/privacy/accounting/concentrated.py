"""(ε, δ) of a composition by zero-concentrated differential privacy, for what is known by its ρ only.

Everything but subsampled Gaussians is zCDP: Gaussian noise with ρ = 1/(2σ²) and discrete Gaussian noise with
ρ = Δ²/(2σ²) (Canonne, Kamath & Steinke 2020, https://arxiv.org/abs/2004.00010), the exponential mechanism with
ρ = ε²/8 (Cesar & Rogers 2021, https://arxiv.org/abs/2004.07223), ε-DP with ρ = ε²/2 (Bun & Steinke 2016,
https://arxiv.org/abs/1605.02065). Of an (ε, δ) pair the δ is set aside: such a mechanism is a function of one that
fails openly with probability δ and is ε-DP otherwise (Kairouz, Oh & Viswanath 2015, https://arxiv.org/abs/1311.0776).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from synthkit.privacy.accounting import profiles
from synthkit.privacy.accounting.mechanisms import (
    ZCDP,
    ApproximateDP,
    BoundedRange,
    DiscreteGaussian,
    Gaussian,
    Laplace,
    Mechanism,
)


def total(mechanisms: Sequence[Mechanism]) -> tuple[float, float] | None:
    """The sum of all ρ, and the δ that is set aside; None where a mechanism is not zCDP."""
    rho, kept = 0.0, 0.0
    for one in mechanisms:
        match one:
            case Gaussian(multiplier, count):
                rho += count * (1 / multiplier) ** 2 / 2
            case DiscreteGaussian(sigma, sensitivity, count):
                rho += count * (math.ceil(sensitivity) / sigma) ** 2 / 2
            case Laplace(_, _, count):
                rho += count * one.epsilon**2 / 2
            case BoundedRange(each, count):
                rho += count * each**2 / 8
            case ZCDP(more):
                rho += more
            case ApproximateDP(each, failure):
                rho += each**2 / 2
                kept += math.log1p(-failure)
            case _:
                return None
    return rho, -math.expm1(kept)


def epsilon(mechanisms: Sequence[Mechanism], delta: float) -> float:
    """Canonne, Kamath & Steinke 2020, Proposition 12, solved for ε, at the best of many orders; inf where a mechanism
    is not zCDP or the δ set aside is all there is."""
    import numpy as np

    parts = total(mechanisms)
    if parts is None or parts[1] >= delta:
        return math.inf
    rho, left = parts[0], delta - parts[1]
    if left >= profiles.total_variation(rho):
        return 0.0
    excess = np.logspace(-3, 7, 4_000)  # α − 1
    orders = 1 + excess
    bounds = orders * rho - np.log1p(1 / excess) - (math.log(left) + np.log(orders)) / excess
    return max(0.0, float(bounds.min()))


def delta(mechanisms: Sequence[Mechanism], epsilon: float) -> float:
    """The same for δ; 1 where a mechanism is not zCDP."""
    import numpy as np

    parts = total(mechanisms)
    if parts is None:
        return 1.0
    rho, failure = parts
    # rounded up: a tail far below the δ set aside would be lost in the sum, and the result would promise a little more
    return min(1.0, (failure + float(profiles.zcdp(np.array([float(epsilon)]), rho)[0])) * (1 + 2.0**-51))
