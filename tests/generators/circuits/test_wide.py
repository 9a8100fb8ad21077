"""Of a wide table, what is held at once is a part that does not grow with the square of its columns."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
import torch

from synthkit.generators.circuit import fit, sampling
from synthkit.generators.circuit.em import start_tree
from synthkit.generators.circuit.params import CircuitParams
from synthkit.generators.circuit.sampling import sampler_of
from synthkit.generators.circuit.structure import Structure, mutual_information
from synthkit.generators.circuit.tree import HiddenTree

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


def chain(columns: int) -> HiddenTree:
    """A tree of two states and two cells a column, each column hanging on the one before."""
    structure = Structure(tuple(range(-1, columns - 1)), tuple(range(columns)))
    return start_tree(structure, [2] * columns, 2, torch.full((2 * columns,), 0.5), seed=1)


def test_rows_of_many_columns_are_proposed_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = 300
    monkeypatch.setattr(sampling, "CELLS", 300 * 500)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    sampler = sampler_of(chain(columns), None)
    drawn, most = peak(lambda: sampler.draw(5_000, torch.Generator().manual_seed(1)))
    assert drawn.shape == (5_000, columns)
    assert most < 5  # two random numbers a cell for 500 rows: 2.4 MB; for all of them 24
    assert abs(float(drawn.float().mean()) - 0.5) < 0.1


@pytest.mark.parametrize("threads", [1, 16])
def test_all_threads_together_propose_a_bounded_number_of_cells(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(sampling, "CELLS", 40 * 100)
    monkeypatch.setattr(sampling, "IN_WORK", 40 * 300)
    monkeypatch.setattr(sampling, "_in_order", lambda _stream, size, _wanted, count: used.extend([size, count]))
    _ = sampler_of(chain(40), None).stream(5_000, 1)._blocks
    assert used == [100, min(threads, 3)]


def test_the_normaliser_holds_a_part_of_the_rows_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tree, codes = chain(30), torch.from_numpy(some_codes(30, 400) % 2)
    params = CircuitParams(refinements=1, refinement_trees=3)
    taken: list[int] = []
    take = sampling.Stream.take

    def counted(stream: sampling.Stream, rows: int) -> torch.Tensor:
        taken.append(rows)
        return take(stream, rows)

    monkeypatch.setattr(fit, "NORMALISED", 4_000)
    monkeypatch.setattr(fit, "RAKED_CELLS", 30 * 900)
    monkeypatch.setattr(sampling.Stream, "take", counted)
    found = []
    for cells in (10**9, 30 * 700):
        monkeypatch.setattr(fit, "CELLS_AT_ONCE", cells)
        found.append(fit.fit_refinement(tree, codes, [], params, 5, lambda *_: None)[1])
    whole, parts = found
    assert whole is not None
    assert parts is not None
    assert (whole.log_z, whole.log_z_error) == (parts.log_z, parts.log_z_error)
    assert taken == [1_200, 900, 4_000, 1_200, 700, 200, 700, 700, 700, 700, 700, 500]


def test_messages_that_nobody_waits_for_are_let_go_and_the_likelihood_is_the_same() -> None:
    tree, codes = chain(200), torch.from_numpy(some_codes(200, 50) % 2)
    inside, told, whole = tree.upward(codes)
    empty_inside, heard, alone = tree.upward(codes, keep=False)
    assert torch.equal(alone, whole)
    assert torch.equal(tree.log_prob(codes), whole)
    assert sum(m.numel() for m in (*inside, *told)) > 190 * 2 * 100
    assert all(m is tree.root for m in (*empty_inside, *heard))
