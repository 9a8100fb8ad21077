"""Rows from a junction tree: the model's distribution, with less noise than independent draws have."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from synthkit.generators.marginals.junction import junction_tree
from synthkit.generators.marginals.model import Model, from_logs, marginal
from synthkit.generators.marginals.sampling import sampler_of, stratified

SIZES = (3, 4, 2, 5)


@pytest.fixture(scope="module")
def model() -> Model:
    rng = np.random.default_rng(3)
    tree = junction_tree([(0, 1), (1, 2), (2, 3)], SIZES)
    return from_logs(tree, SIZES, [rng.normal(size=tuple(SIZES[c] for c in k)) for k in tree.cliques], 1.0)


def test_marginals_are_the_models(model: Model) -> None:
    rows = 200_000
    cells = sampler_of(model).draw(rows, np.random.default_rng(0))
    for columns in [(0, 1), (1, 2), (2, 3)]:
        expected = model.marginal(columns)
        assert expected is not None
        shape = tuple(SIZES[c] for c in columns)
        flat = np.ravel_multi_index(tuple(cells[c] for c in columns), shape)
        counts = np.bincount(flat, minlength=expected.size).reshape(shape)
        statistic = ((counts - rows * expected) ** 2 / (rows * expected)).sum()
        # Stratified rows lie closer than independent ones, so this bound (p = 1e-6) is generous.
        assert statistic < chi2.isf(1e-6, expected.size - 1)


def test_single_rows_have_the_models_distribution(model: Model) -> None:
    """Drawn one at a time, rows cannot be stratified: the chi-square test is exact. p = 1e-6, seeds fixed."""
    sampler = sampler_of(model)
    rng = np.random.default_rng(1)
    drawn = np.concatenate([sampler.draw(1, rng) for _ in range(6_000)], axis=1)
    expected = model.marginal((0, 1))
    assert expected is not None
    counts = np.bincount(drawn[0] * SIZES[1] + drawn[1], minlength=expected.size).reshape(expected.shape)
    assert ((counts - 6_000 * expected) ** 2 / (6_000 * expected)).sum() < chi2.isf(1e-6, expected.size - 1)


def test_columns_apart_are_independent_given_what_lies_between(model: Model) -> None:
    cells = sampler_of(model).draw(400_000, np.random.default_rng(2))
    everything = np.zeros(SIZES)
    np.add.at(everything, tuple(cells), 1)
    for middle in range(SIZES[1]):
        table = marginal(everything, (0, 1, 2, 3), (0, 1, 2))[:, middle, :]
        expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
        assert ((table - expected) ** 2 / expected).sum() < chi2.isf(1e-6, (SIZES[0] - 1) * (SIZES[2] - 1))


def test_draws_of_a_group_are_evenly_spread() -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 7, 5_000)
    u = stratified(group, rng)
    for g in range(7):
        here = np.sort(u[group == g])
        assert np.abs(here - (np.arange(len(here)) + 0.5) / len(here)).max() <= 1 / len(here)
    assert abs(np.corrcoef(np.arange(5_000), u)[0, 1]) < 0.06  # in no order: 4 standard deviations


def test_each_draw_by_itself_is_uniform() -> None:
    rng = np.random.default_rng(0)
    first = np.array([stratified(np.zeros(3, dtype=np.int64), rng)[0] for _ in range(4_000)])
    counts = np.bincount((first * 10).astype(int), minlength=10)
    assert ((counts - 400) ** 2 / 400).sum() < chi2.isf(1e-6, 9)
