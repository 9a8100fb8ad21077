"""Bounds of the guarantee beside a measured attack: the right figures, and words where the attack is above them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from synthkit.audits.context import PrivateTraining
from synthkit.audits.privacy.theory import limits
from synthkit.generators.base import Budget
from synthkit.privacy.accounting.accountant import calibrate
from synthkit.privacy.accounting.mechanisms import Gaussian
from synthkit.schema import Schema


def training(epsilon: float, delta: float = 1e-5) -> PrivateTraining:
    noise = Gaussian(calibrate(lambda x: [Gaussian(x)], epsilon, delta))
    return PrivateTraining("independent", {}, Budget(epsilon, delta, rows=1_000), Schema(()), (noise,))


def test_without_a_budget_nothing_bounds_an_attack() -> None:
    assert limits(None, 0.99) == ("", {})


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 3.0])
def test_the_figures_are_those_of_the_theorems(epsilon: float) -> None:
    clause, details = limits(training(epsilon), 0.5)
    by_epsilon, own = details["theory"]["by_epsilon"], details["theory"]["by_mechanisms"]
    assert by_epsilon["max_accuracy"] == pytest.approx((math.exp(epsilon) + 1e-5) / (1 + math.exp(epsilon)))
    assert by_epsilon["max_tpr_at_1_percent_fpr"] == pytest.approx(math.exp(epsilon) * 0.01 + 1e-5)
    assert by_epsilon["max_tpr_at_0.1_percent_fpr"] == pytest.approx(math.exp(epsilon) * 0.001 + 1e-5)
    for name, most in by_epsilon.items():
        assert own[name] <= most + 1e-9, name
    assert f"accuracy ≤ {own['max_accuracy']:.3f}" in clause
    assert f"by ε = {epsilon:g} alone" in clause
    assert "false" not in clause


def test_at_epsilon_one_the_gaussian_mechanism_allows_a_third_of_the_advantage() -> None:
    """Known values: AUC 0.575, accuracy 0.553, TPR 0.0198 at 1 % FPR; by ε alone 0.731, 0.731, 0.0272."""
    clause, _ = limits(training(1.0), 0.5)
    assert "AUC ≤ 0.575, accuracy ≤ 0.553, TPR ≤ 0.0198 at 1% FPR (by ε = 1 alone 0.731, 0.731, 0.0272)" in clause


def test_an_attack_above_the_bound_is_said_to_refute_the_guarantee() -> None:
    assert "the guarantee is false" in limits(training(1.0), 0.58)[0]
    assert "the guarantee is false" not in limits(training(1.0), 0.57)[0]


def test_repeatable_noise_bounds_nobody() -> None:
    known = training(1.0)
    clause, details = limits(replace(known, budget=replace(known.budget, insecure_seed=7)), 0.5)
    assert "no bound holds" in clause
    assert details == {}
