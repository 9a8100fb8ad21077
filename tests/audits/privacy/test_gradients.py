"""Canaries that choose their gradients find each bug that is planted in DP-SGD's door, and call no right one wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from synthkit.audits.context import PrivateTraining
from synthkit.audits.privacy import gradients as module
from synthkit.audits.privacy.empirical import EmpiricalParams, Guesses, verdict
from synthkit.audits.privacy.gradients import Evidence, charged_plan, probe, trains_by_gradients
from synthkit.generators import registry
from synthkit.generators.base import Budget
from synthkit.generators.neural import dpsgd
from synthkit.generators.neural.clipping import Gradients, clipped_sum
from synthkit.generators.neural.dpsgd import PrivateGradients
from synthkit.privacy.accounting import accountant
from synthkit.privacy.accounting.noise import Noise
from synthkit.schema import Column, Schema

SCHEMA = Schema(tuple(Column(f"c{i}", "categorical", "VARCHAR", False, values=("a", "b", "c")) for i in range(3)))
LEVEL = 0.01


def training(name: str, epsilon: float = 2.0, unit: int = 1) -> PrivateTraining:
    """A hundred steps or so, as the generator itself plans them."""
    generator, budget = registry.get(name), Budget(epsilon, 1e-5, max_rows_per_unit=unit, rows=600)
    params = generator.params.model_validate({"epochs": 8})
    charged = generator.mechanisms(params, budget, SCHEMA)
    return PrivateTraining(name, params.model_dump(mode="json"), budget, SCHEMA, charged)


@pytest.fixture(scope="module")
def tvae() -> PrivateTraining:
    return training("tvae")


def found(training: PrivateTraining) -> dict[str, Evidence]:
    return {e.experiment: e for e in probe(training, 0, LEVEL)}


def test_right_ones_come_close_to_what_is_charged(tvae: PrivateTraining) -> None:
    """The bound is above three fifths of the gradients' own ε, and does not pass it."""
    seen = found(tvae)
    own = accountant.epsilon([charged_plan(tvae).gradients], 1e-5)
    assert 0.6 * own < seen["noise"].epsilon < own
    assert all(e.p > LEVEL for e in seen.values())


@pytest.mark.parametrize("given", [("ctgan", 1.0, 1), ("ctgan", 8.0, 1), ("tvae", 4.0, 3)], ids=str)
def test_right_ones_are_not_called_wrong(given: tuple[str, float, int]) -> None:
    assert all(e.p > LEVEL for e in found(training(*given)).values())


def unclipped(rows: Gradients, norm: float) -> dict[str, torch.Tensor]:
    return clipped_sum(rows, 1e9)


def clipped_as_a_batch(rows: Gradients, norm: float) -> dict[str, torch.Tensor]:
    """The mean of the batch clipped, where every row's own gradient should be."""
    whole = clipped_sum(rows, 1e9)
    count = len(next(iter(rows.values())).left)
    size = torch.sqrt(sum(((w / count) ** 2).sum() for w in whole.values()))  # type: ignore[arg-type]
    return {name: w * (norm / size).clamp(max=1.0) for name, w in whole.items()}


def half_the_noise(patch: pytest.MonkeyPatch) -> None:
    normal: Callable[[Noise, int], Any] = Noise.normal
    patch.setattr(Noise, "normal", lambda self, size: normal(self, size) / 2)


def noise_once(patch: pytest.MonkeyPatch) -> None:
    """Drawn at the first step and kept for all."""
    normal, kept = PrivateGradients.normal, {}

    def same(self: PrivateGradients, *shape: int) -> torch.Tensor:
        return kept.setdefault((id(self), shape), normal(self, *shape))

    patch.setattr(PrivateGradients, "normal", same)


def noise_at_times(patch: pytest.MonkeyPatch) -> None:
    """At every second step alone."""
    normal = PrivateGradients.normal

    def some(self: PrivateGradients, *shape: int) -> torch.Tensor:
        return normal(self, *shape) * (self.steps % 2)

    patch.setattr(PrivateGradients, "normal", some)


def another_rate(patch: pytest.MonkeyPatch) -> None:
    sample = Noise.poisson_sample
    patch.setattr(Noise, "poisson_sample", lambda self, n, rate: sample(self, n, min(1.0, 2 * rate)))


def shuffled(patch: pytest.MonkeyPatch) -> None:
    """Batches of a shuffled epoch, as most training loops draw them: every row in exactly one of them."""

    def epoch(self: PrivateGradients, most: int) -> Iterator[torch.Tensor]:
        per_epoch = round(1 / self.plan.rate)
        order = np.random.default_rng((self.steps - 1) // per_epoch).permutation(len(self._cells))
        yield from torch.split(self._cells[order[(self.steps - 1) % per_epoch :: per_epoch]], most)

    patch.setattr(PrivateGradients, "_sample", epoch)


BUGS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "no clipping": (lambda patch: patch.setattr(dpsgd, "clipped_sum", unclipped), "noise"),
    "a batch clipped": (lambda patch: patch.setattr(dpsgd, "clipped_sum", clipped_as_a_batch), "noise"),
    "half the noise": (half_the_noise, "noise"),
    "noise once": (noise_once, "noise"),
    "noise at times": (noise_at_times, "noise"),
    "another rate": (another_rate, "sampling"),
    "shuffled epochs": (shuffled, "sampling"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str, tvae: PrivateTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, experiment = BUGS[bug]
    monkeypatch.setattr(module, "MOST_TRAININGS", 2)
    plant(monkeypatch)
    assert found(tvae)[experiment].p < LEVEL / 10


def test_the_audit_fails_by_it(tvae: PrivateTraining) -> None:
    """With guesses of the other attack that say nothing."""
    silent = (Guesses("values", 500, 100, 50),)
    right = (Evidence("noise", 1000, 500, 0.6, 1.0, 0.0), Evidence("sampling", 1000, 500, 0.6, 1.0, 0.0))
    passed = verdict(tvae, EmpiricalParams(), silent, right)
    assert passed.status == "pass"
    assert "canaries that choose their gradients: by noise 50.0% of 1,000 are right" in passed.message
    failed = verdict(tvae, EmpiricalParams(), silent, (replace(right[0], p=1e-3), right[1]))
    assert failed.status == "fail"
    assert "is not what was charged" in failed.message


def test_without_gradients_there_is_nothing_to_probe() -> None:
    assert not trains_by_gradients(training_of_histograms())


def training_of_histograms() -> PrivateTraining:
    generator, budget = registry.get("independent"), Budget(1.0, 1e-5, rows=600)
    params = generator.params.model_validate({})
    charged = generator.mechanisms(params, budget, SCHEMA)
    return PrivateTraining("independent", params.model_dump(mode="json"), budget, SCHEMA, charged)
