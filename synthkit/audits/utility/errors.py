"""How far off a score is: over draws of the rows that it is tested on, and over trainings on other rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

RESAMPLES = 200


def training_variance(gaps: list[float]) -> float:
    """The variance that drawing other training rows gives a model's measure.

    Models of disjoint halves are independent, so their measures' squared gap is on average twice the variance at half
    the rows, which is twice that at all of them: a quarter of it (McCarthy 1969, the balanced half-sample).
    """
    return sum(g * g for g in gaps) / (4 * len(gaps)) if gaps else 0.0


def widened(value: float, ends: tuple[float, float], variance: float) -> tuple[float, float, float]:
    """An interval of one source of error with another, independent one of the given variance added to either arm.

    Returns the ends, and the standard error of all.
    """
    from synthkit.audits.measures.statistics import Z

    low, high = (math.hypot(end - value, Z * math.sqrt(variance)) for end in ends)
    return value - low, value + high, (low + high) / (2 * Z)


def bootstrap(
    measure: Callable[[Array], float], rows: int, rng: np.random.Generator, whose: Array | None = None
) -> tuple[float, float]:
    """Percentile 95 % interval of a measure over rows drawn with replacement (Efron & Tibshirani 1993).

    Args:
        whose: the entity of each row, where rows hang together: entities are drawn then, each with all its rows.
    """
    import numpy as np

    if whose is None:
        found = np.array([measure(rng.integers(rows, size=rows)) for _ in range(RESAMPLES)])
    else:
        _, own = np.unique(whose, return_inverse=True)
        ends = np.split(np.argsort(own, kind="stable"), np.cumsum(np.bincount(own))[:-1])
        total = len(ends)
        found = np.array(
            [measure(np.concatenate([ends[i] for i in rng.integers(total, size=total)])) for _ in range(RESAMPLES)]
        )
    if np.isnan(found).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)
