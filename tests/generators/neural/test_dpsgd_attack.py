"""The strongest attack on the door of DP-SGD: every canary has a gradient direction of its own, and all sums are seen.

The guarantee of DP-SGD holds whatever the gradients are, so an attacker may choose them (Nasr et al. 2023,
https://arxiv.org/abs/2302.07956): row i's gradient is a long step along coordinate i, and the released sums are exact
but for the noise. Rows that are left out are not in the table at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from synthkit.generators.neural import dpsgd
from synthkit.generators.neural.clipping import Gradients, Products, clipped_sum
from synthkit.generators.neural.dpsgd import PrivateGradients
from synthkit.generators.neural.spending import Spending
from synthkit.privacy.accounting import audit_curve
from synthkit.privacy.accounting.bounds import of_mechanisms
from synthkit.privacy.accounting.noise import Noise

PLAN = Spending(levels=(1,), sigma=1.0, rate=0.125, batch=50.0, steps=80, noise_multiplier=2.5)  # μ of about 0.4
ONCE = replace(PLAN, steps=8, noise_multiplier=0.2)  # one epoch, and hardly any noise: what hides a row is the sampling
LEVEL = 0.05


def along_its_own(cells: torch.Tensor, canaries: int) -> Gradients:
    left = torch.zeros(len(cells), canaries)
    left[torch.arange(len(cells)), cells] = 3.0  # of a norm above that clipped to, 1
    return {"a": Products.single(left, torch.zeros(len(cells), 1))}


def guessed(plan: Spending, canaries: int, guesses: int, seed: int) -> int:
    """How many of the surest guesses are right, in one training."""
    random = np.random.default_rng(seed)
    inside = random.random(canaries) < 0.5
    source = PrivateGradients(torch.from_numpy(np.flatnonzero(inside)), plan, 1.0, Noise.seeded(seed))
    shapes = {"a.weight": torch.zeros(canaries, 1), "a.bias": torch.zeros(canaries)}
    score = np.zeros(canaries)
    for _ in range(plan.steps):
        released = source.mean(lambda cells: along_its_own(cells, canaries), shapes)["a.bias"].double().numpy()
        step = (released * plan.batch - 0.5) / plan.noise_multiplier**2
        score += np.logaddexp(np.log1p(-plan.rate), np.log(plan.rate) + step)
    order = np.argsort(-np.abs(score))[:guesses]
    return int(((score[order] > 0) == inside[order]).sum())


def p_of_one(plan: Spending, seed: int = 0) -> float:
    return audit_curve.p_value(of_mechanisms([plan.gradients]), 1_000, 200, guessed(plan, 1_000, 200, seed))


def p_of_many(plan: Spending, canaries: int, guesses: int, runs: int) -> float:
    right = sum(guessed(plan, canaries, guesses, seed) for seed in range(runs))
    return audit_curve.p_value_of_runs(of_mechanisms([plan.gradients]), canaries, guesses, right, runs)


@pytest.mark.parametrize("seed", range(3))
def test_right_gradients_stay_within_the_curve(seed: int) -> None:
    assert p_of_one(PLAN, seed) > LEVEL
    assert p_of_one(replace(PLAN, noise_multiplier=1.0), seed) > LEVEL


def test_clipping_off_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def unclipped(gradients: Gradients, norm: float) -> dict[str, torch.Tensor]:
        return clipped_sum(gradients, 1e9)

    monkeypatch.setattr(dpsgd, "clipped_sum", unclipped)
    assert p_of_one(PLAN) < LEVEL


def test_half_the_noise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right trainings come close to what the curve allows, so that 200 of them tell a factor of two."""
    normal: Callable[[Noise, int], np.ndarray] = Noise.normal
    plan = replace(PLAN, noise_multiplier=1.2)
    assert p_of_many(plan, 100, 20, 200) > LEVEL
    monkeypatch.setattr(Noise, "normal", lambda self, size: normal(self, size) / 2)
    assert p_of_many(plan, 100, 20, 200) < LEVEL


def shuffled(self: PrivateGradients, most: int) -> Iterator[torch.Tensor]:
    """Batches of a shuffled epoch, as most training loops draw them: every row in exactly one of them."""
    per_epoch = round(1 / self.plan.rate)
    order = torch.randperm(len(self._cells), generator=torch.Generator().manual_seed((self.steps - 1) // per_epoch))
    yield from torch.split(self._cells[order[(self.steps - 1) % per_epoch :: per_epoch]], most)


def test_shuffling_instead_of_poisson_sampling_is_found_by_many_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under Poisson sampling a row is in none of 8 samples with chance 0.34, and then nothing can be said of it; in a
    shuffled epoch every row is in one. As whole trainings might tell of all rows at once, a single one shows nothing.
    """
    assert p_of_many(ONCE, 40, 40, 60) > LEVEL
    monkeypatch.setattr(PrivateGradients, "_sample", shuffled)
    assert p_of_many(ONCE, 40, 40, 60) < LEVEL
    one = audit_curve.p_value(of_mechanisms([ONCE.gradients]), 40, 40, guessed(ONCE, 40, 40, 0))
    assert one > LEVEL
