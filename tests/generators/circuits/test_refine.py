"""The boosted refinement: exact weights, exact rejection, and what it adds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from synthkit.generators.circuit import alias
from synthkit.generators.circuit.alias import WIDEST, Draws, draws_each, draws_from
from synthkit.generators.circuit.em import Schedule, marginal_counts, start_tree, train
from synthkit.generators.circuit.forest import MOST_CELLS, forest_of, grouped
from synthkit.generators.circuit.refine import Refinement, Round, learn_ratio, with_normaliser
from synthkit.generators.circuit.sampling import sampler_of
from synthkit.generators.circuit.structure import chow_liu, mutual_information

CELLS = [10, 100, 300, 4]


def labelled(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.stack([rng.integers(0, c, 5_000) for c in CELLS], axis=1)
    y = (x[:, 0] % 3 == 0) ^ (x[:, 1] > 50) ^ (x[:, 2] > 200) ^ (x[:, 3] == 2)
    return x, y


@pytest.mark.parametrize("categorical", [(), (0, 3)])
@pytest.mark.parametrize("leaves", [2, 31])
def test_the_forest_is_the_classifier(categorical: tuple[int, ...], leaves: int) -> None:
    x, y = labelled(0)
    seen = x[x[:, 0] != 7]  # a cell that no training row has
    known = {j: np.unique(seen[:, j]) for j in categorical}
    model = HistGradientBoostingClassifier(
        max_iter=20, max_leaf_nodes=leaves, categorical_features=list(categorical) or None, random_state=0
    ).fit(seen.astype(np.float32), y[x[:, 0] != 7])
    forest = forest_of(model, CELLS, known, base=0.25)
    rows = labelled(1)[0]
    found = forest.total(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(found, model.decision_function(rows.astype(np.float32)) + 0.25, atol=1e-5)


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=30))
def test_every_column_is_in_one_group_whose_cells_are_all_different(cardinalities: list[int]) -> None:
    groups = grouped(cardinalities)
    assert sorted(column for group in groups for column, _ in group) == list(range(len(cardinalities)))
    for group in groups:
        cells = 1
        for column, weight in group:  # a number system whose digits are the columns' codes
            assert weight == cells
            cells *= cardinalities[column]
        assert cells <= MOST_CELLS or len(group) == 1


def test_a_constant_classifier_is_a_forest_too() -> None:
    x = np.zeros((50, 2), dtype=np.float32)
    model = HistGradientBoostingClassifier(max_iter=3).fit(x, np.repeat([0, 1], 25))
    found = forest_of(model, [1, 1], {}, base=0.5).total(torch.zeros(4, 2, dtype=torch.int64))
    np.testing.assert_allclose(found.numpy(), 0.5, atol=1e-6)


@pytest.mark.parametrize("cells", [1, 2, 7, 50, WIDEST + 1])
def test_alias_tables_hold_their_distribution(cells: int) -> None:
    rng = np.random.default_rng(cells)
    p = rng.dirichlet(np.full(cells, 0.3), size=3)
    p[1] = 1 / cells
    if cells > 1:  # a cell that never comes
        p[0, 0] = 0
        p[0] /= p[0].sum()
    draws = draws_from(torch.from_numpy(p))
    if draws.cumulative is None:  # exactly: what each slot keeps, and what the others give it
        held = held_by(draws)
        assert not held[:, cells:].any()
        np.testing.assert_allclose(held[:, :cells], p, atol=(1 << draws.bits) * 2.0**-31)
        assert not held[:, :cells][p == 0].any()
    n = 100_000
    which = np.full(n, 2, dtype=np.int32)
    found = draws.draw(which, random_bits(n))
    assert found.min() >= 0
    assert found.max() < cells
    top = np.argsort(-p[2])[:5]
    share = np.bincount(found, minlength=cells)[top] / n
    np.testing.assert_allclose(share, p[2][top], atol=4.5 * 0.5 / math.sqrt(n))


def held_by(draws: Draws) -> np.ndarray:
    """The distributions that the slots of ``draws`` stand for, shape (distributions, slots)."""
    slots, whole = 1 << draws.bits, 1 << 31 - draws.bits
    table = draws.table.numpy().astype(np.int64).reshape(-1, slots)
    below, other = table % whole, np.arange(slots) ^ (table // whole)
    held = below.astype(float)
    for row, (to, kept) in enumerate(zip(other, below, strict=True)):
        np.add.at(held[row], to, whole - kept)
    return held / 2.0**31


weights = st.integers(1, 12).flatmap(
    lambda cells: st.lists(st.lists(st.integers(0, 5), min_size=cells, max_size=cells), min_size=1, max_size=12)
)


@given(weights)
@example([[5, 3, 2, 3, 2, 3]])
@example([[2, 3, 5], [0, 0, 0], [1, 1, 8]])
def test_tables_of_small_whole_weights_hold_them_though_sums_tie(rows: list[list[int]]) -> None:
    """Where what slots lack is just what others have too much, again and again; and a row of zeros spoils no other."""
    p = np.array(rows, dtype=np.float32)
    p /= np.maximum(p.sum(1, keepdims=True), 1)
    held = held_by(draws_from(torch.from_numpy(p)))
    exact = p.astype(float)
    exact = np.where(p.any(1, keepdims=True), exact / np.maximum(exact.sum(1, keepdims=True), 0.5), 1 / p.shape[1])
    np.testing.assert_allclose(held[:, : p.shape[1]], exact, atol=2.0**-24)
    assert not held[:, p.shape[1] :].any()


def test_a_row_of_zeros_in_a_wide_table_spoils_no_other() -> None:
    p = torch.rand(3, WIDEST + 1, generator=torch.Generator().manual_seed(0))
    p[1] = 0
    cumulative = draws_from(p).cumulative
    assert cumulative is not None
    assert bool(torch.isfinite(cumulative).all())
    assert torch.equal(cumulative[2] - 2, draws_from(p[2:]).cumulative[0] + 2 - 2)  # type: ignore[index]


def test_tables_are_cut_by_their_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alias, "TOGETHER", 64)
    made: list[int] = []
    real = alias._alias

    def watched(full: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        made.append(full.size)
        return real(full)

    monkeypatch.setattr(alias, "_alias", watched)
    draws_each([torch.full((2, 9), 1 / 9)] * 5)  # 16 slots a row: two of these tables at once
    assert made == [64, 64, 32]


def random_bits(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-(2**31), 2**31, n).astype(np.int32)


def test_a_draw_is_what_its_slot_says() -> None:
    """All 2^16 values of the highest bits, at thresholds of few bits: every cell is drawn as often as it is likely."""
    draws = draws_from(torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.125, 0.875]], dtype=torch.float64))
    # 2 bits name the slot, 29 the threshold, whose highest 14 are enumerated with them; one is not looked at.
    slot, part = np.divmod(np.arange(2**16, dtype=np.int64), 2**14)
    bits = (slot << 30 | part << 15).astype(np.uint32).view(np.int32)
    for row, likely in enumerate(([0.5, 0.25, 0.25], [0.0, 0.125, 0.875])):
        found = draws.draw(np.full(2**16, row, dtype=np.int32), bits.copy())
        assert (np.bincount(found, minlength=3) / 2**16).tolist() == likely


def test_tables_made_together_are_those_made_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alias, "TOGETHER", 60)  # so that some groups are cut
    rng = np.random.default_rng(5)
    shapes = [(4, 6), (3, 2), (4, 6), (1, 1), (5, 6), (2, WIDEST + 1), (2, WIDEST + 1), (4, 2)]
    each = [torch.from_numpy(rng.dirichlet(np.full(cells, 0.5), size=rows)) for rows, cells in shapes]
    for alone, together in zip(map(draws_from, each), draws_each(each), strict=True):
        assert (alone.cumulative is None) == (together.cumulative is None)
        if alone.cumulative is not None:
            assert torch.equal(alone.cumulative, together.cumulative)
            continue
        # What a prefix sum rounds depends on where it stands: by one of 2^31 at most.
        np.testing.assert_allclose(held_by(alone), held_by(together), atol=2.0**-29)


def test_a_tree_makes_its_tables_once() -> None:
    codes = parity(200, 0)
    tree = start_tree(
        chow_liu(mutual_information(codes.numpy(), [2] * 4)), [2] * 4, 3, marginal_counts(codes, [2] * 4), 0
    )
    first = sampler_of(tree, None)
    again = sampler_of(tree, None)
    assert all(a is b for a, b in zip(first.cells, again.cells, strict=True))


def parity(n: int, seed: int) -> torch.Tensor:
    """Three fair bits whose fourth is their parity in nine rows of ten: no pair of columns depends on each other."""
    g = torch.Generator().manual_seed(seed)
    bits = torch.randint(0, 2, (n, 3), generator=g)
    flip = (torch.rand(n, generator=g) < 0.1).long()
    return torch.cat([bits, ((bits.sum(1) + flip) % 2)[:, None]], dim=1)


@pytest.mark.parametrize("sets", [None, [[0, 1, 2, 3]]])
def test_a_planted_interaction_is_learnt_by_refinement_where_one_state_cannot(sets: list[list[int]] | None) -> None:
    real = parity(20_000, 0)
    marginals = marginal_counts(real, (2, 2, 2, 2))
    structure = chow_liu(mutual_information(real.numpy(), (2, 2, 2, 2)))
    blind = train(start_tree(structure, (2, 2, 2, 2), 1, marginals, 0), real, marginals, Schedule(steps=100), 0)
    g = torch.Generator().manual_seed(1)

    def holds(rows: torch.Tensor) -> float:
        return float((rows[:, :3].sum(1) % 2 == rows[:, 3]).float().mean())

    plain = sampler_of(blind, None).draw(20_000, g)
    assert holds(plain) == pytest.approx(0.5, abs=0.02)
    forest = learn_ratio(real, plain, (2, 2, 2, 2), (0, 1, 2, 3), trees=100, sets=sets, seed=0)
    refinement = with_normaliser(Refinement((Round(forest, math.log(4.5)),)), [sampler_of(blind, None).draw(50_000, g)])
    drawn = sampler_of(blind, refinement).draw(20_000, g)
    assert holds(drawn) == pytest.approx(0.9, abs=0.02)  # four standard errors are .0085; the trees add some
    # q(x) = p(x) w(x) / Z adds up to 1 over all sixteen rows, within the error that Z states.
    every = torch.cartesian_prod(*[torch.arange(2)] * 4)
    total = (blind.log_prob(every) + refinement.log_weight(every) - refinement.log_z).exp().sum()
    assert float(total) == pytest.approx(1, abs=5 * refinement.log_z_error + 1e-3)
    # and rejection draws from that q.
    q = (blind.log_prob(every) + refinement.log_weight(every)).exp()
    q = (q / q.sum()).numpy()
    counts = np.bincount((drawn * torch.tensor([8, 4, 2, 1])).sum(1).numpy(), minlength=16)
    assert (((counts - 20_000 * q) ** 2) / (20_000 * q)).sum() < 50  # chi-square, 15 degrees, beyond 1 - 1e-5


def test_rounds_multiply_and_rejection_draws_from_their_product() -> None:
    real, cells = parity(20_000, 0), (2, 2, 2, 2)
    marginals = marginal_counts(real, cells)
    structure = chow_liu(mutual_information(real.numpy(), cells))
    blind = train(start_tree(structure, cells, 1, marginals, 0), real, marginals, Schedule(steps=100), 0)
    draws = torch.Generator().manual_seed(1)
    refinement: Refinement | None = None
    for number, most in enumerate((1.3, 1.2)):  # too little to get there at once: the second round has work left
        drawn = sampler_of(blind, refinement).draw(60_000, draws)
        forest = learn_ratio(real, drawn, cells, (0, 1, 2, 3), trees=20, seed=number)
        before = () if refinement is None else refinement.rounds
        refinement = Refinement((*before, Round(forest, math.log(most))))
    assert refinement is not None
    every = torch.cartesian_prod(*[torch.arange(2)] * 4)
    single = [r.log_weight(every) for r in refinement.rounds]
    torch.testing.assert_close(refinement.log_weight(every), single[0] + single[1])
    assert all(float(s.max()) <= math.log(m) + 1e-6 for s, m in zip(single, (1.3, 1.2), strict=True))
    q = (blind.log_prob(every) + refinement.log_weight(every)).exp()
    q = (q / q.sum()).numpy()
    rows = sampler_of(blind, refinement).draw(50_000, draws)
    counts = np.bincount((rows * torch.tensor([8, 4, 2, 1])).sum(1).numpy(), minlength=16)
    assert (((counts - 50_000 * q) ** 2) / (50_000 * q)).sum() < 50  # chi-square, 15 degrees, beyond 1 - 1e-5


@pytest.mark.parametrize("refined", [False, True])
def test_several_threads_draw_the_same_rows_as_one(refined: bool) -> None:
    real, cells = parity(5_000, 0), (2, 2, 2, 2)
    marginals = marginal_counts(real, cells)
    structure = chow_liu(mutual_information(real.numpy(), cells))
    tree = start_tree(structure, cells, 2, marginals, 0)
    refinement = None
    if refined:
        drawn = sampler_of(tree, None).draw(5_000, torch.Generator().manual_seed(0))
        forest = learn_ratio(real, drawn, cells, (0, 1, 2, 3), trees=5, seed=0)
        refinement = Refinement((Round(forest, math.log(2)),))
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            stream = sampler_of(tree, refinement).stream(150_000, seed=3)
            found.append(torch.cat([stream.take(n) for n in (1, 0, 99_999, 100_000)]))
    finally:
        torch.set_num_threads(before)
    assert found[0].shape == (200_000, 4)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
    other = sampler_of(tree, refinement).stream(150_000, seed=4).take(100)
    assert not torch.equal(found[0][:100], other)


def test_states_learn_the_interaction_too() -> None:
    real = parity(20_000, 2)
    marginals = marginal_counts(real, (2, 2, 2, 2))
    structure = chow_liu(mutual_information(real.numpy(), (2, 2, 2, 2)))
    start = start_tree(structure, (2, 2, 2, 2), 16, marginals, 0)
    tree = train(start, real, marginals, Schedule(steps=800), 0)
    rows = sampler_of(tree, None).draw(20_000, torch.Generator().manual_seed(0))
    assert float((rows[:, :3].sum(1) % 2 == rows[:, 3]).float().mean()) > 0.85
