"""What a guarantee means to an attacker who decides, from all that was released, whether one unit's rows were in.

The attacker knows everything else, the other rows included, and tests "not in" against "in". Differential privacy
bounds every such test: true-positive rate ≤ eˣ · false-positive rate + δ(x) for every x, and the same for the errors
(Wasserman & Zhou 2010, https://arxiv.org/abs/0811.2501; Kairouz, Oh & Viswanath 2015, https://arxiv.org/abs/1311.0776).
"Accuracy" is that of one guess where in and out are equally likely. A measured attack above a bound disproves the
guarantee; one below it proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.extras import installed
from synthkit.privacy.accounting import pld
from synthkit.privacy.accounting.mechanisms import (
    ZCDP,
    ApproximateDP,
    BoundedRange,
    DiscreteGaussian,
    Gaussian,
    Laplace,
    Mechanism,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Attacker:
    """The best that any attacker can do.

    Attributes:
        accuracy: of one guess, in [0.5, 1].
        auc: area under the ROC curve, in [0.5, 1].
        fpr: false-positive rates from 0 to 1, rising, and
        highest: the highest true-positive rate at each; between two of them the curve is straight.
    """

    accuracy: float
    auc: float
    fpr: Array
    highest: Array

    def tpr(self, fpr: float) -> float:
        """The highest true-positive rate at a false-positive rate in [0, 1]."""
        import numpy as np

        if not 0 <= fpr <= 1:
            raise ValueError(f"fpr is a rate between 0 and 1: {fpr!r}")
        # where the curve goes straight up, its upper end
        at = self.highest[self.fpr == fpr]
        return float(at.max()) if len(at) else float(np.interp(fpr, self.fpr, self.highest))


def of_budget(epsilon: float, delta: float) -> Attacker:
    """Under (ε, δ)-DP, and nothing more known: TPR ≤ min(e^ε·FPR + δ, 1 − e^{−ε}(1 − δ − FPR)).

    The two lines meet at FPR = (1 − δ)/(1 + e^ε), which gives accuracy ≤ (e^ε + δ)/(1 + e^ε).

    Raises:
        ValueError: ``epsilon`` is negative, or ``delta`` outside of [0, 1].
    """
    if not (epsilon >= 0 and 0 <= delta <= 1):
        raise ValueError(f"epsilon is at least 0 and delta between 0 and 1: {epsilon!r}, {delta!r}")
    meet = (1 - delta) * math.exp(-epsilon) / (1 + math.exp(-epsilon))  # (1 − δ)/(1 + e^ε) for any ε
    return _attacker([0.0, meet, 1 - delta, 1.0], [delta, 1 - meet, 1.0, 1.0])


def of_mechanisms(mechanisms: Sequence[Mechanism]) -> Attacker:
    """By the whole curve of what was released, which is sharper than any one (ε, δ) on it.

    The likelihood ratio decides (Neyman & Pearson), so the curve is made of the tails of the privacy loss under both
    hypotheses. An upper bound, as the losses are (:mod:`.pld`). For the Gaussian mechanism with
    sensitivity/σ = μ it comes to accuracy Φ(μ/2), AUC Φ(μ/√2) and TPR Φ(Φ⁻¹(FPR) + μ) (Dong, Roth & Su 2022,
    https://arxiv.org/abs/1905.02383).
    """
    import numpy as np

    both = pld.compose(tuple(sorted(mechanisms, key=repr)))
    if both is None:
        return _attacker([0.0, 1.0], [1.0, 1.0])
    losses = both.remove
    at = (np.arange(len(losses.mass)) + losses.first) * losses.step
    inside = losses.mass[::-1]
    tpr = np.minimum(1.0, losses.infinite + np.cumsum(inside))
    fpr = np.minimum(1.0, np.cumsum(inside * np.exp(np.minimum(700.0, -at[::-1]))))
    return _attacker(np.concatenate([[0.0], fpr, [1.0]]), np.concatenate([[losses.infinite], tpr, [1.0]]))


def of_training(mechanisms: Sequence[Mechanism], epsilon: float, delta: float) -> Attacker:
    """By the mechanisms where their losses are known, else by the (ε, δ) that they were calibrated to."""
    known = pld.compose(tuple(sorted(mechanisms, key=repr))) is not None if mechanisms else False
    return of_mechanisms(mechanisms) if known else of_budget(epsilon, delta)


def best_guess(mechanisms: Sequence[Mechanism], epsilon: float, delta: float) -> float:
    """The accuracy of :func:`of_training`; by (ε, δ), which is a bound as well, where numpy is not installed."""
    if installed("numpy"):
        return of_training(mechanisms, epsilon, delta).accuracy
    small = math.exp(-epsilon)
    return min(1.0, (1 + delta * small) / (1 + small))


def _attacker(fpr: npt.ArrayLike, highest: npt.ArrayLike) -> Attacker:
    """Accuracy is (1 + the largest difference of the rates) ÷ 2, the AUC the area below the curve."""
    import numpy as np

    rates, tops = np.asarray(fpr, dtype=float), np.asarray(highest, dtype=float)
    accuracy = (1 + float((tops - rates).max())) / 2
    return Attacker(min(1.0, accuracy), min(1.0, float(np.trapezoid(tops, rates))), rates, tops)


def group_budget(epsilon: float, delta: float, units: int) -> tuple[float, float]:
    """(ε, δ) for a group of k units: (kε, δ·(1 + e^ε + … + e^{(k−1)ε})), where the sum is at most k·e^{(k−1)ε} (Dwork &
    Roth 2014; Vadhan 2017). δ is capped at 1, at which nothing is guaranteed."""
    if units < 1:
        raise ValueError(f"a group has at least one unit: {units!r}")
    if delta == 0:
        return units * epsilon, 0.0
    exponents = (epsilon * i for i in range(units))
    grown = 0.0
    for exponent in exponents:
        grown += delta * math.exp(min(700.0, exponent))
        if grown >= 1:
            return units * epsilon, 1.0
    return units * epsilon, grown


def group_mechanisms(mechanisms: Sequence[Mechanism], units: int) -> tuple[Mechanism, ...] | None:
    """What the mechanisms amount to for a group of k units; sharper than :func:`group_budget` on their total.

    Noise divides by k, as the group moves the statistic k times as far: Gaussian μ·k (Dong, Roth & Su 2022), and
    ρ·k² under zCDP (Bun & Steinke 2016), by which discrete Gaussian noise goes here, since the group's
    rows may fall into several cells. None where Poisson sampling leaves no such rule.
    """
    if units < 1:
        raise ValueError(f"a group has at least one unit: {units!r}")
    found: list[Mechanism] = []
    for one in mechanisms:
        match one:
            case Gaussian(multiplier, count):
                found.append(Gaussian(multiplier / units, count))
            case DiscreteGaussian(sigma, sensitivity, count):
                found.append(ZCDP(count * (units * math.ceil(sensitivity) / sigma) ** 2 / 2))
            case Laplace(scale, sensitivity, count):
                found.append(Laplace(scale, units * sensitivity, count))
            case BoundedRange(epsilon, count):
                found.append(BoundedRange(units * epsilon, count))
            case ZCDP(rho):
                found.append(ZCDP(units**2 * rho))
            case ApproximateDP(epsilon, delta):
                grown = group_budget(epsilon, delta, units)
                if grown[1] >= 1:
                    return None
                found.append(ApproximateDP(*grown))
            case _:
                return None
    return tuple(found)
