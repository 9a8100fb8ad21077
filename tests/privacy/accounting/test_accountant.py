"""The accountant against published values, closed forms, Google's dp-accounting and Opacus; and what must always hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm

from synthkit.privacy.accounting.accountant import calibrate, delta, epsilon
from synthkit.privacy.accounting.mechanisms import (
    ZCDP,
    ApproximateDP,
    BoundedRange,
    DiscreteGaussian,
    Gaussian,
    Laplace,
    Mechanism,
    SubsampledGaussian,
)

DELTA = 1e-5
ADULT = 500 / 32561  # the sampling rate of batches of 500 among Adult's rows

# (σ, q, steps) and the ε of Opacus's PRV accountant at its default error of 0.01, which it adds
PRV = [((1, 0.01, 1000), 1.838), ((2, 0.01, 1000), 0.632), ((0.7, 0.01, 1000), 4.629)]


def gaussian_delta(mu: float, at: float) -> float:
    """Balle & Wang 2018, Theorem 8."""
    return float(norm.cdf(mu / 2 - at / mu) - math.exp(at) * norm.cdf(-mu / 2 - at / mu))


def gaussian_epsilon(mu: float, delta: float) -> float:
    return float(brentq(lambda at: gaussian_delta(mu, at) - delta, 0, 200))


@pytest.mark.parametrize(("parameters", "published"), PRV)
def test_published_values_of_dp_sgd(parameters: tuple[float, float, int], published: float) -> None:
    assert epsilon([SubsampledGaussian(*parameters)], DELTA) == pytest.approx(published, abs=0.02)


@pytest.mark.parametrize(("repeats", "published"), [(2, 2.594), (5, 4.212)])
def test_repeated_trainings_compose_by_their_parameters(repeats: int, published: float) -> None:
    once = SubsampledGaussian(1, 0.01, 1000)
    assert epsilon([once] * repeats, DELTA) == pytest.approx(published, abs=0.02)
    assert epsilon([once] * repeats, DELTA) < repeats * epsilon([once], DELTA) * 0.75  # not a sum of ε


@pytest.mark.parametrize(("budget", "sigma"), [(1, 8.120), (3, 3.083), (8, 1.465)])
def test_published_calibrations_of_dp_sgd(budget: float, sigma: float) -> None:
    """The published σ meets the budget with the published accountant's error of 0.01 in ε to spare, and no more than
    that: so the figures agree, and ours is the smaller σ by that error."""

    def make(x: float) -> list[Mechanism]:
        return [SubsampledGaussian(x, ADULT, 19_500)]

    assert epsilon(make(sigma), DELTA) == pytest.approx(budget - 0.01, abs=0.002)
    ours = calibrate(make, budget, DELTA)
    assert budget * (1 - 3e-4) <= epsilon(make(ours), DELTA) <= budget
    assert sigma * 0.99 <= ours < sigma


@pytest.mark.parametrize("mu", [0.05, 0.3, 1.0, 4.0, 12.0])
@pytest.mark.parametrize("target", [1e-9, 1e-5, 1e-2])
def test_gaussian_against_the_analytic_formula(mu: float, target: float) -> None:
    """Above the exact value, by no more than 5e-4 of it: the grid's share."""
    if gaussian_delta(mu, 0.0) <= target:
        assert epsilon([Gaussian(1 / mu)], target) == 0.0
        return
    exact = gaussian_epsilon(mu, target)
    for mechanisms in ([Gaussian(1 / mu)], [Gaussian(10 / mu, 100)], [SubsampledGaussian(5 / mu, 1.0, 25)]):
        assert exact * (1 - 1e-9) <= epsilon(mechanisms, target) <= exact * (1 + 5e-4) + 1e-6


def test_gaussian_delta_against_the_analytic_formula() -> None:
    for at in (0.0, 0.5, 1.0, 3.0):
        exact = gaussian_delta(1.0, at)
        assert exact <= delta([Gaussian(1.0)], at) <= exact * 1.002


@pytest.mark.parametrize(("parameters", "exact"), [((1, 1, 1), 4.3772), ((4, 1, 10), 3.3414)])
def test_sampling_everybody_is_plain_noise(parameters: tuple[float, float, int], exact: float) -> None:
    assert epsilon([SubsampledGaussian(*parameters)], DELTA) == pytest.approx(exact, abs=1e-3)


