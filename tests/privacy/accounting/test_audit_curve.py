"""One-run audits against a whole curve: simulated trainings that keep it and that do not, and cases done by hand."""

from __future__ import annotations

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.privacy.accounting.audit_curve import envelope, p_value, p_value_of_runs, right_needed, share_of_runs
from synthkit.privacy.accounting.bounds import of_budget, of_mechanisms
from synthkit.privacy.accounting.mechanisms import Gaussian, SubsampledGaussian

PHI = NormalDist().cdf
GAUSS = of_mechanisms([Gaussian(1.0)])  # μ = 1
SAMPLED = of_mechanisms([SubsampledGaussian(0.5, 0.125, 8)])


def test_one_guess_about_one_canary_is_right_as_often_as_an_attacker_can_be() -> None:
    assert share_of_runs(GAUSS, 1, 1) == pytest.approx(PHI(0.5), abs=1e-3)
    assert p_value(GAUSS, 1, 1, 1) == pytest.approx(PHI(0.5), abs=1e-3)
    assert share_of_runs(of_budget(1.0, 0.0), 1, 1) == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-6)


def test_all_guesses_together_are_expected_to_be_right_no_more_often_than_one() -> None:
    assert share_of_runs(GAUSS, 500, 500) == pytest.approx(PHI(0.5), abs=1e-3)


def test_the_envelope_lies_above_both_ways_of_looking() -> None:
    x, y = envelope(SAMPLED)
    assert y[-1] == 1
    assert (np.diff(y) > 0).all()
    slopes = np.diff(y) / np.diff(x)
    assert (np.diff(slopes) <= 1e-9 * slopes[:-1]).all()
    assert (np.interp(SAMPLED.fpr, x, y) >= SAMPLED.highest - 1e-12).all()
    # seen from the other side: P[out ∈ A] against P[in ∈ A]
    assert (np.interp(1 - SAMPLED.highest, x, y) >= 1 - SAMPLED.fpr - 1e-12).all()


@settings(max_examples=40, deadline=None)
@given(
    m=st.integers(2, 60),
    share=st.floats(0.1, 1),
    epsilon=st.floats(0.1, 4),
    more=st.floats(0.1, 4),
)
def test_more_right_guesses_are_less_likely_and_weaker_claims_harder_to_disprove(
    m: int, share: float, epsilon: float, more: float
) -> None:
    r = max(1, round(share * m))
    curve, weaker = of_budget(epsilon, 1e-6), of_budget(epsilon + more, 1e-6)
    chances = [p_value(curve, m, r, v) for v in range(r + 1)]
    assert chances[0] == 1
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(chances))
    assert all(p_value(weaker, m, r, v) >= chances[v] - 1e-9 for v in range(0, r + 1, 7))


@settings(max_examples=30, deadline=None)
@given(m=st.integers(1, 300), share=st.floats(0.1, 1), epsilon=st.floats(0.1, 3))
def test_the_fewest_needed_disprove_and_one_less_does_not(m: int, share: float, epsilon: float) -> None:
    r, curve = max(1, round(share * m)), of_budget(epsilon, 1e-6)
    needed = right_needed(curve, m, r, 0.05)
    if needed is None:
        assert p_value(curve, m, r, r) >= 0.05 - 1e-9
    else:
        assert p_value(curve, m, r, needed) < 0.05
        assert p_value(curve, m, r, needed - 1) >= 0.05 - 1e-9


def simulated(mu: float, m: int, r: int, random: np.random.Generator) -> int:
    """Right guesses about the surest r of m coins, each seen through Gaussian noise."""
    coins = random.random(m) < 0.5
    seen = coins * mu + random.normal(size=m) - mu / 2
    order = np.argsort(-np.abs(seen))[:r]
    return int(((seen[order] > 0) == coins[order]).sum())


def test_what_keeps_the_curve_is_hardly_ever_disproved_and_half_the_noise_is() -> None:
    """At level 5 % at most 15 of 300 may fail (the bound is loose: none does); the other way nearly all do."""
    random = np.random.default_rng(0)
    needed = right_needed(GAUSS, 1_000, 200, 0.05)
    assert needed is not None
    assert sum(simulated(1.0, 1_000, 200, random) >= needed for _ in range(300)) == 0
    assert sum(simulated(2.0, 1_000, 200, random) >= needed for _ in range(300)) > 250


def test_all_told_or_nothing_keeps_the_curve_and_is_not_disproved() -> None:
    """(0, δ)-DP allows to tell everything with probability δ: so it may happen that often, and no more."""
    told = of_budget(0.0, 0.3)
    assert p_value(told, 100, 100, 100) >= 0.3
    assert p_value(of_budget(0.0, 0.01), 100, 100, 100) <= 0.05


@pytest.mark.parametrize("runs", [30, 100])
def test_many_trainings_tell_how_often_each_canary_shows(runs: int) -> None:
    """Chance of 85 % to be sampled, or always: of one training that may be luck, of many not."""
    share = share_of_runs(GAUSS, 10, 10)
    fair = round(share * 10 * runs)
    assert p_value_of_runs(GAUSS, 10, 10, fair - 1, runs) == 1
    p = p_value_of_runs(GAUSS, 10, 10, 9 * runs, runs)
    by_hand = math.exp(-runs * (0.9 * math.log(0.9 / share) + 0.1 * math.log(0.1 / (1 - share))))
    assert p == pytest.approx(by_hand, rel=1e-6)
    assert p_value_of_runs(GAUSS, 10, 10, 10 * runs, runs) == pytest.approx(share**runs, rel=1e-6)


def test_numbers_that_do_not_fit_are_refused() -> None:
    for numbers in [(5, 6, 1), (5, 3, 4), (5, 3, -1)]:
        with pytest.raises(ValueError, match="guesses"):
            p_value(GAUSS, *numbers)
