"""The tree against brute force: every probability of a small circuit by enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from synthkit.errors import BuildError
from synthkit.generators.circuit.em import Schedule, expected_counts, marginal_counts, maximised, start_tree, train
from synthkit.generators.circuit.sampling import sampler_of
from synthkit.generators.circuit.structure import Structure, chow_liu, mutual_information
from synthkit.generators.circuit.tree import HiddenTree, block_offsets

CELLS = (2, 3, 4, 2)
STRUCTURE = Structure((-1, 0, 0, 2), (0, 1, 2, 3))


def small_tree(seed: int = 0, states: int = 3) -> HiddenTree:
    rng = np.random.default_rng(seed)
    marginals = torch.from_numpy(np.concatenate([rng.dirichlet(np.ones(c)) for c in CELLS])).float()
    return start_tree(STRUCTURE, CELLS, states, marginals, seed)


def enumerated(tree: HiddenTree) -> dict[tuple[int, ...], float]:
    """p(x) of every row by the sum over all hidden states, in double precision."""
    k, d = tree.states, len(CELLS)
    starts = np.cumsum((0, *CELLS))
    emissions = [tree.emissions[starts[j] : starts[j + 1]].double().numpy() for j in range(d)]
    found = {}
    for x in product(*map(range, CELLS)):
        total = 0.0
        for z in product(range(k), repeat=d):
            p = float(tree.root[z[0]]) * np.prod([emissions[j][x[j], z[j]] for j in range(d)])
            for j in STRUCTURE.order[1:]:
                p *= float(tree.transitions[j, z[STRUCTURE.parents[j]], z[j]])
            total += p
        found[x] = total
    return found


def rows(keys: list[tuple[int, ...]]) -> torch.Tensor:
    return torch.tensor(keys, dtype=torch.int64)


def test_log_likelihoods_equal_enumeration_and_add_up_to_one() -> None:
    tree = small_tree()
    exact = enumerated(tree)
    found = tree.log_prob(rows(list(exact))).exp().numpy()
    assert sum(exact.values()) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(found, list(exact.values()), rtol=1e-4)


def test_missing_values_are_summed_out() -> None:
    tree = small_tree(1)
    exact = enumerated(tree)
    wanted = sum(p for x, p in exact.items() if x[1] == 2 and x[3] == 0)
    assert float(tree.log_prob(rows([(-1, 2, -1, 0)])).exp()) == pytest.approx(wanted, rel=1e-4)
    assert float(tree.log_prob(rows([(-1, -1, -1, -1)])).exp()) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("evidence", [{1: 2}, {0: 1, 3: 0}, {2: 3, 1: 0, 3: 1}])
def test_conditionals_equal_enumeration(evidence: dict[int, int]) -> None:
    tree = small_tree(2)
    exact = {x: p for x, p in enumerated(tree).items() if all(x[j] == c for j, c in evidence.items())}
    given = tree.condition(evidence)
    found = given.log_prob(rows(list(exact))).exp().numpy()
    np.testing.assert_allclose(found, np.array(list(exact.values())) / sum(exact.values()), rtol=1e-4)


def test_impossible_evidence_is_refused() -> None:
    tree = small_tree(3)
    emissions = tree.emissions.clone()
    emissions[:2] = torch.tensor([[1.0], [0.0]])
    never = HiddenTree(STRUCTURE, CELLS, tree.root, tree.transitions, emissions, tree.offsets)
    with pytest.raises(BuildError, match="no probability"):
        never.condition({0: 1})


def test_draws_have_the_enumerated_frequencies() -> None:
    tree = small_tree(4)
    exact = enumerated(tree)
    n = 200_000
    drawn = sampler_of(tree, None).draw(n, torch.Generator().manual_seed(0)).numpy()
    index = {x: i for i, x in enumerate(exact)}
    counts = np.bincount([index[tuple(x)] for x in drawn.tolist()], minlength=len(exact))
    p = np.array(list(exact.values()))
    # Pearson's chi-square has 47 degrees of freedom; 97 is its 1 - 1e-5 quantile.
    assert (((counts - n * p) ** 2) / (n * p)).sum() < 97


def test_completed_rows_keep_what_is_given_and_follow_the_conditional() -> None:
    tree = small_tree(5)
    exact = enumerated(tree)
    n = 100_000
    given = torch.full((n, 4), -1)
    given[:, 1], given[:, 3] = 2, 1
    done = tree.complete(given, torch.Generator().manual_seed(1))
    assert (done[:, 1] == 2).all()
    assert (done[:, 3] == 1).all()
    mass = sum(p for x, p in exact.items() if x[1] == 2 and x[3] == 1)
    for cell in range(4):
        wanted = sum(p for x, p in exact.items() if x[1] == 2 and x[3] == 1 and x[2] == cell) / mass
        error = (wanted * (1 - wanted) / n) ** 0.5
        assert float((done[:, 2] == cell).float().mean()) == pytest.approx(wanted, abs=4.5 * error)


def test_the_model_knows_its_own_marginals() -> None:
    tree = small_tree(6)
    exact = enumerated(tree)
    (found,) = tree.marginals([2])
    wanted = [sum(p for x, p in exact.items() if x[2] == c) for c in range(4)]
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4)


def test_likelihood_never_falls_under_full_batch_em() -> None:
    rng = np.random.default_rng(7)
    codes = torch.from_numpy(np.stack([rng.integers(0, c, 400) for c in CELLS], axis=1))
    codes[:, 3] = codes[:, 0]
    marginals = marginal_counts(codes, CELLS)
    tree = start_tree(STRUCTURE, CELLS, 4, marginals, 0)
    past = -np.inf
    for _ in range(40):
        counts, likelihood = expected_counts(tree, codes)
        assert float(likelihood) >= past - 1e-5  # single precision
        past = float(likelihood)
        tree = maximised(tree, counts, marginals, 0.0, 0.0)
    _, first = expected_counts(start_tree(STRUCTURE, CELLS, 4, marginals, 0), codes)
    assert past > float(first) + 0.3


def test_expected_counts_are_the_posterior_of_the_states() -> None:
    tree = small_tree(8)
    x = rows([(1, 2, 0, 1)])
    counts, _ = expected_counts(tree, x)
    # By Bayes: the share of state k at the root is p(z_root = k, x) / p(x).
    joint = []
    for k in range(tree.states):
        root = torch.zeros(tree.states)
        root[k] = tree.root[k]
        one = HiddenTree(STRUCTURE, CELLS, root, tree.transitions, tree.emissions, tree.offsets)
        joint.append(float(one.log_prob(x).exp()))
    np.testing.assert_allclose(counts.root.numpy(), np.array(joint) / sum(joint), rtol=1e-4)
    assert float(counts.cells.sum()) == pytest.approx(len(CELLS), rel=1e-5)
    assert float(counts.pairs.sum()) == pytest.approx(len(CELLS) - 1, rel=1e-5)


def test_mini_batches_reach_what_generated_the_rows() -> None:
    source = small_tree(9)
    g = torch.Generator().manual_seed(0)
    codes = sampler_of(source, None).draw(20_000, g)
    marginals = marginal_counts(codes, CELLS)
    structure = chow_liu(mutual_information(codes.numpy(), CELLS))
    learnt = train(start_tree(structure, CELLS, 8, marginals, 1), codes, marginals, Schedule(steps=400), 1)
    fresh = sampler_of(source, None).draw(20_000, g)
    # The mean log-likelihood of fresh rows: .01 nats below the truth at most.
    assert float(learnt.log_prob(fresh).mean()) > float(source.log_prob(fresh).mean()) - 0.01


def test_chow_liu_finds_a_chain() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, 20_000)
    b = np.where(rng.random(20_000) < 0.8, a, rng.integers(0, 4, 20_000))
    c = np.where(rng.random(20_000) < 0.8, b, rng.integers(0, 4, 20_000))
    information = mutual_information(np.stack([c, a, b], axis=1), (4, 4, 4))
    found = chow_liu(information)
    edges = {frozenset((j, p)) for j, p in enumerate(found.parents) if p >= 0}
    assert edges == {frozenset((1, 2)), frozenset((0, 2))}
    from sklearn.metrics import mutual_info_score

    bias = 9 / (2 * 20_000)
    assert information[0, 1] == pytest.approx(mutual_info_score(c, a) - bias, abs=1e-9)


def test_states_that_evidence_rules_out_leave_the_draws_of_the_others_alone() -> None:
    """The states that a parent's state leads to show cell 2 in one of four cases; other parents lead nowhere then."""
    states, cells = 16, (3, 4, 6)
    g = torch.Generator().manual_seed(3)
    kind = torch.arange(states) % 4
    transitions = torch.rand(states, states, generator=g) ** 3 * (kind[:, None] == kind)
    transitions /= transitions.sum(1, keepdim=True)
    shown = torch.nn.functional.one_hot(kind, 4).T.float()
    others = [torch.rand(c, states, generator=g) ** 4 for c in (3, 6)]
    emissions = torch.cat([others[0] / others[0].sum(0), shown, others[1] / others[1].sum(0)])
    structure, root = Structure((-1, 0, 1), (0, 1, 2)), torch.full((states,), 1 / states)
    tree = HiddenTree(structure, cells, root, transitions.repeat(3, 1, 1), emissions, block_offsets(cells))
    given = tree.condition({1: 2})
    assert bool((given.transitions[1].sum(1) == 0).any())
    exact = tree.log_prob(torch.tensor([[-1, 2, x] for x in range(6)])).exp()
    drawn = sampler_of(given, None).draw(40_000, g)
    share = torch.bincount(drawn[:, 2].long(), minlength=6) / len(drawn)
    assert torch.allclose(share, (exact / exact.sum()).float(), atol=4.5 * 0.5 / 200)


