"""What a fork learns from the one above it: the log-odds there, which its rows have in common with many others.

Of values that rise with a feature, a feature that leads to the upper half mostly leads to the upper part of that half,
too. A fork that few rows reach sees that in one slope, where features of its own would not be told from chance; cells
that are drawn by their counts are drawn by counts times an exponential of the same (the uniform association of Goodman
1979, "Simple models for the analysis of association in cross-classifications having ordered categories").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SURE = 12.0  # log-odds beyond which more say nothing more
WORTH = 1.0  # nats that a slope must gain (Akaike 1974)
RIDGE = 1.0  # pseudo-observations of no slope, per standard deviation
STEPS = 8  # of Newton's method
BEYOND = 30.0  # log-odds whose chances are not worked out
LONGEST = 1.0  # of a step, as where a yes and a no lie apart the first would be too long
STEEPEST = 5.0  # log-odds for a standard deviation
EQUAL = 1e-9  # standard deviation of a score below which all cells have the same
SAME = 1e-3  # standard deviation of log-odds below which all rows have the same


def carried(slope: float, middle: float, above: Array) -> Array:
    """What log-odds of the fork above add to those of a fork."""
    import numpy as np

    return np.clip(slope * (np.clip(above, -SURE, SURE) - middle), -SURE, SURE)


def fork_slope(above: Array, yes: Array) -> tuple[float, float]:
    """Slope and middle of a yes or no along the log-odds above; slope 0: it is not worth it."""
    import numpy as np

    z, middle, spread = _standard(above)
    share = float(yes.mean())
    if spread < SAME or _score(z, yes - share, share * (1 - share)) < WORTH:
        return 0.0, middle
    slope, base = 0.0, float(np.log(share / (1 - share)))
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(base + slope * z, -BEYOND, BEYOND)))
        curve = np.maximum(chance * (1 - chance), 1e-6)
        left = yes - chance
        b, bz, zz = curve.sum(), (curve * z).sum(), (curve * z * z).sum() + RIDGE
        g, gz = left.sum(), (left * z).sum() - RIDGE * slope
        det = b * zz - bz * bz
        more, steeper = (zz * g - bz * gz) / det, (b * gz - bz * g) / det
        short = min(1.0, LONGEST / max(abs(more), abs(steeper), 1e-12))
        base, slope = base + short * float(more), slope + short * float(steeper)
    return float(np.clip(slope, -STEEPEST, STEEPEST) / spread), middle


def run_slope(above: Array, place: Array, counts: Array) -> tuple[float, float]:
    """The same of cells in their order that are drawn by counts; ``place`` is each row's among them."""
    import numpy as np

    z, middle, spread = _standard(above)
    at = places(counts)
    if spread < SAME or _score(z, at[place], 1.0) < WORTH:
        return 0.0, middle
    slope, told = 0.0, float((z * at[place]).sum())
    with np.errstate(divide="ignore"):
        log = np.log(counts)
    for _ in range(STEPS):
        chance = _chances(log, slope * z, at)
        mean = chance @ at
        spread_at = chance @ at**2 - mean**2
        step = (told - (z * mean).sum() - RIDGE * slope) / ((z**2 * spread_at).sum() + RIDGE)
        slope += float(np.clip(step, -LONGEST, LONGEST))
    return float(np.clip(slope, -STEEPEST, STEEPEST) / spread), middle


def places(counts: Array) -> Array:
    """The places of cells in their order, with mean 0 and variance 1 over their rows."""
    import numpy as np

    return standardised(np.arange(len(counts), dtype=np.float64), counts)


def standardised(score: Array, counts: Array) -> Array:
    """A score of each cell with mean 0 and variance 1 over their rows; 0 where all have the same."""
    import numpy as np

    total = counts.sum()
    score = score - (counts * score).sum() / total
    spread = np.sqrt((counts * score**2).sum() / total)
    return np.asarray(score / spread if spread > EQUAL else np.zeros(len(score)))


def chances(counts: Array, leaning: Array) -> Array:
    """The chance of each cell where its place counts so much: shape (rows, cells)."""
    import numpy as np

    with np.errstate(divide="ignore"):
        return _chances(np.log(counts), leaning, places(counts))


def _chances(log: Array, leaning: Array, at: Array) -> Array:
    import numpy as np

    raw = log + leaning[:, None] * at
    raw -= raw.max(axis=1, keepdims=True)
    found = np.exp(raw)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _standard(above: Array) -> tuple[Array, float, float]:
    import numpy as np

    z = np.clip(above, -SURE, SURE)
    middle, spread = float(z.mean()), float(z.std())
    return (z - middle) / max(spread, SAME), middle, spread


def _score(z: Array, left: Array, variance: float) -> float:
    """Nats that a slope gains, about: the score statistic (Rao 1948)."""
    return float((z * left).sum() ** 2 / (2 * max(1e-12, (z * z).sum() * variance)))
