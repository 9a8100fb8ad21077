"""The circuit with a budget that is measured beside aim: what its noise must cover, and what it makes of noisy counts."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.generators.private_circuit import nearest_shares, noisy_em
from synthkit.generators.circuit.em import expected_counts, start_tree
from synthkit.generators.circuit.structure import Structure

SIZES = (3, 4, 2, 5)
COLUMNS = len(SIZES)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30))
def test_the_nearest_shares_are_shares_and_nearest(values: list[float]) -> None:
    given_values = torch.tensor(values, dtype=torch.float64)
    found = nearest_shares(given_values)
    assert float(found.sum()) == pytest.approx(1)
    assert float(found.min()) >= 0
    assert torch.allclose(nearest_shares(found), found, atol=1e-9)
    far = float((found - given_values).norm())
    for corner in torch.eye(len(values), dtype=torch.float64):
        for part in (0.01, 0.5, 1.0):
            assert far <= float((found.lerp(corner, part) - given_values).norm()) + 1e-9


@given(st.tuples(*(st.integers(0, s - 1) for s in SIZES)), st.integers(2, 6), st.integers(0, 100))
def test_one_row_adds_no_more_than_the_noise_covers(row: tuple[int, ...], states: int, seed: int) -> None:
    marginals = torch.cat([torch.full((s,), 1.0 / s) for s in SIZES])
    tree = start_tree(Structure((-1, 0, 1, 1), (0, 1, 2, 3)), SIZES, states, marginals, seed)
    counts, _ = expected_counts(tree, torch.tensor([row]))
    released = torch.cat([counts.cells.flatten(), *(counts.pairs[j].flatten() for j in (1, 2, 3))])
    assert float(released.norm()) <= math.sqrt(2 * COLUMNS - 1) + 1e-5


def test_with_hardly_any_noise_it_learns_what_the_rows_hold() -> None:
    first = torch.arange(4_000) % 2
    codes = torch.stack([first, first, 1 - first], dim=1)
    half = torch.tensor([0.5, 0.5])
    tree = noisy_em(codes, [half, half, half], 2, 30, 1e4, 1e-5, 1)
    told = tree.log_prob(codes).exp()
    assert float(told.min()) == pytest.approx(0.5, abs=0.02)
    blind = noisy_em(codes, [half, half, half], 2, 30, 0.01, 1e-5, 1)
    assert float(blind.log_prob(codes).mean()) < float(tree.log_prob(codes).mean()) - 0.3
