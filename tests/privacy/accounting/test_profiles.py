"""Each profile against the divergence it stands for, computed from the distributions themselves."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from synthkit.privacy.accounting import losses, pld, profiles
from synthkit.privacy.accounting.accountant import epsilon
from synthkit.privacy.accounting.mechanisms import ZCDP, DiscreteGaussian, Gaussian, Mechanism, SubsampledGaussian

X = np.array([0.0, 0.1, 0.5, 1.0, 2.5, 6.0])


Y = np.linspace(-12, 15, 400_001)


def divergence(upper: npt.NDArray[Any], lower: npt.NDArray[Any], x: float) -> float:
    """∫ max(0, upper − eˣ·lower), by trapezoids: right to the square of their width, 5e-9."""
    return float(np.trapezoid(np.maximum(0.0, upper - math.exp(x) * lower), Y))


@pytest.mark.parametrize("mu", [0.2, 1.0, 3.0])
def test_gaussian(mu: float) -> None:
    exact = [divergence(norm.pdf(Y, mu), norm.pdf(Y), x) for x in X]
    assert profiles.gaussian(X, mu) == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize(("mu", "rate"), [(1.0, 0.1), (0.5, 0.4), (3.0, 0.01)])
def test_subsampled_gaussian(mu: float, rate: float) -> None:
    mixture = (1 - rate) * norm.pdf(Y) + rate * norm.pdf(Y, mu)
    removed = [divergence(mixture, norm.pdf(Y), x) for x in X]
    added = [divergence(norm.pdf(Y), mixture, x) for x in X]
    assert profiles.subsampled_removed(X, mu, rate) == pytest.approx(removed, abs=1e-8)
    assert profiles.subsampled_added(X, mu, rate) == pytest.approx(added, abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.3, 60), st.integers(1, 6), st.floats(0, 6))
def test_discrete_gaussian(sigma: float, shift: int, x: float) -> None:
    support = np.arange(-math.ceil(20 * sigma) - 10, math.ceil(20 * sigma) + 11)
    mass = np.exp(-0.5 * (support / sigma) ** 2) / np.exp(-0.5 * (support / sigma) ** 2).sum()
    shifted = np.exp(-0.5 * ((support - shift) / sigma) ** 2) / np.exp(-0.5 * (support / sigma) ** 2).sum()
    exact = float(np.maximum(0, shifted - math.exp(x) * mass).sum())
    assert float(profiles.discrete_gaussian(np.array([x]), sigma, shift)[0]) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("shift", [1, 3])
@pytest.mark.parametrize("sigma", [0.004, 0.0054, 0.03, 0.04, 0.2])
def test_discrete_noise_that_is_small_beside_the_shift(sigma: float, shift: int) -> None:
    """Its tails underflow, and eˣ times them does not; divergences by numbers of 40 digits."""
    largest = shift**2 / (2 * sigma**2)  # the loss of noise 0, by far the likeliest
    x = np.array([0.0, 0.5, 0.9, 1 - 1e-4, 1 + 1e-4]) * largest + np.array([0.0, 0.0, 0.0, 0.1, -0.1])
    with mpmath.workdps(40):
        squares = {y: mpmath.exp(-(mpmath.mpf(y) ** 2) / (2 * mpmath.mpf(sigma) ** 2)) for y in range(-9, 10)}
        total = mpmath.fsum(squares.values())

        def exact(at: float) -> float:
            weight = mpmath.exp(mpmath.mpf(at))
            return float(mpmath.fsum(max(0, squares[y] - weight * squares[y + shift]) for y in range(-6, 6)) / total)

        found = profiles.discrete_gaussian(x, sigma, shift)
        assert found == pytest.approx([exact(float(at)) for at in x], abs=1e-9)
        spent = epsilon([DiscreteGaussian(sigma, shift)], 1e-6)
        if largest < 1e5:  # what is more is beyond any grid, and said to be infinite
            assert exact(spent) <= 1e-6 < exact(spent - 0.3 - 0.01 * spent)
        else:
            assert spent == math.inf


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=8), st.floats(0.05, 3), st.data())
def test_every_exponential_mechanism_is_below_its_profile(
    scores: list[float], each: float, data: st.DataObject
) -> None:
    """Neighbouring scores differ by up to 1 in any direction; the exponential mechanism on both, its divergence."""
    moves = data.draw(st.lists(st.floats(-1, 1), min_size=len(scores), max_size=len(scores)))
    one = np.exp(np.array(scores) * each / 2)
    two = np.exp((np.array(scores) + np.array(moves)) * each / 2)
    p, q = one / one.sum(), two / two.sum()
    exact = np.array([np.maximum(0, p - math.exp(x) * q).sum() for x in X])
    assert (exact <= profiles.bounded_range(X, each) + 1e-12).all()


def test_the_profile_of_bounded_range_is_attained() -> None:
    """At each x by the two outcomes with t = (ε + x)/2."""
    each = 0.9
    for x in (0.0, 0.3, 0.8):
        t = (each + x) / 2
        q = (math.exp(each) - math.exp(t)) / math.expm1(each)
        exact = q * (1 - math.exp(x - t)) + (1 - q) * max(0.0, 1 - math.exp(x - t + each))
        assert float(profiles.bounded_range(np.array([x]), each)[0]) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("rho", [1e-3, 0.05, 0.5, 4.0])
def test_zcdp_covers_mechanisms_of_that_rho(rho: float) -> None:
    bound = profiles.zcdp(X, rho)
    assert (bound >= profiles.gaussian(X, math.sqrt(2 * rho))).all()
    assert (bound >= profiles.bounded_range(X, math.sqrt(8 * rho))).all()
    assert (bound >= profiles.pure(X, math.sqrt(2 * rho))).all()


@settings(max_examples=50, deadline=None)
@given(st.floats(1e-4, 5))
def test_losses_of_zcdp_are_below_its_bound_and_above_what_it_covers(rho: float) -> None:
    """The hull cuts off what is not convex in the bound, never what a mechanism can reach."""
    both = pld.compose((ZCDP(rho),))
    assert both is not None
    x = np.linspace(0, 4 * math.sqrt(rho), 9)
    found = np.array([both.delta(float(at)) for at in x])
    assert (found <= profiles.zcdp(x, rho) * 1.01 + 1e-12).all()
    assert (found >= profiles.gaussian(x, math.sqrt(2 * rho))).all()


@pytest.mark.parametrize(
    "one", [Gaussian(0.7), SubsampledGaussian(0.9, 0.2, 1), SubsampledGaussian(3.0, 1e-3, 1), ZCDP(0.1)]
)
def test_the_two_directions_mirror_each_other(one: Mechanism) -> None:
    """δ(−x) = 1 − e⁻ˣ + e⁻ˣ·δ'(x): losses of "removed" seen from below are those of "added"."""
    both = pld.compose((one,))
    assert both is not None
    for x in (0.05, 0.4, 1.5):
        mirrored = -math.expm1(-x) + math.exp(-x) * both.add.delta(x)
        assert both.remove.delta(-x) == pytest.approx(mirrored, rel=5e-3, abs=1e-9)


