"""The additive part of a yes or no: a ridge logistic regression on scores of each feature's codes.

Trees need many rows to see what is weak and steady (a heavier player started later), and lose it when they stop early.
A line through the codes of an ordered feature, which are about its ranks, and the log-odds of each code of a nominal
one see it in few rows; trees then learn what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

CODES = 256
PRIOR = 20.0  # rows with the column's own log-odds that are added to each code of a nominal feature
RIDGE = 4.0
USUAL = 28  # features, for fewer of which it is less
STEPS = 5  # of Newton's method


@dataclass(frozen=True)
class Shape:
    """What is known of features: how many codes, which have no order, and the first code that stands for no value."""

    bins: Array
    nominal: Array
    blank: Array


def fit_additive(x: Array, y: Array, shape: Shape, known: Array) -> Array:
    """What each code of each feature adds to the log-odds: float32, shape (features, 256).

    Args:
        x: codes, uint8, shape (rows, features).
        y: 0 and 1.
        known: log-odds of each row, to which it is added.
    """
    import numpy as np

    scores = _scores(x, y, shape, known)
    z = np.stack([scores[j][x[:, j]] for j in range(x.shape[1])], axis=1)
    weights, offset = np.zeros(x.shape[1]), 0.0
    ridge = RIDGE * min(1.0, x.shape[1] / USUAL) * np.eye(x.shape[1] + 1)
    ridge[-1, -1] = 0
    one = np.concatenate([z, np.ones((len(z), 1), dtype=z.dtype)], axis=1)
    for _ in range(STEPS):
        raw = known + one @ np.append(weights, offset)
        chance = 1 / (1 + np.exp(-raw))
        curve = np.maximum(chance * (1 - chance), 1e-4)
        slope = one.T @ (chance - y) + ridge @ np.append(weights, offset)
        step = np.linalg.solve((one * curve[:, None]).T @ one + ridge + 1e-9 * np.eye(len(ridge)), slope)
        size = float(np.abs(step).max(initial=0))
        step *= min(1.0, 2.0 / max(size, 1e-12))
        weights, offset = weights - step[:-1], offset - float(step[-1])
        if size < 1e-3:
            break
    table = scores * weights[:, None]
    if len(table):
        table[0] += offset
    return table.astype(np.float32)


def added(table: Array, x: Array) -> Array:
    """What the codes of each row add: float64, shape (rows,)."""
    import numpy as np

    at = x + np.arange(x.shape[1], dtype=np.int64) * CODES
    return np.asarray(table.ravel().take(at).sum(axis=1, dtype=np.float64))


def _scores(x: Array, y: Array, shape: Shape, known: Array) -> Array:
    """A score for each code, of mean 0 and variance 1 over the rows; 0 where there is no value."""
    import numpy as np

    found = np.zeros((x.shape[1], CODES))
    expected = 1 / (1 + np.exp(-known))
    share = float(expected.mean())
    for j in range(x.shape[1]):
        count = np.bincount(x[:, j], minlength=CODES).astype(np.float64)
        if shape.nominal[j]:
            yes = np.bincount(x[:, j], y, minlength=CODES)
            part = (yes + PRIOR * share) / (count + PRIOR)
            usual = (np.bincount(x[:, j], expected, minlength=CODES) + PRIOR * share) / (count + PRIOR)
            score = np.log(part / (1 - part)) - np.log(usual / (1 - usual))
            some = count > 0
        else:
            score = np.arange(CODES, dtype=np.float64)
            some = np.arange(CODES) < shape.blank[j]
        total = count[some].sum()
        if not total:
            continue
        mean = (count * score)[some].sum() / total
        spread = np.sqrt((count * (score - mean) ** 2)[some].sum() / total)
        if spread > 1e-9:
            found[j, some] = (score[some] - mean) / spread
    return found
