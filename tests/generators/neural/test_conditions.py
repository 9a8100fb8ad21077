"""Training by sampling: how often each category is asked for, and that the rows have it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthkit.generators.neural.conditions import Conditions, condition_vectors
from tests.generators.neural.test_layout import layout_of

LAYOUT = layout_of([3, 2, 4], 2)  # two discrete columns and a continuous one
COUNTS = np.array([900, 90, 10])


def cells() -> torch.Tensor:
    rng = np.random.default_rng(0)
    first = rng.permutation(np.repeat(np.arange(3), COUNTS))
    return torch.from_numpy(np.stack([first, 3 + (rng.random(1_000) < 0.2), 5 + rng.integers(0, 4, 1_000)], axis=1))


@pytest.mark.parametrize("log_frequency", [True, False])
def test_conditions_follow_the_log_frequency(log_frequency: bool) -> None:
    conditions = Conditions.of(LAYOUT, cells(), log_frequency=log_frequency)
    draws = torch.Generator().manual_seed(0)
    asked = conditions.draw(200_000, draws)
    weight = np.log(COUNTS + 1) if log_frequency else COUNTS
    share = torch.bincount(asked, minlength=5)[:3].numpy() / 200_000
    np.testing.assert_allclose(share, weight / weight.sum() / 2, atol=0.005)  # each column has half of the draws
    original = torch.bincount(conditions.draw(200_000, draws, original=True), minlength=5)[:3].numpy() / 200_000
    np.testing.assert_allclose(original, COUNTS / COUNTS.sum() / 2, atol=0.005)


def test_rows_have_the_category_that_was_asked_for_and_all_of_them_are_drawn() -> None:
    given = cells()
    conditions = Conditions.of(LAYOUT, given, log_frequency=True)
    draws = torch.Generator().manual_seed(0)
    asked = conditions.draw(20_000, draws)
    rows = conditions.rows_with(asked, draws)
    column = LAYOUT.segment[asked]
    assert torch.equal(given[rows, column], asked)
    assert len(rows[asked == 2].unique()) == 10
    vectors = condition_vectors(asked, LAYOUT.conditions)
    assert vectors.shape == (20_000, 5)
    assert torch.equal(vectors.argmax(1), asked)


def test_a_category_without_rows_is_never_asked_for() -> None:
    given = cells()[torch.from_numpy(np.flatnonzero(cells()[:, 0].numpy() != 1))]
    conditions = Conditions.of(LAYOUT, given, log_frequency=True)
    assert not (conditions.draw(100_000, torch.Generator().manual_seed(0)) == 1).any()


def test_a_table_without_discrete_columns_has_no_conditions() -> None:
    layout = layout_of([4], 0)
    conditions = Conditions.of(layout, torch.zeros(10, 1, dtype=torch.int64), log_frequency=True)
    assert conditions.columns == 0