def google(make: Callable[..., Any], count: int, **step: float) -> float:
    losses = make(value_discretization_interval=step.pop("step", 1e-4), **step)
    return float(losses.self_compose(count).get_epsilon_for_delta(DELTA))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sigma", "rate", "steps"),
    [(1, 0.01, 1000), (0.7, 0.01, 300), (2, 0.1, 100), (8.12, ADULT, 5000), (0.5, 0.001, 50), (3, 0.5, 20)],
)
def test_dp_sgd_against_google(sigma: float, rate: float, steps: int) -> None:
    from dp_accounting.pld.privacy_loss_distribution import from_gaussian_mechanism

    theirs = google(lambda **kw: from_gaussian_mechanism(sigma, sampling_prob=rate, **kw), steps)
    optimistic = google(
        lambda **kw: from_gaussian_mechanism(
            sigma, sampling_prob=rate, pessimistic_estimate=False, use_connect_dots=False, **kw
        ),
        steps,
    )
    ours = epsilon([SubsampledGaussian(sigma, rate, steps)], DELTA)
    assert optimistic <= ours
    assert ours == pytest.approx(theirs, rel=1e-3)


@pytest.mark.parametrize(
    ("sigma", "sensitivity", "count"), [(0.6, 1, 3), (1, 1, 1), (2.5, 2, 7), (4, 1, 10), (40, 3, 60)]
)
def test_discrete_gaussian_against_google(sigma: float, sensitivity: int, count: int) -> None:
    from dp_accounting.pld.privacy_loss_distribution import from_discrete_gaussian_mechanism

    theirs = google(
        lambda **kw: from_discrete_gaussian_mechanism(sigma, sensitivity, use_connect_dots=True, **kw), count
    )
    assert epsilon([DiscreteGaussian(sigma, sensitivity, count)], DELTA) == pytest.approx(theirs, rel=1e-3)


@pytest.mark.parametrize(("scale", "sensitivity", "count"), [(1, 1, 1), (5, 1, 30), (20, 3, 100)])
def test_laplace_against_google(scale: float, sensitivity: int, count: int) -> None:
    """Never below the discrete or the continuous mechanism; for sensitivity 1 the discrete one is met."""
    from dp_accounting.pld.privacy_loss_distribution import from_discrete_laplace_mechanism, from_laplace_mechanism

    ours = epsilon([Laplace(scale, sensitivity, count)], DELTA)
    discrete = google(
        lambda **kw: from_discrete_laplace_mechanism(1 / scale, sensitivity, use_connect_dots=True, **kw), count
    )
    continuous = google(lambda **kw: from_laplace_mechanism(scale, sensitivity, **kw), count)
    assert ours >= max(discrete, continuous) * (1 - 1e-4)
    assert ours <= max(discrete, continuous) * (1.001 if sensitivity == 1 else 1.1)


def test_a_mixed_ledger_against_google() -> None:
    from dp_accounting.pld.common import DifferentialPrivacyParameters
    from dp_accounting.pld.privacy_loss_distribution import (
        from_discrete_gaussian_mechanism,
        from_gaussian_mechanism,
        from_privacy_parameters,
    )

    step = {"value_discretization_interval": 1e-4}
    theirs = (
        from_gaussian_mechanism(1.2, sampling_prob=0.02, **step)
        .self_compose(300)
        .compose(from_gaussian_mechanism(6.0, **step).self_compose(4))
        .compose(from_discrete_gaussian_mechanism(20.0, use_connect_dots=True, **step).self_compose(30))
        .compose(from_privacy_parameters(DifferentialPrivacyParameters(0.2, 1e-6), **step))
    )
    ours = [
        SubsampledGaussian(1.2, 0.02, 300),
        Gaussian(6.0, 4),
        DiscreteGaussian(20.0, 1, 30),
        ApproximateDP(0.2, 1e-6),
    ]
    assert epsilon(ours, DELTA) == pytest.approx(theirs.get_epsilon_for_delta(DELTA), rel=1e-3)
    assert delta(ours, 2.0) == pytest.approx(theirs.get_delta_for_epsilon(2.0), rel=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sigma", "rate", "steps"), [(1, 0.01, 1000), (2, 0.01, 1000), (0.7, 0.01, 1000), (4, 1.0, 10)]
)
def test_dp_sgd_against_opacus(sigma: float, rate: float, steps: int) -> None:
    from opacus.accountants import PRVAccountant

    accountant = PRVAccountant()
    accountant.history = [(sigma, rate, steps)]
    theirs = accountant.get_epsilon(DELTA, eps_error=0.002)  # an upper bound, with this error added
    assert epsilon([SubsampledGaussian(sigma, rate, steps)], DELTA) == pytest.approx(theirs, rel=0.01)


