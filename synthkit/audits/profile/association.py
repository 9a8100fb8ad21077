"""How strongly every two columns go together, as one matrix per side.

Numbers, times and booleans with each other: Spearman's rank correlation (1904), signed. A number with a category: the
correlation ratio η of its ranks (Fisher 1925), corrected for bias (Kelley 1935). Two categories: Cramér's V, corrected
for bias (Bergsma 2013, https://doi.org/10.1016/j.jkss.2012.10.002). The last two have no sign.
Rows where either value is missing are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext
from synthkit.audits.profile.rows import Drawn
from synthkit.audits.rows import association

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

MOST_CODES = 50  # of a category in a contingency table; rarer ones are folded together
FEWEST = 10  # rows with both values: fewer give no figure


def associations(_context: AuditContext, drawn: Drawn) -> dict[str, Any]:
    """{columns, categorical, left_out, rows, synthetic, real?}; matrices are symmetric, None where there is none."""
    found: dict[str, Any] = {
        "columns": list(drawn.encoder.columns),
        "categorical": drawn.encoder.categorical,
        "left_out": drawn.left_out,
        "rows": {side: len(rows) for side, rows in drawn.sides.items()},
    }
    for side, rows in drawn.sides.items():
        found[side] = _plain(matrix(rows, drawn.encoder.categorical))
    return found


def matrix(rows: Array, categorical: Sequence[bool]) -> Array:
    """The association of every two columns, shape (columns, columns), 1 on the diagonal, NaN where there is none.

    Args:
        rows: shape (rows, columns); codes from 0 in categorical columns; NaN where a value is missing.
    """
    import numpy as np

    columns = len(categorical)
    found = np.full((columns, columns), np.nan)
    numeric = [i for i, c in enumerate(categorical) if not c]
    coded = [i for i, c in enumerate(categorical) if c]
    ranks = {i: _ranks(rows[:, i]) for i in numeric}
    if numeric:
        found[np.ix_(numeric, numeric)] = correlations(np.column_stack(list(ranks.values())))
    codes = {i: _codes(rows[:, i]) for i in coded}
    for place, i in enumerate(coded):
        for j in numeric:
            found[i, j] = found[j, i] = correlation_ratio(codes[i], ranks[j])
        for j in coded[:place]:
            found[i, j] = found[j, i] = cramers_v(codes[i], codes[j])
    np.fill_diagonal(found, 1.0)
    return found


def correlations(ranks: Array) -> Array:
    """Pearson's correlations of columns of ranks, each pair over the rows that have both."""
    import numpy as np

    there = np.isfinite(ranks)
    x, mask = np.where(there, ranks, 0.0), there.astype(float)
    n = mask.T @ mask
    sums, squares, products = x.T @ mask, (x**2).T @ mask, x.T @ x
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = products / n - (sums / n) * (sums.T / n)
        variance = squares / n - (sums / n) ** 2
        found = covariance / np.sqrt(variance * variance.T)
    found[(n < FEWEST) | (variance <= 1e-12) | (variance.T <= 1e-12)] = np.nan
    clipped: Array = np.clip(found, -1.0, 1.0)
    return clipped


def correlation_ratio(codes: Array, ranks: Array) -> float:
    """The correlation ratio of the ranks with the categories, in [0, 1]; codes below 0 are missing."""
    import numpy as np

    there = (codes >= 0) & np.isfinite(ranks)
    if there.sum() < FEWEST:
        return float("nan")
    ranks, groups = ranks[there], codes[there]
    sums = [np.bincount(groups, w) for w in (None, ranks, ranks**2)]
    return float(association.correlation_ratio(np.stack(sums, axis=1).astype(float)[None])[0])


def cramers_v(first: Array, second: Array) -> float:
    """Cramér's V with Bergsma's correction, in [0, 1]; codes below 0 are missing."""
    import numpy as np

    there = (first >= 0) & (second >= 0)
    n = int(there.sum())
    if n < FEWEST:
        return float("nan")
    a, b = (np.unique(c[there], return_inverse=True)[1] for c in (first, second))
    table = np.bincount(a * (b.max() + 1) + b, minlength=(a.max() + 1) * (b.max() + 1))
    return float(association.cramers_v(table.reshape(1, a.max() + 1, b.max() + 1).astype(float))[0])


def _codes(values: Array) -> Array:
    import numpy as np

    return np.where(np.isfinite(values), np.minimum(values, MOST_CODES), -1).astype(int)


def _ranks(values: Array) -> Array:
    """Mean ranks of the values that are there, scaled to [0, 1]; NaN elsewhere."""
    import numpy as np

    found = np.full(len(values), np.nan)
    there = np.isfinite(values)
    if there.any():
        _, place, counts = np.unique(values[there], return_inverse=True, return_counts=True)
        found[there] = (np.cumsum(counts) - (counts - 1) / 2)[place] / there.sum()
    return found


def _plain(found: Array) -> list[list[float | None]]:
    import math

    return [[round(v, 3) if math.isfinite(v) else None for v in row] for row in found.tolist()]
