"""Correlations of many pairs of columns with missing values, from sums over groups of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def moments(x: Array, y: Array, of_row: Array, groups: int) -> Array:
    """Sums over the rows in which both columns of a pair have a value: shape (groups, 6, columns of x, columns of y).

    The six are the rows, Σx, Σy, Σx², Σy², Σxy. Columns are counted from their means, so that no sum loses digits.

    Args:
        x, y: shape (rows, columns), NaN where missing.
        of_row: the group of each row.
    """
    import numpy as np

    order = np.argsort(of_row, kind="stable")
    ends = np.searchsorted(of_row[order], np.arange(groups + 1))
    (a, there), (b, here) = (_centred(values[order]) for values in (x, y))
    found = np.zeros((groups, 6, x.shape[1], y.shape[1]))
    for g in range(groups):
        rows = slice(ends[g], ends[g + 1])
        p, m, q, k = a[rows], there[rows], b[rows], here[rows]
        found[g] = m.T @ k, p.T @ k, m.T @ q, (p * p).T @ k, m.T @ (q * q), p.T @ q
    return found


def _centred(values: Array) -> tuple[Array, Array]:
    import numpy as np

    there = np.isfinite(values)
    n = np.maximum(there.sum(axis=0), 1)
    filled = np.where(there, values, 0.0)
    return np.where(there, filled - filled.sum(axis=0) / n, 0.0), there.astype(float)


def correlations(m: Array, least: int = 10) -> Array:
    """Pearson's r of sums as :func:`moments` gives them, shape (…, 6, a, b) → (…, a, b); NaN where a column is constant
    or fewer than ``least`` rows have both."""
    import numpy as np

    n, sx, sy, sxx, syy, sxy = np.moveaxis(m, -3, 0)
    with np.errstate(all="ignore"):
        vx, vy = sxx - sx * sx / n, syy - sy * sy / n
        r = (sxy - sx * sy / n) / np.sqrt(vx * vy)
        good = (n >= least) & (vx > 1e-12 * n) & (vy > 1e-12 * n)
    return np.where(good, np.clip(r, -1, 1), np.nan)