def zcdp_epsilon(rho: float, delta: float) -> float:
    """Canonne, Kamath & Steinke 2020, Corollary 13, over a fine net of orders."""
    orders = [1 + 10 ** (k / 200) for k in range(-400, 1000)]
    return min(a * rho + math.log1p(-1 / a) - math.log(delta * a) / (a - 1) for a in orders)


@pytest.mark.parametrize("rho", [1e-4, 0.01, 0.1, 0.5, 3.0])
def test_zcdp_by_the_tight_conversion(rho: float) -> None:
    exact = zcdp_epsilon(rho, DELTA)
    assert epsilon([ZCDP(rho)], DELTA) == pytest.approx(exact, rel=1e-3)
    assert epsilon([ZCDP(rho / 4)] * 4, DELTA) == pytest.approx(exact, rel=1e-3)
    # any ρ-zCDP mechanism is covered, the Gaussian one for instance
    assert epsilon([ZCDP(rho)], DELTA) > gaussian_epsilon(math.sqrt(2 * rho), DELTA)


def test_zcdp_beside_noise_beats_all_of_it_as_zcdp() -> None:
    """The dominating pair of the zCDP part composes with the exact losses of the rest."""
    ours = epsilon([ZCDP(0.01), Gaussian(2.0)], DELTA)
    assert gaussian_epsilon(math.sqrt(0.02 + 0.25), DELTA) < ours < zcdp_epsilon(0.01 + 0.125, DELTA)


@pytest.mark.parametrize(("each", "count"), [(1.0, 1), (0.1, 10), (0.05, 100), (0.01, 1000), (0.3, 40)])
def test_exponential_mechanisms(each: float, count: int) -> None:
    """No worse than each of the routes, and no better than the optimal composition of Dong, Durfee & Rogers 2020 for
    one and the same t throughout, which any valid bound must cover."""
    ours = epsilon([BoundedRange(each, count)], DELTA)
    assert ours <= min(each * count, zcdp_epsilon(count * each**2 / 8, DELTA)) * (1 + 1e-3)
    for t in (each / 2, each / 3, each * 0.9):
        assert ours >= two_points_epsilon(each, t, count)


def test_exponential_mechanisms_may_differ_from_one_choice_to_the_next() -> None:
    """Two choices with different t: all four outcomes, summed by hand, stay below the bound at every ε."""
    each = 0.8
    for first, second in ((0.1, 0.7), (0.3, 0.3), (0.5, 0.05), (0.79, 0.4)):
        for at in (0.0, 0.2, 0.5, 1.0, 1.4):
            exact = 0.0
            for one, p in ((first, chance(each, first)), (first - each, 1 - chance(each, first))):
                for two, q in ((second, chance(each, second)), (second - each, 1 - chance(each, second))):
                    exact += p * q * max(0.0, 1 - math.exp(at - one - two))
            assert exact <= delta([BoundedRange(each, 2)], at)


def chance(each: float, t: float) -> float:
    return (math.exp(each) - math.exp(t)) / math.expm1(each)


def two_points_epsilon(each: float, t: float, count: int) -> float:
    """ε of ``count`` choices between two outcomes with the losses t and t − ε, summed over the binomial."""
    import numpy as np
    from scipy.stats import binom

    q = chance(each, t)
    ups = np.arange(count + 1)
    losses = ups * t + (count - ups) * (t - each)
    mass = binom.pmf(ups, count, q)

    def over(at: float) -> float:
        return float(np.maximum(0, -np.expm1(np.minimum(0, at - losses))) @ mass) - DELTA

    return float(brentq(over, 0, count * each)) if over(0.0) > 0 else 0.0


