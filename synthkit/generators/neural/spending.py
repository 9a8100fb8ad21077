"""How ctgan and tvae divide a privacy budget, before any row is read: noise, sampling rate and number of steps.

Released are what is not declared, if a share of the budget is for it (:mod:`~synthkit.generators.marginals.discover`),
one noisy histogram per column and level of its tree (:mod:`~synthkit.generators.marginals.tree`), and the noisy
gradient sums of DP-SGD (Abadi et al. 2016, arXiv:1607.00133) over Poisson samples of the rows.

One unit of k rows: each of its rows is in a step's sample with probability q by itself, so some of them are with
probability q' = 1 - (1 - q)^k, and given which, they shift the sum by k clipping norms at most. The hockey-stick
divergence is jointly convex, so it is at most that of the Gaussian mechanism of sensitivity k under sampling at q'
(compare Ganesh 2024, arXiv:2401.10294, who computes the mixture exactly): noise multiplier / k, rate q'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.generators.base import Budget
from synthkit.generators.marginals.discover import Discovery
from synthkit.generators.marginals.tree import levels_of
from synthkit.generators.neural.private_params import PrivateParams, declared_rows
from synthkit.privacy.accounting import accountant
from synthkit.privacy.accounting.mechanisms import Mechanism, SubsampledGaussian, noisy_histograms

if TYPE_CHECKING:
    from synthkit.schema import Schema


@dataclass(frozen=True)
class Spending:
    """What one training releases.

    Args:
        levels: histograms of each column.
        sigma: noise of each of their counts.
        rate: probability of each row to be in a step's sample.
        batch: expected rows of a sample, by the declared number of rows: what sums are divided by.
        steps: how many samples.
        noise_multiplier: standard deviation of the noise of a gradient sum / the clipping norm.
        unit: rows of one privacy unit at most.
        discovery: what is found out before.
    """

    levels: tuple[int, ...]
    sigma: float
    rate: float
    batch: float
    steps: int
    noise_multiplier: float
    unit: int = 1
    discovery: Discovery = field(default_factory=Discovery)

    @property
    def gradients(self) -> SubsampledGaussian:
        return gradient_mechanism(self.noise_multiplier, self.rate, self.steps, self.unit)

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """What the releases compose to."""
        columns = noisy_histograms(self.sigma, self.unit, sum(self.levels))
        return (self.gradients, columns, *self.discovery.mechanisms(self.unit))


def gradient_mechanism(noise_multiplier: float, rate: float, steps: int, unit: int) -> SubsampledGaussian:
    """DP-SGD by the module's bound for units of several rows; exact for one."""
    sampled = rate if unit == 1 else -math.expm1(unit * math.log1p(-rate)) if rate < 1 else 1.0
    return SubsampledGaussian(noise_multiplier / unit, min(1.0, sampled), steps)


def spending(params: PrivateParams, budget: Budget, schema: Schema) -> Spending:
    """The least noise that keeps the budget; everything follows from what is declared.

    Raises:
        BuildError: no number of rows is declared, delta is too large, or ``noise_multiplier`` is too small.
    """
    rows = declared_rows(budget)
    rate = params.sampling_rate(rows)
    unit, levels = budget.max_rows_per_unit, tuple(levels_of(c) for c in schema.columns)
    discovery = Discovery.planned(schema, params.preprocessing_share, budget.delta)
    before = discovery.share
    columns = (1 - before) * params.one_way_share

    def make(multiplier: float, noise: float) -> Spending:
        """``noise``: of one release in place of all, by its share of 1 / noise² in which histograms are divided."""
        return Spending(
            levels=levels,
            sigma=noise * unit * math.sqrt(sum(levels) / columns),
            rate=rate,
            batch=rate * rows,
            steps=params.steps(rate),
            noise_multiplier=multiplier,
            unit=unit,
            discovery=discovery.at(noise * unit),
        )

    def divided(multiplier: float) -> Spending:
        return make(multiplier, math.sqrt((1 - before - columns) / squared_mu(make(multiplier, 1.0).gradients)))

    if params.noise_multiplier is None:
        least = accountant.calibrate(lambda z: divided(z).mechanisms, budget.epsilon, budget.delta, start=float(unit))
        return divided(least)
    given = params.noise_multiplier
    _check_given(make(given, 1.0), budget)
    return make(given, accountant.calibrate(lambda n: make(given, n).mechanisms, budget.epsilon, budget.delta))


def squared_mu(gradients: SubsampledGaussian) -> float:
    """mu² of the Gaussian mechanism that DP-SGD is in the limit of many steps: q² T (exp(1 / z²) - 1).

    Bu, Dong, Long & Su 2020, arXiv:1911.11607. It divides the budget; what that comes to is not told by it.
    """
    exponent = min(50.0, gradients.noise_multiplier**-2)
    return gradients.sampling_rate**2 * gradients.steps * math.expm1(exponent)


def _check_given(plan: Spending, budget: Budget) -> None:
    spent = accountant.epsilon([plan.gradients], budget.delta)
    if spent < budget.epsilon:
        return
    least = accountant.calibrate(
        lambda z: [gradient_mechanism(z, plan.rate, plan.steps, plan.unit)],
        budget.epsilon,
        budget.delta,
        start=plan.noise_multiplier,
    )
    raise BuildError(
        f"noise_multiplier {plan.noise_multiplier:g} alone spends epsilon {spent:.3g}, of {budget.epsilon:g}",
        hint=f"leave it out, or give more than {least:.3g}: the histograms of the columns take their share too",
    )
