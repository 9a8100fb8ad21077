"""Noisy gradients: what is sampled, what is divided by, how much noise, and that every answer is counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from synthkit.generators.neural.clipping import Gradients, Products
from synthkit.generators.neural.dpsgd import PrivateGradients
from synthkit.generators.neural.spending import Spending
from synthkit.privacy.accounting.mechanisms import SubsampledGaussian
from synthkit.privacy.accounting.noise import Noise

PLAN = Spending(levels=(1,), sigma=10.0, rate=0.25, batch=100.0, steps=5, noise_multiplier=2.0)
SHAPES = {"a.weight": torch.zeros(2, 3), "a.bias": torch.zeros(2)}


def source(rows: int, plan: Spending = PLAN, norm: float = 1.5, seed: int = 0) -> PrivateGradients:
    return PrivateGradients(torch.arange(rows), plan, norm, Noise.seeded(seed))  # a row's cell is its number


def same_for_all(index: torch.Tensor) -> Gradients:
    """A gradient of norm 1 for every row: its first bias."""
    left = torch.tensor([[1.0, 0.0]]).repeat(len(index), 1)
    return {"a": Products.single(left, torch.zeros(len(index), 3))}


def test_rows_are_drawn_by_coins_of_their_own() -> None:
    seen: list[torch.Tensor] = []

    def note(index: torch.Tensor) -> Gradients:
        seen.append(index)
        return same_for_all(index)

    gradients = source(400)
    for _ in range(200):
        gradients.mean(note, SHAPES)
    sizes = [len(i) for i in seen]
    assert len(set(sizes)) > 10  # a shuffled batch has one size
    counts = torch.bincount(torch.cat(seen), minlength=400)
    # Binomial(200, .25) has mean 50 and standard deviation 6.1; of Poisson samples' sizes it is sqrt(400 · 3/16) = 8.7
    assert abs(counts.double().mean() - 50) < 1.5
    assert 5 < counts.double().std() < 7.5
    assert 7 < torch.tensor(sizes).double().std() < 10.5
    assert all(len(i.unique()) == len(i) for i in seen)


def test_sums_are_divided_by_the_declared_size_whatever_the_sample_holds() -> None:
    quiet = replace(PLAN, rate=1.0, noise_multiplier=1e-9)
    for rows in (0, 50, 150):
        found = source(rows, quiet).mean(same_for_all, SHAPES)
        torch.testing.assert_close(found["a.bias"], torch.tensor([rows / 100.0, 0.0]), atol=1e-6, rtol=1e-5)


def test_an_empty_sample_is_a_step_of_noise_alone() -> None:
    gradients = source(0)
    found = gradients.mean(same_for_all, SHAPES)
    assert found.keys() == SHAPES.keys()
    assert all((g != 0).all() for g in found.values())
    assert gradients.spent == SubsampledGaussian(2.0, 0.25, 1)


def test_noise_is_as_wide_as_declared() -> None:
    shapes = {"a.weight": torch.zeros(200, 100), "a.bias": torch.zeros(200)}

    def nothing(index: torch.Tensor) -> Gradients:
        return {"a": Products.single(torch.zeros(len(index), 200), torch.zeros(len(index), 100))}

    found = source(40).mean(nothing, shapes)["a.weight"] * PLAN.batch
    # noise multiplier times norm: 3. The standard error of a deviation of 20,000 numbers is 3 / sqrt(40,000) = 0.015.
    assert float(found.std()) == pytest.approx(3.0, abs=0.06)
    assert float(found.mean()) == pytest.approx(0.0, abs=0.09)


def test_rows_with_huge_gradients_count_no_more_than_others() -> None:
    quiet = replace(PLAN, rate=1.0, noise_multiplier=1e-9)

    def huge(index: torch.Tensor) -> Gradients:
        left = torch.zeros(len(index), 2)
        left[:, 0] = torch.where(index == 0, 1e12, 1.0)
        return {"a": Products.single(left, torch.zeros(len(index), 3))}

    found = source(11, quiet).mean(huge, SHAPES)["a.bias"] * PLAN.batch
    assert float(found[0]) == pytest.approx(10 + 1.5, rel=1e-4)


def test_every_step_is_counted_and_units_of_several_rows_are_charged_for_all() -> None:
    gradients = source(10, replace(PLAN, unit=3))
    assert gradients.spent is None
    for _ in range(4):
        gradients.mean(same_for_all, SHAPES)
    spent = gradients.spent
    assert spent is not None
    assert (spent.steps, spent.noise_multiplier) == (4, 2.0 / 3)
    assert spent.sampling_rate == pytest.approx(1 - 0.75**3)


def test_secret_numbers_have_their_distribution() -> None:
    gradients = source(1)
    u = gradients.uniform(20_000)
    assert float(u.min()) >= 0
    assert float(u.max()) <= 1
    # standard error of the mean of uniform numbers: 0.29 / sqrt(20,000) = 0.002
    assert float(u.mean()) == pytest.approx(0.5, abs=0.01)
    assert float((u < 0.1).float().mean()) == pytest.approx(0.1, abs=0.01)
    assert gradients.normal(3, 2).shape == (3, 2)


def test_large_samples_are_taken_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthkit.generators.neural.dpsgd.CHUNK", 8)
    quiet = replace(PLAN, rate=1.0, noise_multiplier=1e-9)
    sizes: list[int] = []

    def note(index: torch.Tensor) -> Gradients:
        sizes.append(len(index))
        return same_for_all(index)

    found = source(20, quiet).mean(note, SHAPES)
    assert sizes == [8, 8, 4]
    assert float(found["a.bias"][0]) == pytest.approx(0.2, rel=1e-5)