def test_what_is_no_profile_is_refused() -> None:
    """A bump at one point, as an error in a threshold made once."""
    grid = np.arange(-50, 51)
    x = np.abs(grid) * 0.05
    delta = profiles.gaussian(x, 1.0) * np.exp(np.minimum(0, grid * 0.05))
    losses.connect_dots(0.05, grid, delta)
    delta[60] *= 1.05
    with pytest.raises(ArithmeticError, match="not convex"):
        losses.connect_dots(0.05, grid, delta)


def test_a_composition_far_in_the_tail_is_exact() -> None:
    """20,000 Gaussians are one: within 0.2 % of its δ down to 3e-8, from above."""
    single = pld.compose((Gaussian(200.0),))
    assert single is not None
    total = losses.compose([(pld._single(Gaussian(200.0), -13).remove, 20_000)])
    mu = math.sqrt(20_000) / 200
    for z in range(6):
        x = mu**2 / 2 + z * mu
        exact = float(profiles.gaussian(np.array([x]), mu)[0])
        assert exact <= total.delta(x) <= exact * 1.002


@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("parts", [(1, 1), (2, 1), (1, 1, 1), (3, 1), (2, 2)])
def test_discrete_noise_protects_changes_in_several_cells_at_least_as_well_as_in_one(
    sigma: float, parts: tuple[int, ...]
) -> None:
    """The losses of a shift by ``parts`` of as many cells, against one cell shifted by their sum, at 500 losses."""
    reach = math.ceil(14 * sigma) + 10
    support = np.arange(-reach, reach + 1)
    mass = np.exp(-0.5 * (support / sigma) ** 2)
    mass /= mass.sum()
    total, first = np.ones(1), 0
    for part in parts:  # of Σ part · noise
        spread = np.zeros(2 * reach * part + 1)
        spread[::part] = mass
        total, first = np.convolve(total, spread), first - reach * part
    loss = (2 * (np.arange(len(total)) + first) + sum(part**2 for part in parts)) / (2 * sigma**2)
    x = np.linspace(0, (9 + 8 * sigma) / sigma**2, 500)
    several = np.array([np.maximum(0, -np.expm1(np.minimum(0, at - loss))) @ total for at in x])
    assert (several <= profiles.discrete_gaussian(x, sigma, sum(parts)) + 1e-15).all()
