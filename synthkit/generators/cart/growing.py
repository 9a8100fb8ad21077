"""How a tree is grown, and what of it too few people share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.generators.cart.tree import Splits, leaves_of

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def grown(features: Array, target: Array, *, classes: bool, least: int, seed: int) -> Splits:
    """The splits that tell the targets apart best, one after the other.

    Args:
        features: of the columns before it, float32, shape (rows, columns).
        target: a column's cells, or their places in an order: shape (rows,).
        classes: whether the targets have no order.
        least: rows in a leaf, at least.
    """
    import numpy as np
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if len(target) < 2 * least:
        return Splits.none()
    kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
    found: Any = kind(min_samples_leaf=least, random_state=seed % 2**32).fit(features, target).tree_
    fields = (found.children_left, found.children_right, found.feature, found.threshold)
    # They are views of every field of every node; safetensors writes the bytes that lie there, whatever the strides.
    return Splits(*(np.ascontiguousarray(field) for field in fields))


def shared(splits: Splits, features: Array, units: Array | None, people: int) -> tuple[Splits, Array]:
    """The splits without those that leave fewer than ``people`` privacy units in a leaf, and the leaf of each row.

    Args:
        units: a number from 0 on for each row's privacy unit, shape (rows,); None: each row is one.
    """
    import numpy as np

    while True:
        leaves = mine = leaves_of(splits, features)
        if units is not None:
            most = int(units.max()) + 1
            mine = np.unique(leaves * most + units) // most
        held = np.bincount(mine, minlength=splits.nodes)
        few = (splits.left < 0) & (held < people)
        if splits.nodes == 1 or not few.any():
            return splits, leaves
        inner = np.flatnonzero(splits.left >= 0)
        cut = np.zeros(splits.nodes, dtype=bool)
        cut[inner] = few[splits.left[inner]] | few[splits.right[inner]]
        splits = splits.without(cut)
