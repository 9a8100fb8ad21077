"""A yes or no, given small integer codes: boosted trees that stop on entities that they have not seen.

The trees are scikit-learn's histogram trees (Ke et al. 2017, "LightGBM", grown leaf by leaf) on codes that are already
bins, so that nothing is binned twice: its grower is called with them as they are. What is kept of a tree is its nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.additive import Shape, added, fit_additive

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BINS = 256  # codes of a feature are 8-bit
NO_BIN = 255  # stands for a missing feature in scikit-learn, and is never used
PATIENCE = 3  # trees without a gain on the rows that judge
LEAST = 3  # trees whose time the additive part takes
ABREAST = 100  # rows, up to which all trees are asked in one call
CROSSED = 20_000  # rows, up to which each judges once
CENTRED = 6  # steps of Newton's method
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
    """The log-odds of a yes: ``base``, what codes add, and a sum of trees.

    Args:
        table: what each code of each feature adds, shape (features, 256); no features: nothing.
        nodes: of all trees one after the other, in scikit-learn's record of a node.
        starts: where each tree begins in ``nodes``; one more than trees.
        sets: of each split by category, the categories that go left: bits, uint32, shape (splits, 8).
        set_starts: where each tree begins in ``sets``; one more than trees.
    """

    base: float
    table: Array
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
        if len(self.table):
            found += added(self.table, x)
        if 1 < self.trees < NO_BIN and len(x) <= ABREAST:
            rows = np.empty((self.trees, len(x), x.shape[1] + 1), dtype=np.uint8)
            rows[:, :, :-1] = x
            rows[:, :, -1] = np.arange(self.trees, dtype=np.uint8)[:, None]
            told = self._together(x.shape[1]).predict_binned(rows.reshape(-1, rows.shape[2]), NO_BIN, 1)
            for one in told.reshape(self.trees, len(x)):
                found += one
            return found
        for tree in self._predictors:
            found += tree.predict_binned(x, NO_BIN, 1)
        return found

    def _together(self, features: int) -> Any:
        """All trees as one, which a feature behind the others leads to the tree of its number: few rows, one call."""
        if "_joint" not in self.__dict__:
            self.__dict__["_joint"] = _joined(self, features)
        return self.__dict__["_joint"]

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


def _joined(forest: Forest, features: int) -> Any:
    """Trees below forks that ask for a tree's number, which is the feature ``features``."""
    import numpy as np
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    parts: list[Array] = []
    size = 0

    def put(nodes: Array) -> int:
        nonlocal size
        parts.append(nodes)
        size += len(nodes)
        return size - len(nodes)

    def grow(low: int, high: int) -> int:
        if high - low == 1:
            tree = forest.nodes[forest.starts[low] : forest.starts[high]].copy()
            for name, by in (("left", size), ("right", size), ("bitset_idx", int(forest.set_starts[low]))):
                tree[name] += np.asarray(by, dtype=tree[name].dtype)
            return put(tree)
        middle = (low + high) // 2
        fork: Any = np.zeros(1, dtype=forest.nodes.dtype)
        at = put(fork)
        fork["feature_idx"], fork["bin_threshold"] = features, middle - 1
        fork["left"], fork["right"] = grow(low, middle), grow(middle, high)
        return at

    grow(0, forest.trees)
    return TreePredictor(np.concatenate(parts), forest.sets.copy(), forest.sets.copy())


def fit_forest(
    x: Array,
    y: Array,
    part: Array,
    shape: Shape,
    learning: Learning,
    least_gain: float,
    known: Array | None = None,
) -> tuple[Forest, Array]:
    """Boost as many trees as rows that they were not grown from gain by.

    Of few rows each third judges trees grown from the others, and those that are kept grow from all of them; of many a
    ninth judges.

    Args:
        x: codes, uint8, shape (rows, features), a feature's codes lying together.
        y: booleans, shape (rows,).
        part: of each row, 0 to 8; an entity's are all in one.
        least_gain: nats a row for which a tree is worth its time.
        known: log-odds of each row that the forest's are added to.

    Returns:
        The forest, and the log-odds of each row, those that are known with them: where rows are few, by trees that
        grew without it.
    """
    import numpy as np

    known = np.zeros(len(y)) if known is None else known
    base = _log_odds(y, known)
    if not y.any() or y.all():
        return _forest(base, ()), known + base
    growing = _Growing(shape, learning)
    judges = [part == 0] if len(y) > CROSSED else [part % 3 == i for i in range(3)]
    judges = [judge for judge in judges if judge.any() and y[~judge].any() and not y[~judge].all()]
    runs = [_Run(growing, x, y, known, judge) for judge in judges]
    if not runs:
        return _forest(base, ()), known + base
    rows = sum(len(r.judged) for r in runs)
    best, kept = sum(r.loss() for r in runs) / rows, 0
    additive = sum(r.with_additive() for r in runs) / rows < best - LEAST * least_gain
    if additive:
        best = sum(r.loss() for r in runs) / rows
    else:
        for run in runs:
            run.without_additive()
    for run in runs:
        run.keep()
    for number in range(1, learning.trees + 1):
        loss = sum(r.grow() for r in runs) / rows
        if loss < best - least_gain * (number - kept):
            best, kept = loss, number
            for run in runs:
                run.keep()
        elif number - kept >= PATIENCE:
            break
    if not kept and not additive:
        return _forest(base, ()), known + base
    if len(runs) == 1:
        told = np.empty(len(y))
        told[judges[0]], told[~judges[0]] = runs[0].kept_judged, runs[0].kept
        return _forest(runs[0].base, runs[0].trees[:kept], runs[0].table), told
    whole = _Run(growing, x, y, known, np.zeros(len(y), dtype=bool))
    if additive:
        whole.with_additive()
    for _ in range(kept):
        whole.grow()
    told = whole.raw.copy()
    for judge, run in zip(judges, runs, strict=True):
        told[judge] = run.kept_judged
    return _forest(whole.base, whole.trees, whole.table), told


