"""Junction trees, propagation and estimation against brute force over a domain small enough to enumerate."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.generators.marginals.estimate import Estimator, Measurement, combined, total_of
from synthkit.generators.marginals.junction import JunctionTree, junction_tree, maximal_cliques, total_cells
from synthkit.generators.marginals.model import Model, from_logs, marginal, spread
from synthkit.generators.marginals.pairs import marginals_of

SIZES = (2, 3, 4, 2, 3)
SETS = st.lists(
    st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True).map(lambda s: tuple(sorted(s))), max_size=6
)


def joint(model: Model) -> Any:
    """The whole table of expected counts: product of cliques over product of separators."""
    found = np.ones(model.sizes)
    everything = tuple(range(len(model.sizes)))
    for i, clique in enumerate(model.tree.cliques):
        table = model.tables[i]
        if model.tree.parents[i] >= 0:
            separator = model.tree.separator(i)
            below = marginal(table, clique, separator)
            table = table / spread(np.where(below > 0, below, 1), separator, clique)
        found = found * spread(table, clique, everything)
    return found


def random_model(sets: list[tuple[int, ...]], seed: int) -> tuple[Model, Any]:
    """A model with random potentials on ``sets``, and its joint table by multiplying them out."""
    rng = np.random.default_rng(seed)
    tree = junction_tree(sets, SIZES)
    logs = [rng.normal(size=tuple(SIZES[c] for c in clique)) * 2 for clique in tree.cliques]
    full = np.zeros(SIZES)
    for log, clique in zip(logs, tree.cliques, strict=True):
        full = full + spread(log, clique, tuple(range(5)))
    truth = np.exp(full)
    return from_logs(tree, SIZES, logs, 1_000.0), 1_000 * truth / truth.sum()


@given(SETS)
def test_trees_hold_every_set_and_keep_each_column_together(sets: list[tuple[int, ...]]) -> None:
    tree = junction_tree(sets, SIZES)
    assert {c for clique in tree.cliques for c in clique} == set(range(5))
    for columns in sets:
        assert tree.home(columns, SIZES) is not None
    # Running intersection: what a clique shares with all before it, it shares with its parent.
    for i, clique in enumerate(tree.cliques):
        before = {c for other in tree.cliques[:i] for c in other}
        assert (set(clique) & before) == (set(tree.separator(i)) if i else set())
        assert tree.parents[i] < i
        assert not any(set(clique) <= set(other) for j, other in enumerate(tree.cliques) if j != i)


def test_a_circle_is_filled_in_where_it_is_cheapest() -> None:
    square = [(0, 1), (1, 2), (2, 3), (0, 3)]
    cliques = maximal_cliques(square, (2, 50, 2, 50))
    assert sorted(cliques) == [0b0111, 0b1101]  # the chord is between the small ones, 0 and 2
    assert total_cells(cliques, (2, 50, 2, 50)) == 400


@settings(deadline=None)
@given(SETS, st.integers(0, 2**31))
def test_propagation_equals_enumeration(sets: list[tuple[int, ...]], seed: int) -> None:
    model, truth = random_model(sets, seed)
    assert np.allclose(joint(model), truth, rtol=1e-9)
    assert model.total == pytest.approx(1_000)
    for table, clique in zip(model.tables, model.tree.cliques, strict=True):
        assert np.allclose(table, marginal(truth, tuple(range(5)), clique))


@settings(deadline=None)
@given(SETS, st.integers(0, 2**31))
def test_marginals_of_any_two_or_three_columns_equal_enumeration(sets: list[tuple[int, ...]], seed: int) -> None:
    model, truth = random_model(sets, seed)
    wanted = [*((c,) for c in range(5)), *itertools.combinations(range(5), 2), *itertools.combinations(range(5), 3)]
    found = dict(marginals_of(model, wanted))
    assert found.keys() == set(wanted)
    for columns, counts in found.items():
        assert np.allclose(counts, marginal(truth, tuple(range(5)), columns)), columns


@settings(deadline=None)
@given(SETS, st.integers(0, 2**31), st.integers(0, 1), st.integers(0, 3))
def test_conditions_equal_enumeration(sets: list[tuple[int, ...]], seed: int, first: int, third: int) -> None:
    model, truth = random_model(sets, seed)
    mask = np.zeros(SIZES)
    mask[first, :, third] = 1
    assert np.allclose(joint(model.given({0: first, 2: third})), truth * mask, rtol=1e-9)


def brute_force(measurements: list[Measurement], slack: float, sigma: float) -> Any:
    """The same problem over the whole table: minimise tau KL(p || 1) + sum |y - p_m|^2 / (2 var), by Newton steps.

    Stationary where log p = sum over m of (y_m - p_m) / soft_m, spread over the table.
    """
    from scipy.optimize import minimize

    everything = tuple(range(len(SIZES)))
    shapes = [m.counts.shape for m in measurements]
    soft = [slack * m.variances / sigma for m in measurements]

    def table(duals: Any) -> Any:
        log, at = np.zeros(SIZES), 0
        for m, shape in zip(measurements, shapes, strict=True):
            size = math.prod(shape)
            log = log + spread(duals[at : at + size].reshape(shape), m.columns, everything)
            at += size
        return np.exp(log)

    def dual(duals: Any) -> tuple[float, Any]:
        p = table(duals)
        value, gradient, at = p.sum(), [], 0
        for m, shape, s in zip(measurements, shapes, soft, strict=True):
            size = math.prod(shape)
            here = duals[at : at + size].reshape(shape)
            value += (s * here**2 / 2 - m.counts * here).sum()
            gradient.append((marginal(p, everything, m.columns) + s * here - m.counts).reshape(-1))
            at += size
        return float(value), np.concatenate(gradient)

    start = np.zeros(sum(math.prod(s) for s in shapes))
    return table(
        minimize(dual, start, jac=True, method="L-BFGS-B", options={"maxiter": 5_000, "ftol": 1e-15, "gtol": 1e-9}).x
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_estimate_solves_its_problem(seed: int) -> None:
    rng = np.random.default_rng(seed)
    _, truth = random_model([(0, 1, 2), (2, 3), (3, 4)], seed)
    estimator = Estimator(SIZES, slack=0.5, sigma=10.0)
    measurements = []
    for columns, sigma in [((0,), 5.0), ((0, 1), 10.0), ((1, 2), 10.0), ((0, 2), 20.0), ((2, 3), 10.0), ((3, 4), 10.0)]:
        exact = marginal(truth, tuple(range(5)), columns)
        measurements.append(Measurement.of(columns, exact + rng.normal(0, sigma, exact.shape), sigma))
        estimator.add(measurements[-1])
    found = joint(estimator.fit(2_000, 1e-9))
    wanted = brute_force(measurements, 0.5, 10.0)
    # The total floats freely, so the base measure's scale (uniform, 1 per cell there) matters only through it.
    for m in measurements:
        a, b = marginal(found, tuple(range(5)), m.columns), marginal(wanted, tuple(range(5)), m.columns)
        assert np.abs(a - b).max() < 0.5 * np.sqrt(m.variances.min()), m.columns


def test_exact_marginals_of_a_tree_are_reproduced() -> None:
    _, truth = random_model([(0, 1), (1, 2), (2, 3), (3, 4)], 1)
    estimator = Estimator(SIZES, slack=1e-3, sigma=1e-3)
    for columns in [(0, 1), (1, 2), (2, 3), (3, 4)]:
        estimator.add(Measurement.of(columns, marginal(truth, tuple(range(5)), columns), 1e-3))
    assert np.allclose(joint(estimator.fit(500, 0.0)), truth, rtol=1e-3)


def test_measurements_of_the_same_columns_are_weighted_by_precision() -> None:
    a = Measurement.of((1,), np.array([10.0, 20.0]), 1.0)
    b = Measurement.of((1,), np.array([16.0, 14.0]), 2.0)
    (both,) = combined([a, b])
    assert both.counts == pytest.approx([11.2, 18.8])
    assert both.variances == pytest.approx([0.8, 0.8])
    assert total_of([a, Measurement.of((0,), np.array([100.0]), 1e6)]) == pytest.approx(30, abs=1e-3)


def test_a_column_of_its_own_is_a_clique_without_separator() -> None:
    tree = junction_tree([(0, 1)], (2, 2, 2))
    assert tree == JunctionTree(((0, 1), (2,)), (-1, 0))
    model = from_logs(tree, (2, 2, 2), [np.zeros((2, 2)), np.array([0.0, math.log(3)])], 8.0)
    assert model.marginal((2,)) == pytest.approx([2.0, 6.0])
    assert dict(marginals_of(model, [(0, 2)]))[(0, 2)] == pytest.approx(np.array([[1.0, 3.0], [1.0, 3.0]]))
