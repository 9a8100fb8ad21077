"""The one-run audit's statistics: published values, a simulated audit that is right, and one that is caught."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from synthkit.privacy.accounting.audit_bound import lower_bound, p_value, perfect_needed, right_needed


@pytest.mark.parametrize(
    ("canaries", "guesses", "right", "bound"),
    [(1000, 100, 100, 3.493), (1000, 100, 90, 1.631), (1000, 1000, 731, 0.881), (1000, 1000, 500, 0.0)],
)
def test_published_bounds(canaries: int, guesses: int, right: int, bound: float) -> None:
    assert lower_bound(canaries, guesses, right) == pytest.approx(bound, abs=5e-4)


@pytest.mark.parametrize(("epsilon", "guesses"), [(1, 10), (3, 62), (4, 166), (8, 8_932)])
def test_published_power(epsilon: float, guesses: int) -> None:
    assert perfect_needed(100_000, epsilon) == guesses
    assert p_value(guesses, guesses, guesses, epsilon, 0.0) < 0.05
    assert p_value(guesses, guesses - 1, guesses - 1, epsilon, 0.0) >= 0.05


def test_too_few_canaries_can_never_disprove() -> None:
    assert perfect_needed(60, 3.0) is None
    assert perfect_needed(1000, 8.0, 1e-5) is None
    assert right_needed(1000, 50, 3.0) is None


def by_hand(m: int, r: int, v: int, epsilon: float, delta: float) -> float:
    q = math.exp(epsilon) / (1 + math.exp(epsilon))
    terms = [sum(binom.pmf(k, r, q) for k in range(max(0, v - i), v)) / i for i in range(1, m + 1)]
    return min(1.0, sum(binom.pmf(k, r, q) for k in range(v, r + 1)) + 2 * m * delta * max(terms))


@settings(max_examples=40, deadline=None)
@given(st.data(), st.floats(0, 4), st.sampled_from([0.0, 1e-6, 1e-3]))
def test_p_value_term_by_term(data: st.DataObject, epsilon: float, delta: float) -> None:
    m = data.draw(st.integers(1, 40))
    r = data.draw(st.integers(0, m))
    v = data.draw(st.integers(0, r))
    assert p_value(m, r, v, epsilon, delta) == pytest.approx(by_hand(m, r, v, epsilon, delta), abs=1e-9)


@given(st.integers(1, 300), st.data(), st.sampled_from([0.0, 1e-6]))
@settings(max_examples=40, deadline=None)
def test_the_bound_is_where_the_claim_begins_to_stand(guesses: int, data: st.DataObject, delta: float) -> None:
    right = data.draw(st.integers(0, guesses))
    bound = lower_bound(400, guesses, right, delta)
    assert p_value(400, guesses, right, bound + 1e-6, delta) >= 0.05 - 1e-6
    if bound > 0:
        assert p_value(400, guesses, right, bound, delta) < 0.05
        assert right_needed(400, guesses, bound, delta) <= right
    assert lower_bound(400, guesses, max(0, right - 1), delta) <= bound + 1e-9
    assert lower_bound(400, guesses, right, delta + 1e-5) <= bound + 1e-9


def test_a_true_claim_is_called_false_in_one_run_of_twenty_at_most() -> None:
    """Randomised response at ε = 1, guessed as well as can be: 2,000 audits of 300 canaries. The share of false alarms
    is below 5 %, up to the binomial error of the simulation (0.5 %)."""
    rng = np.random.default_rng(5)
    right = rng.binomial(300, math.e / (1 + math.e), size=2_000)
    needed = right_needed(300, 300, 1.0)
    assert needed is not None
    alarms = float((right >= needed).mean())
    assert 0.02 < alarms <= 0.05 + 0.01


def test_noise_off_by_a_factor_of_two_is_caught() -> None:
    """ε = 2 where ε = 1 is claimed, with 300 canaries: the audit sees it in nearly every run."""
    rng = np.random.default_rng(6)
    right = rng.binomial(300, math.exp(2) / (1 + math.exp(2)), size=500)
    needed = right_needed(300, 300, 1.0)
    assert needed is not None
    assert float((right >= needed).mean()) > 0.99


@pytest.mark.parametrize("wrong", [(10, 11, 5), (10, 5, 6), (10, 5, -1)])
def test_counts_out_of_range(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="right ≤ guesses ≤ canaries"):
        lower_bound(*wrong)
    with pytest.raises(ValueError, match="epsilon"):
        p_value(10, 5, 5, -1.0, 0.0)
    with pytest.raises(ValueError, match="delta"):
        p_value(10, 5, 5, 1.0, 1.0)