def test_columns_that_tell_the_same_are_taken_in_their_order() -> None:
    """The cells of a column in another order add up to another last digit, which decides nothing."""
    rng = np.random.default_rng(1)
    a = rng.integers(0, 7, 3_000)
    b = np.where(rng.random(3_000) < 0.7, a, rng.integers(0, 7, 3_000))
    renamed = [rng.permutation(7)[b] for _ in range(6)]
    information = mutual_information(np.stack([a, *renamed], axis=1), [7] * 7)
    assert len({*information[0, 1:].tolist()}) == 1
    assert len({*information[np.triu_indices(7, 1)].tolist()}) == 2
    found = chow_liu(information)
    assert found.order == (1, 2, 3, 4, 5, 6, 0)
    assert found.parents == (1, -1, 1, 1, 1, 1, 1)


@pytest.mark.parametrize("seed", range(3))
def test_a_tilted_tree_has_the_probabilities_times_their_factors(seed: int) -> None:
    tree = small_tree(seed)
    factors = torch.from_numpy(np.random.default_rng(seed).uniform(0.25, 4, sum(CELLS))).float()
    exact, starts = enumerated(tree), np.cumsum((0, *CELLS))
    weighed = {x: p * float(np.prod([factors[starts[j] + c] for j, c in enumerate(x)])) for x, p in exact.items()}
    total = sum(weighed.values())
    found = enumerated(tree.tilted(factors))
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)
    for x, p in weighed.items():
        assert found[x] == pytest.approx(p / total, rel=1e-4)


def test_factors_of_one_leave_a_tree_as_it_is() -> None:
    tree = small_tree()
    same = tree.tilted(torch.ones(sum(CELLS)))
    for name in ("root", "transitions", "emissions"):
        torch.testing.assert_close(getattr(same, name), getattr(tree, name), rtol=1e-5, atol=1e-6)
