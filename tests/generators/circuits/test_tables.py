"""Trees that ask few columns each, as tables: the same sums, and sets of columns that hold every pair."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from synthkit.generators.circuit import tables
from synthkit.generators.circuit.em import marginal_counts, start_tree
from synthkit.generators.circuit.fit import fit_refinement
from synthkit.generators.circuit.forest import Forest
from synthkit.generators.circuit.params import CircuitParams
from synthkit.generators.circuit.refine import learn_ratio
from synthkit.generators.circuit.structure import chow_liu, mutual_information
from synthkit.generators.circuit.tables import MOST_CELLS, MOST_SETS, Tables, column_sets, tables_of

CELLS = [100, 10, 300, 4]


def rows(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, c, 5_000) for c in CELLS], axis=1)


def told(x: np.ndarray) -> np.ndarray:
    return (x[:, 1] % 3 == 0) ^ (x[:, 0] > 50) ^ (x[:, 2] > 200) ^ (x[:, 3] == 2)


@pytest.mark.parametrize("categorical", [(), (1, 3)])
@pytest.mark.parametrize("most", [400, 4_000, MOST_CELLS])
def test_the_tables_are_the_classifier(
    categorical: tuple[int, ...], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_CELLS", most)
    x = rows(0)
    seen = x[x[:, 1] != 7]  # a cell that no training row has
    known = {j: np.unique(seen[:, j]) for j in categorical}
    order = [*categorical, *(j for j in range(4) if j not in categorical)]
    sets = [[0], [1], [2], [3]] if most == 400 else [[0, 1], [2, 3]]
    model = HistGradientBoostingClassifier(
        max_iter=20,
        categorical_features=list(range(len(categorical))) or None,
        interaction_cst=[[order.index(j) for j in members] for members in sets],
        random_state=0,
    ).fit(seen[:, order].astype(np.float32), told(seen))
    found = tables_of(model, CELLS, known, base=0.25)
    assert all(end - start <= most for start, end in zip(found.starts, found.starts[1:], strict=False))
    x = rows(1)
    expected = model.decision_function(x[:, order].astype(np.float32)) + 0.25
    np.testing.assert_allclose(found.total(torch.from_numpy(x)).numpy(), expected, atol=1e-5)


def test_a_constant_classifier_is_a_table_of_nothing() -> None:
    model = HistGradientBoostingClassifier(max_iter=3).fit(np.zeros((50, 2), dtype=np.float32), np.repeat([0, 1], 25))
    found = tables_of(model, [1, 1], {}, base=0.5).total(torch.zeros(4, 2, dtype=torch.int64))
    np.testing.assert_allclose(found.numpy(), 0.5, atol=1e-6)


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=20))
def test_sets_are_small_and_hold_every_pair(cardinalities: list[int]) -> None:
    found = column_sets(cardinalities)
    if found is None:
        return
    assert len(found) <= MOST_SETS
    assert all(math.prod(cardinalities[j] for j in members) <= MOST_CELLS for members in found)
    together = {pair for members in found for pair in combinations(members, 2)}
    assert together == set(combinations(range(len(cardinalities)), 2))


def test_many_wide_columns_have_no_sets() -> None:
    assert column_sets([100] * 30) is None
    assert column_sets([300, 300]) is None  # no table holds them
    assert column_sets([250, 250]) == [[0, 1]]


@pytest.mark.parametrize("categorical", [[], [3]])
def test_trees_stay_in_their_sets(categorical: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """With categorical columns, scikit-learn numbers them anew: sets of the wrong columns would come out."""
    seen: list[tuple[int, ...]] = []
    gathered = tables._gathered
    monkeypatch.setattr(tables, "_gathered", lambda parts, cells: gathered(seen.extend(parts) or parts, cells))
    x = torch.from_numpy(rows(0))
    real, drawn = x[torch.from_numpy(told(rows(0)))], x
    found = learn_ratio(real, drawn, CELLS, categorical, trees=20, sets=[[0, 3], [1, 2]], seed=0)
    assert isinstance(found, Tables)
    assert any(len(columns) == 2 for columns in seen)
    assert all(set(columns) <= {0, 3} or set(columns) <= {1, 2} for columns in seen)


def test_few_rows_and_wide_columns_keep_their_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthkit.generators.circuit.fit.FEW_ROWS", 3_000)
    params = CircuitParams(refinements=1, refinement_trees=2)
    for count, cells, kind in ((2_000, 3, Forest), (4_000, 3, Tables), (4_000, 300, Forest)):
        codes = torch.randint(0, cells, (count, 2), generator=torch.Generator().manual_seed(0))
        structure = chow_liu(mutual_information(codes.numpy(), [cells] * 2))
        tree = start_tree(structure, (cells, cells), 2, marginal_counts(codes, (cells, cells)), 0)
        refinement = fit_refinement(tree, codes, [], params, 0, lambda *_: None)[1]
        assert refinement is not None
        assert type(refinement.rounds[0].forest) is kind
