"""Of a wide table, what is held at once is a part that does not grow with the square of its columns."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
import torch

from synthkit.generators.circuit import sampling
from synthkit.generators.circuit.em import start_tree
from synthkit.generators.circuit.sampling import sampler_of
from synthkit.generators.circuit.structure import Structure, mutual_information

T = TypeVar("T")


def peak(work: Callable[[], T]) -> tuple[T, float]:
    """What it gives, and the most MB that Python and NumPy held for it."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def some_codes(columns: int, rows: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 20, (rows, columns))


@pytest.mark.parametrize("block", [1, 700, 5_000])
def test_mutual_information_is_the_same_in_any_blocks(block: int) -> None:
    codes = some_codes(12, 300)
    whole = mutual_information(codes, [20] * 12)
    assert np.array_equal(mutual_information(codes, [20] * 12, block), whole)
    assert np.allclose(whole, whole.T)


def test_mutual_information_of_many_columns_holds_no_table_of_all_pairs() -> None:
    codes = some_codes(250, 60)  # the tables of all pairs are 200 MB, and there were five like them
    found, most = peak(lambda: mutual_information(codes, [20] * 250, 200_000))
    assert found.shape == (250, 250)
    assert most < 30


def test_rows_of_many_columns_are_proposed_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = 300
    monkeypatch.setattr(sampling, "CELLS", 300 * 500)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    chain = Structure(tuple(range(-1, columns - 1)), tuple(range(columns)))
    tree = start_tree(chain, [2] * columns, 2, torch.full((2 * columns,), 0.5), seed=1)
    sampler = sampler_of(tree, None)
    drawn, most = peak(lambda: sampler.draw(5_000, torch.Generator().manual_seed(1)))
    assert drawn.shape == (5_000, columns)
    assert most < 5  # two random numbers a cell for 500 rows: 2.4 MB; for all of them 24
    assert abs(float(drawn.float().mean()) - 0.5) < 0.1