def test_pairs_add_up_where_nothing_better_is_known() -> None:
    assert epsilon([Laplace(2.0, 1.0, 3), BoundedRange(0.5)], 0.0) == pytest.approx(2.0)
    assert epsilon([ApproximateDP(0.5, 1e-6)] * 2, 1e-6) == math.inf
    assert epsilon([ApproximateDP(0.5, 1e-6)] * 2, 1e-5) <= 1.0
    assert epsilon([Gaussian(1.0)], 0.0) == math.inf
    assert delta([ApproximateDP(0.5, 1e-6)], 0.5) == pytest.approx(1e-6)
    assert delta([Laplace(1.0)], 1.0) == 0.0


def test_nothing_released_is_nothing_spent() -> None:
    assert epsilon([], DELTA) == 0.0
    assert delta([], 1.0) == 0.0


def test_no_protection_is_infinite() -> None:
    assert epsilon([Gaussian(1e-3)], DELTA) == math.inf
    assert delta([Gaussian(1e-3)], 10.0) == 1.0


@pytest.mark.parametrize("wrong", [-1e-9, 1.0, float("nan")])
def test_delta_out_of_range(wrong: float) -> None:
    with pytest.raises(ValueError, match="delta"):
        epsilon([Gaussian(1.0)], wrong)
    with pytest.raises(ValueError, match="delta"):
        calibrate(lambda x: [Gaussian(x)], 1.0, wrong)


one = st.one_of(
    st.builds(Gaussian, st.floats(0.5, 50), st.integers(1, 20)),
    st.builds(SubsampledGaussian, st.floats(0.5, 20), st.floats(1e-3, 0.5), st.integers(1, 500)),
    st.builds(DiscreteGaussian, st.floats(0.5, 50), st.integers(1, 3).map(float), st.integers(1, 20)),
    st.builds(Laplace, st.floats(0.5, 50), st.just(1.0), st.integers(1, 5)),
    st.builds(BoundedRange, st.floats(0.01, 1), st.integers(1, 20)),
    st.builds(ZCDP, st.floats(1e-4, 0.5)),
    st.builds(ApproximateDP, st.floats(0, 1), st.floats(0, 1e-7)),
)
# Two evaluations may use grids of different steps; each is above the truth, by less than this share.
SLACK = 2e-3


