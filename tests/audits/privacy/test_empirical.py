"""The attack on our own trainings: right ones pass, planted bugs are found where the attack has the power to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synthkit.audits.context import PrivateTraining
from synthkit.audits.contract import AuditResult
from synthkit.audits.privacy.empirical import EmpiricalParams, attack, verdict
from synthkit.generators import registry
from synthkit.generators.base import Budget
from synthkit.privacy.accounting.noise import Noise
from synthkit.schema import Column, Schema
from tests.private import DECLARED
from tests.synth import COPULA_PROJECT, make_project

VALUES = tuple(f"v{i}" for i in range(40))
SCHEMA = Schema(tuple(Column(f"c{i}", "categorical", "VARCHAR", False, values=VALUES) for i in range(3)))


def training(name: str, epsilon: float = 1.0, rows: int = 5_000, **params: Any) -> PrivateTraining:
    generator, budget = registry.get(name), Budget(epsilon, 1e-5, rows=rows)
    checked = generator.params.model_validate(params)
    spends = generator.mechanisms(checked, budget, SCHEMA)
    return PrivateTraining(name, checked.model_dump(mode="json"), budget, SCHEMA, spends)


def judged(trained: PrivateTraining, seed: int = 0, **params: Any) -> AuditResult:
    wanted = EmpiricalParams(**params)
    return verdict(trained, wanted, attack(trained, wanted, seed))


def quieter(factor: float) -> Callable[[Noise, float, int], Any]:
    original = Noise.discrete_gaussian
    return lambda self, sigma, size: original(self, sigma / factor, size)


@pytest.mark.parametrize("name", ["independent", "aim", "mst"])
@pytest.mark.parametrize("epsilon", [1.0, 3.0])
def test_a_right_training_passes_and_says_that_this_proves_nothing(name: str, epsilon: float) -> None:
    found = judged(training(name, epsilon))
    assert found.status == "pass"
    assert found.value is not None
    assert 0 <= found.value < epsilon
    assert "A pass proves nothing" in found.message
    assert "would disprove it" in found.message


def test_right_trainings_hardly_ever_fail() -> None:
    """By design at most one in twenty; the bound is far from tight, so none of fifteen."""
    assert [judged(training("independent"), seed).status for seed in range(15)] == ["pass"] * 15


@pytest.mark.parametrize("name", ["independent", "aim"])
def test_far_too_little_noise_is_found_by_one_training(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = training(name)
    monkeypatch.setattr(Noise, "discrete_gaussian", quieter(8))
    found = judged(trained)
    assert found.status == "fail"
    assert "is not what was charged" in found.message


@pytest.mark.long  # half of the noise is found by tests/generators/neural/test_dpsgd_attack.py
def test_a_third_of_the_noise_takes_more_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = training("independent")
    monkeypatch.setattr(Noise, "discrete_gaussian", quieter(3))
    assert judged(trained, 1, runs=25).status == "fail"


def test_without_power_it_says_so() -> None:
    found = judged(training("independent", 8.0), canaries=20, guesses=5)
    assert found.status == "inconclusive"
    assert "cannot fail here" in found.message


def test_more_guesses_than_canaries_are_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        EmpiricalParams(canaries=50, guesses=51)


@pytest.mark.slow
def test_it_runs_in_a_build_costs_nothing_and_its_figures_are_public(tmp_path: Any) -> None:
    model = """
        version: 1
        models:
          - name: private
            source: "{{ source('crm', 'customers') }}"
            generator: independent
            epsilon: 1
            size: 100
            audits: [empirical_epsilon: {canaries: 100}]
    """
    files = {**COPULA_PROJECT, "models/sources.yml": DECLARED, "models/customers.yml": model}
    project = make_project(tmp_path / "shop", files)
    done = project.synth("build")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = project.synth("show", "private").stdout
    assert "empirical_epsilon" in shown
    assert "figures withheld" not in shown  # nobody's row was used
    assert len((project.root / "privacy/ledger.jsonl").read_text("utf-8").splitlines()) == 1