class _Growing:
    """How trees are grown."""

    def __init__(self, shape: Shape, learning: Learning) -> None:
        import numpy as np

        bins, nominal = shape.bins, shape.nominal
        self.shape = shape
        self.edges = [np.arange(BINS - 1, dtype=np.float64)] * len(bins)
        self.given: dict[str, Any] = {
            "n_bins": BINS,
            "n_bins_non_missing": np.asarray(bins, dtype=np.uint32),
            "has_missing_values": np.zeros(len(bins), dtype=np.uint8),
            "is_categorical": np.asarray(nominal, dtype=np.uint8),
            "max_leaf_nodes": learning.leaves,
            "min_samples_leaf": learning.least,
            "l2_regularization": SHRINK,
            "shrinkage": learning.rate,
            "n_threads": 1,
        }


class _Run:
    """Trees grown from some rows, one after another, and judged by the others."""

    def __init__(self, growing: _Growing, x: Array, y: Array, known: Array, judge: Array) -> None:
        import numpy as np

        self.growing, self.trees = growing, list[Any]()
        whole = not judge.any()
        self.x = np.asfortranarray(x if whole else x[~judge])
        self.y = y[~judge].astype(np.float64)
        self.judges, self.judged = np.ascontiguousarray(x[judge]), y[judge].astype(np.float64)
        self.known, self.known_judged = known[~judge], known[judge]
        self.base = _log_odds(self.y, self.known)
        self.table: Array | None = None
        self.without_additive()

    def without_additive(self) -> None:
        """Begin with the share of yes alone."""
        self.table = None
        self.raw, self.raw_judged = self.known + self.base, self.known_judged + self.base

    def keep(self) -> None:
        """Remember the log-odds so far."""
        self.kept, self.kept_judged = self.raw.copy(), self.raw_judged.copy()

    def with_additive(self) -> float:
        """Begin with what codes add; what the judging rows lose with it."""
        self.table = fit_additive(self.x, self.y, self.growing.shape, self.raw)
        self.raw += added(self.table, self.x)
        if len(self.judges):
            self.raw_judged += added(self.table, self.judges)
        return self.loss()

    def grow(self) -> float:
        """One tree more; what the judging rows lose with it."""
        import numpy as np
        from sklearn.ensemble._hist_gradient_boosting.grower import TreeGrower

        chance = 1 / (1 + np.exp(-self.raw))
        gradients, curvature = (chance - self.y).astype(np.float32), (chance * (1 - chance)).astype(np.float32)
        grower = TreeGrower(X_binned=self.x, gradients=gradients, hessians=curvature, **self.growing.given)
        grower.grow()
        tree = grower.make_predictor(binning_thresholds=self.growing.edges)
        for leaf in grower.finalized_leaves:
            self.raw[leaf.sample_indices] += leaf.value
        if len(self.judges):
            self.raw_judged += tree.predict_binned(self.judges, NO_BIN, 1)
        self.trees.append(tree)
        return self.loss()

    def loss(self) -> float:
        """Summed negative log-likelihood of the judging rows' answers, in nats."""
        import numpy as np

        return float(np.sum(np.logaddexp(0, self.raw_judged) - self.judged * self.raw_judged))


def _forest(base: float, trees: Sequence[Any], table: Array | None = None) -> Forest:
    import numpy as np
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    nodes = [t.nodes for t in trees]
    sets = [t.binned_left_cat_bitsets for t in trees]
    return Forest(
        float(base),
        np.zeros((0, 0), dtype=np.float32) if table is None else table,
        np.concatenate(nodes) if nodes else np.zeros(0, dtype=PREDICTOR_RECORD_DTYPE),
        np.cumsum([0, *map(len, nodes)]).astype(np.int64),
        np.concatenate(sets).astype(np.uint32) if sets else np.zeros((0, 8), dtype=np.uint32),
        np.cumsum([0, *map(len, sets)]).astype(np.int64),
    )


def _log_odds(y: Array, known: Array) -> float:
    """The log-odds of a yes that go with those that are known."""
    import numpy as np

    share = (float(y.sum()) + 0.05) / (len(y) + 0.1)
    base = float(np.log(share / (1 - share)))
    if not known.any():
        return base
    for _ in range(CENTRED):
        chance = 1 / (1 + np.exp(-(base + known)))
        base += float(np.clip((share - chance.mean()) / max(1e-6, (chance * (1 - chance)).mean()), -1, 1))
    return base