@settings(max_examples=40, deadline=None)
@given(st.lists(one, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_order_does_not_matter(mechanisms: list[Mechanism], random: Any) -> None:
    shuffled = list(mechanisms)
    random.shuffle(shuffled)
    assert epsilon(shuffled, DELTA) == epsilon(mechanisms, DELTA)


@settings(max_examples=40, deadline=None)
@given(st.lists(one, min_size=1, max_size=4), one)
def test_more_releases_spend_more(mechanisms: list[Mechanism], more: Mechanism) -> None:
    assert epsilon([*mechanisms, more], DELTA) >= epsilon(mechanisms, DELTA) * (1 - SLACK)


@settings(max_examples=40, deadline=None)
@given(st.lists(one, min_size=1, max_size=3))
def test_no_worse_than_adding_up(mechanisms: list[Mechanism]) -> None:
    """Basic composition: the sum of the ε, each at its share of δ, is a bound as well."""
    each = DELTA / len(mechanisms)
    assert epsilon(mechanisms, DELTA) <= sum(epsilon([m], each) for m in mechanisms) * (1 + SLACK) + 1e-9


@settings(max_examples=15, deadline=None)
@given(
    st.floats(0.6, 10), st.floats(1e-3, 0.3), st.integers(1, 2000), st.floats(1.02, 2), st.sampled_from([1e-7, 1e-4])
)
def test_dp_sgd_is_monotone(sigma: float, rate: float, steps: int, factor: float, target: float) -> None:
    spent = epsilon([SubsampledGaussian(sigma, rate, steps)], target)
    less = [
        epsilon([SubsampledGaussian(sigma * factor, rate, steps)], target),
        epsilon([SubsampledGaussian(sigma, rate / factor, steps)], target),
        epsilon([SubsampledGaussian(sigma, rate, max(1, int(steps / factor)))], target),
        epsilon([SubsampledGaussian(sigma, rate, steps)], target * factor),
    ]
    assert all(value <= spent * (1 + SLACK) for value in less)


@settings(max_examples=25, deadline=None)
@given(st.lists(one, min_size=1, max_size=3), st.floats(0.01, 5))
@example([Gaussian(13.0), BoundedRange(0.125), ApproximateDP(0.0, 9.321568427803037e-08)], 1.0)  # a tail below one ulp
def test_delta_and_epsilon_are_inverse(mechanisms: list[Mechanism], at: float) -> None:
    """At the ε that is shown for δ, the δ that is shown is at most that δ: the two never disagree to the unsafe side."""
    found = delta(mechanisms, at)
    if 1e-12 < found < 1 - 1e-6:  # nearer to 1, a float of δ has too few digits of 1 − δ to find ε by
        # the orders of a zCDP bound are a net of steps h = 10^(1/400): by f''·h²/8 a bound may miss the best order's
        assert epsilon(mechanisms, found) <= at * (1 + 5e-5) + 5e-5


@pytest.mark.parametrize(
    "make",
    [
        lambda x: [Gaussian(x)],
        lambda x: [DiscreteGaussian(x, 1, 50), BoundedRange(min(1.0, 1 / x), 20)],
        lambda x: [SubsampledGaussian(x, 0.05, 200), Laplace(40.0)],
    ],
)
@pytest.mark.parametrize("budget", [0.2, 1.0, 8.0])
def test_calibration_meets_the_budget_and_wastes_little(
    make: Callable[[float], Sequence[Mechanism]], budget: float
) -> None:
    x = calibrate(make, budget, DELTA)
    assert budget * 0.995 <= epsilon(make(x), DELTA) <= budget
    assert epsilon(make(x * 0.99), DELTA) > budget


def test_calibration_says_when_noise_cannot_help() -> None:
    with pytest.raises(ValueError, match="something besides the noise"):
        calibrate(lambda x: [Gaussian(x), Laplace(0.5)], 1.0, 1e-6)


def test_so_large_an_epsilon_that_hardly_any_noise_is_needed_is_calibrated_to() -> None:
    """On the way there noise is tried whose far tail underflows."""
    found = calibrate(lambda sigma: [DiscreteGaussian(sigma, 1, 1)], 50.0, 1e-6, start=0.0054)
    assert 45 < epsilon([DiscreteGaussian(found, 1, 1)], 1e-6) <= 50


@pytest.mark.parametrize("budget", [0.3, 1.0, 4.0])
def test_noise_does_not_depend_on_the_last_digits_of_an_epsilon(budget: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processors round otherwise: of nine million rows and δ = 1e-8 two of them differed by 2e-9 of the noise."""
    from synthkit.privacy.accounting import accountant

    def make(x: float) -> list[Mechanism]:
        return [Gaussian(x), Laplace(4 * x)]

    exact = accountant._epsilon
    found = calibrate(make, budget, 1e-8)
    for sign in (1, -1):
        monkeypatch.setattr(accountant, "_epsilon", lambda m, d, sign=sign: exact(m, d) * (1 + sign * 1e-8))
        assert calibrate(make, budget, 1e-8) == found
    assert exact(tuple(make(found)), 1e-8) <= budget < exact(tuple(make(found / (1 + 1.1e-4))), 1e-8)


@pytest.mark.parametrize("tolerance", [1.0, 0.3, 1e-3])
@pytest.mark.parametrize("start", [1e-3, 1.0, 700.0])
def test_calibration_keeps_the_budget_on_any_grid(start: float, tolerance: float) -> None:
    found = calibrate(lambda x: [Gaussian(x)], 1.0, 1e-5, start=start, tolerance=tolerance)
    assert epsilon([Gaussian(found)], 1e-5) <= 1.0 < epsilon([Gaussian(found / (1 + 1.01 * tolerance))], 1e-5)


@pytest.mark.parametrize("grid", [{"start": 0.0}, {"start": math.inf}, {"tolerance": 0.0}, {"tolerance": 3.0}])
def test_a_grid_that_is_none_is_refused(grid: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        calibrate(lambda x: [Gaussian(x)], 1.0, 1e-5, **grid)
