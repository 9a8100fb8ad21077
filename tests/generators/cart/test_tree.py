"""Trees as arrays: scikit-learn's compiled walk is the walk of the arrays; what is cut is a leaf."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synthkit.generators.cart.growing import grown, shared
from synthkit.generators.cart.tree import Splits, leaves_of
from synthkit.generators.cart.trees import Column, Leaves


def walked(splits: Splits, features: Any) -> Any:
    """The leaf of each row, a step at a time."""
    at = np.zeros(len(features), dtype=np.int64)
    rows = np.arange(len(features))
    while len(rows := rows[splits.left[at[rows]] >= 0]):
        low = features[rows, splits.feature[at[rows]]] <= splits.threshold[at[rows]]
        at[rows] = np.where(low, splits.left[at[rows]], splits.right[at[rows]])
    return at


def tree(seed: int, classes: bool, least: int = 3) -> tuple[Splits, Any]:
    rng = np.random.default_rng(seed)
    features = rng.integers(0, 30, (500, 4)).astype(np.float32)
    target = (features[:, 1] + 3 * features[:, 3] * (features[:, 0] > 12) + rng.integers(0, 5, 500)).astype(np.int64)
    return grown(features, target % 7 if classes else target, classes=classes, least=least, seed=seed), features


@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_the_compiled_walk_is_that_of_the_arrays(seed: int, classes: bool) -> None:
    splits, features = tree(seed, classes)
    assert splits.nodes > 20
    other = np.random.default_rng(seed + 50).integers(-5, 40, (2_000, 9)).astype(np.float32)[:, :6]  # no copy is made
    for rows in (features, other):
        assert (leaves_of(splits, rows) == walked(splits, rows)).all()


@pytest.mark.parametrize("seed", range(5))
def test_what_is_cut_is_a_leaf_and_all_else_stays(seed: int) -> None:
    splits, features = tree(seed, classes=False)
    cut = (np.random.default_rng(seed).random(splits.nodes) < 0.2) & (splits.left >= 0)
    smaller = splits.without(cut)
    before, after = walked(splits, features), walked(smaller, features)
    assert smaller.nodes < splits.nodes
    # Rows that were in one leaf still are.
    assert len(np.unique(np.stack([before, after], axis=1), axis=0)) == len(np.unique(before))
    assert (leaves_of(smaller, features) == after).all()


def test_arrays_that_go_in_circles_are_refused() -> None:
    splits, features = tree(2, classes=False)
    left = splits.left.copy()
    left[1] = 0
    with pytest.raises(ValueError, match="no tree"):
        leaves_of(Splits(left, splits.right, splits.feature, splits.threshold), features)


def test_leaves_that_few_people_share_go_into_their_parents() -> None:
    splits, features = tree(1, classes=False)
    units = np.arange(len(features)) // 25
    smaller, leaves = shared(splits, features, units, 6)
    assert (leaves == leaves_of(smaller, features)).all()
    assert len(np.unique(leaves)) > 1
    assert min(len(np.unique(units[leaves == leaf])) for leaf in np.unique(leaves)) >= 6
    assert shared(splits, features, units, 21)[0].nodes == 1


def test_a_leaf_holds_its_rows_cells_in_no_order_of_theirs() -> None:
    leaves, cells = np.array([1, 2, 1, 2, 1]), np.array([4, 0, 1, 3, 1])
    made = Leaves.of(
        Splits(*(np.array(a) for a in ([1, -1, -1], [2, -1, -1], [0, -2, -2], [0.5, -2, -2]))), leaves, cells
    )
    assert made.cells.tolist() == [1, 1, 4, 0, 3]
    assert made.chances(1).tolist() == pytest.approx([0, 2 / 3, 0])


@pytest.mark.parametrize("rows", [0, 1, 3, 10, 11])
def test_each_row_has_one_tree_and_each_tree_as_many_rows(rows: int) -> None:
    leaf = Leaves.of(Splits.none(), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    column = Column((leaf,) * 4, np.zeros(1, dtype=np.float32))
    taken = np.zeros(rows, dtype=int)
    for _, part in column.turns(rows, np.random.default_rng(0)):
        taken[part] += 1
    assert (taken == 1).all()


@pytest.mark.parametrize("rows", [1, 2, 6])
def test_each_row_is_as_likely_any_trees(rows: int) -> None:
    """Also where rows are fewer than trees, as those that are left of a rare condition: 4.5 standard errors."""
    leaf, times, random = np.zeros(1, dtype=np.int64), 8_000, np.random.default_rng(0)
    trees = tuple(Leaves.of(Splits.none(), leaf, leaf + cell) for cell in range(4))
    drawn = np.zeros((rows, 4))
    for _ in range(times):
        for t, part in Column(trees, np.zeros(4, dtype=np.float32)).turns(rows, random):
            drawn[part, trees[t].cells[0]] += 1
    assert np.abs(drawn / times - 0.25).max() < 4.5 * np.sqrt(0.25 * 0.75 / times)
