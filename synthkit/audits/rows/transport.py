"""Wasserstein's distance of two samples of one column: how far values must be moved, on average, to make them alike."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from synthkit.audits.measures.distances import Distance, bridges
from synthkit.audits.rows.sampling_error import gaps

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

GRID = 256  # points at which the limit process is drawn


def wasserstein_statistic(x: Array, y: Array) -> float:
    """W₁ = ∫ |F(t) − G(t)| dt of two sorted samples, in the column's unit: ``scipy.stats.wasserstein_distance``."""
    import numpy as np

    points = np.concatenate([x, y])
    points.sort(kind="stable")
    f = np.searchsorted(x, points[:-1], side="right") / len(x)
    g = np.searchsorted(y, points[:-1], side="right") / len(y)
    return float(np.sum(np.abs(f - g) * np.diff(points)))


def wasserstein_distance(x: Array, y: Array, unit: float, rng: np.random.Generator, alpha: float = 0.05) -> Distance:
    """W₁ of two sorted samples in multiples of ``unit``, with its 95 % interval.

    Where F and G differ, the estimate is asymptotically normal; where they are equal, its error is the integral of
    |a Brownian bridge| (del Barrio, Giné & Matrán 1999, Ann. Probab. 27, 1009–1071). Both are drawn from the limit
    process at 256 points, spread evenly over the pooled ranks and over the range.
    """
    import numpy as np

    points = _grid(x, y)
    f = np.searchsorted(x, points, side="right") / len(x)
    g = np.searchsorted(y, points, side="right") / len(y)
    process = bridges(f, rng) / math.sqrt(len(x)) - bridges(g, rng) / math.sqrt(len(y))
    steps = np.diff(points).astype(float) / unit
    draws = gaps((f - g)[:-1], process[:, :-1], steps)
    return replace(draws, value=wasserstein_statistic(x, y) / unit).distance(alpha, most=math.inf)


def _grid(x: Array, y: Array) -> Array:
    """At most GRID rising points of both samples' range."""
    import numpy as np

    by_rank = [s[np.linspace(0, len(s) - 1, min(len(s), GRID // 4)).round().astype(int)] for s in (x, y)]
    low, high = min(x[0], y[0]), max(x[-1], y[-1])
    across = np.linspace(float(low), float(high), GRID // 2)
    return np.unique(np.concatenate([*(s.astype(float) for s in by_rank), across]))
