"""A yes or no, given small integer codes: boosted trees that stop on entities that they have not seen.

The trees are scikit-learn's histogram trees (Ke et al. 2017, "LightGBM", grown leaf by leaf) on codes that are already
bins, so that nothing is binned twice: its grower is called with them as they are. What is kept of a tree is its nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BINS = 256  # codes of a feature are 8-bit
NO_BIN = 255  # stands for a missing feature in scikit-learn, and is never used
PATIENCE = 2  # trees without a gain on the rows held out
LEAST_GAIN = 1e-5  # nats a row
SHRINK = 1.0  # added to a leaf's second derivatives (L2)


@dataclass(frozen=True)
class Learning:
    """How trees are boosted: at most ``trees`` of ``leaves`` leaves with at least ``least`` rows, times ``rate``."""

    trees: int = 40
    leaves: int = 16
    least: int = 20
    rate: float = 0.25


@dataclass(frozen=True)
class Forest:
    """The log-odds of a yes: ``base`` and a sum of trees.

    Args:
        nodes: of all trees one after the other, in scikit-learn's record of a node.
        starts: where each tree begins in ``nodes``; one more than trees.
        sets: of each split by category, the categories that go left: bits, uint32, shape (splits, 8).
        set_starts: where each tree begins in ``sets``; one more than trees.
    """

    base: float
    nodes: Array
    starts: Array
    sets: Array
    set_starts: Array

    @property
    def trees(self) -> int:
        return len(self.starts) - 1

    def total(self, x: Array) -> Array:
        """Log-odds of each row of codes (uint8, shape (rows, features)): float64, shape (rows,)."""
        import numpy as np

        found = np.full(len(x), self.base)
        for tree in self._predictors:
            found += tree.predict_binned(x, NO_BIN, 1)
        return found

    @cached_property
    def _predictors(self) -> tuple[Any, ...]:
        from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

        return tuple(
            TreePredictor(
                self.nodes[self.starts[i] : self.starts[i + 1]].copy(),
                self.sets[self.set_starts[i] : self.set_starts[i + 1]].copy(),
                self.sets[self.set_starts[i] : self.set_starts[i + 1]].copy(),
            )
            for i in range(self.trees)
        )


def fit_forest(
    x: Array, y: Array, held: Array, bins: Sequence[int], nominal: Sequence[bool], learning: Learning
) -> Forest:
    """Boost until rows held out gain nothing more.

    Args:
        x: codes, uint8, shape (rows, features), a feature's codes lying together.
        y: booleans, shape (rows,).
        held: which rows only judge; where there are none, no tree is grown.
        bins: codes of each feature.
        nominal: features whose codes have no order.
    """
    import numpy as np
    from sklearn.ensemble._hist_gradient_boosting.grower import TreeGrower

    base = _log_odds(y)
    train, judge = ~held, held
    if not train.any() or not judge.any() or y[train].min() == y[train].max():
        return _forest(base, ())
    xt, yt = np.asfortranarray(x[train]), y[train].astype(np.float64)
    xj, yj = np.ascontiguousarray(x[judge]), y[judge].astype(np.float64)
    raw, raw_judge = np.full(len(xt), _log_odds(yt)), np.full(len(xj), _log_odds(yt))
    edges = [np.arange(BINS - 1, dtype=np.float64)] * x.shape[1]
    given: dict[str, Any] = {
        "n_bins": BINS,
        "n_bins_non_missing": np.asarray(bins, dtype=np.uint32),
        "has_missing_values": np.zeros(x.shape[1], dtype=np.uint8),
        "is_categorical": np.asarray(nominal, dtype=np.uint8),
        "max_leaf_nodes": learning.leaves,
        "min_samples_leaf": learning.least,
        "l2_regularization": SHRINK,
        "shrinkage": learning.rate,
        "n_threads": 1,
    }
    trees: list[Any] = []
    best, kept = _loss(raw_judge, yj), 0
    for _ in range(learning.trees):
        chance = 1 / (1 + np.exp(-raw))
        gradients, curvature = (chance - yt).astype(np.float32), (chance * (1 - chance)).astype(np.float32)
        grower = TreeGrower(X_binned=xt, gradients=gradients, hessians=curvature, **given)
        grower.grow()
        tree = grower.make_predictor(binning_thresholds=edges)
        for leaf in grower.finalized_leaves:
            raw[leaf.sample_indices] += leaf.value
        raw_judge += tree.predict_binned(xj, NO_BIN, 1)
        trees.append(tree)
        loss = _loss(raw_judge, yj)
        if loss < best - LEAST_GAIN:
            best, kept = loss, len(trees)
        elif len(trees) - kept >= PATIENCE:
            break
    return _forest(_log_odds(yt) if kept else base, trees[:kept])


def _forest(base: float, trees: Sequence[Any]) -> Forest:
    import numpy as np
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    nodes = [t.nodes for t in trees]
    sets = [t.binned_left_cat_bitsets for t in trees]
    return Forest(
        float(base),
        np.concatenate(nodes) if nodes else np.zeros(0, dtype=PREDICTOR_RECORD_DTYPE),
        np.cumsum([0, *map(len, nodes)]).astype(np.int64),
        np.concatenate(sets).astype(np.uint32) if sets else np.zeros((0, 8), dtype=np.uint32),
        np.cumsum([0, *map(len, sets)]).astype(np.int64),
    )


def _log_odds(y: Array) -> float:
    import numpy as np

    share = (float(y.sum()) + 0.05) / (len(y) + 0.1)
    return float(np.log(share / (1 - share)))


def _loss(raw: Array, y: Array) -> float:
    """Mean negative log-likelihood of the answers, in nats."""
    import numpy as np

    return float(np.mean(np.logaddexp(0, raw) - y * raw))
