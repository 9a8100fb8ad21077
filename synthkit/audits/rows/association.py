"""How strongly two columns go together, from the counts or the moments of groups of rows.

Pearson's r of numbers (of their ranks: Spearman's), Cramér's V of categories, the correlation ratio η (the share of a
number's variance that lies between the categories, as a root) of a number and a category. A leave-one-group-out
jackknife gives the error of each, with the same groups for all pairs: errors go together as they do in the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.measures.exact import deviation, scale_of
from synthkit.audits.rows import marginals
from synthkit.audits.rows.choice import is_number, reference
from synthkit.audits.rows.codes import coarse_codes, coding
from synthkit.audits.rows.sampling_error import Groups

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FARTHEST = 1e60  # standard deviations: the products of squares of farther numbers are no float64s
PLACES = 20_000  # a place to 0.005 %, and a search that stays in the processor's cache
Method = Literal["spearman", "pearson"]


@dataclass(frozen=True)
class Strength:
    """The strength of a pair on one side, and without each of the groups (groups,)."""

    value: float
    without: Array

    def error(self, dealt: Groups) -> Array:
        """Draws of its error, shape (DRAWS,): the jackknife's pseudo-values under the groups' multipliers."""
        import numpy as np

        count = len(self.without)
        drawn: Array = dealt.multipliers @ (self.without - self.without.mean()) * np.sqrt((count - 1) / count)
        return drawn


def numbers(context: AuditContext, side: Side, column: str, method: Method) -> Array:
    """A column's number in each row, NaN where it is missing, about 0 and 1 in size; for ``spearman`` its place among
    the real training rows (the share of them below it, ties halved; of 20,000 spread over them where there are more),
    so that both sides' ranks mean the same."""
    return context.shared(("numbers", side, column, method), lambda: _numbers(context, side, column, method))


def _numbers(context: AuditContext, side: Side, column: str, method: Method) -> Array:
    import numpy as np

    filled, missing = marginals.rows_of(context, side, column)
    ordered = marginals.values(context, reference(context), column).numbers
    if method == "pearson" or not len(ordered):
        scale = scale_of(ordered)
        known = scale(ordered)
        centre, unit = (float(known.mean()), deviation(known) or 1.0) if len(ordered) else (0.0, 1.0)
        return np.where(missing, np.nan, np.clip((scale(filled) - centre) / unit, -FARTHEST, FARTHEST))
    if len(ordered) > PLACES:
        ordered = ordered[np.linspace(0, len(ordered) - 1, PLACES).astype(np.int64)]
    below, upto = (np.searchsorted(ordered, filled, side=s) for s in ("left", "right"))
    return np.where(missing, np.nan, (below + upto) / (2 * len(ordered)) - 0.5)


def kind_of(context: AuditContext, pair: tuple[str, str]) -> str:
    """``numbers``, ``categories`` or ``mixed``."""
    count = sum(is_number(context, c) for c in pair)
    return ("categories", "mixed", "numbers")[count]


def strength(
    context: AuditContext,
    side: Side,
    pair: tuple[str, str],
    method: Method,
    of_row: Array,
    count: int,
    rows: Array | None,
) -> Strength | None:
    """How strongly a pair goes together on one side; None where it is not defined (a constant column, no rows).

    Args:
        of_row: the group of each row.
        count: of groups.
        rows: the rows to take; None: all.
    """
    import numpy as np

    def taken(values: Array) -> Array:
        return values if rows is None else values[rows]

    kind = kind_of(context, pair)
    of: Callable[[Array], Array]
    if kind == "numbers":
        x, y = (taken(numbers(context, side, c, method)) for c in pair)
        moments, of = _moments(x, y, of_row, count), _pearson
    elif kind == "categories":
        a, b = (taken(coarse_codes(context, side, c)).astype(np.int64) for c in pair)
        shape = tuple(coding(context, c).coarse_size for c in pair)
        cells = np.bincount((of_row * shape[0] + a) * shape[1] + b, minlength=count * shape[0] * shape[1])
        moments, of = cells.reshape(count, *shape).astype(float), cramers_v
    else:
        number, category = pair if is_number(context, pair[0]) else pair[::-1]
        x = taken(numbers(context, side, number, method))
        k = taken(coarse_codes(context, side, category)).astype(np.int64)
        moments, of = _within(x, of_row * coding(context, category).coarse_size + k, count), correlation_ratio
    whole = moments.sum(axis=0)
    value = float(of(whole[None])[0])
    return Strength(value, np.nan_to_num(of(whole[None] - moments), nan=value)) if np.isfinite(value) else None


def _moments(x: Array, y: Array, of_row: Array, count: int) -> Array:
    import numpy as np

    there = np.isfinite(x) & np.isfinite(y)
    x, y, g = x[there], y[there], of_row[there]
    sums = [np.bincount(g, w, minlength=count) for w in (None, x, y, x * x, y * y, x * y)]
    return np.stack(sums, axis=1).astype(float)


def _pearson(m: Array) -> Array:
    import numpy as np

    with np.errstate(all="ignore"):
        n, sx, sy, xx, yy, xy = m.T
        vx, vy = xx - sx * sx / n, yy - sy * sy / n
        least = 1e-12 * np.maximum(n, 1)
        r = (xy - sx * sy / n) / np.sqrt(np.where((vx > least) & (vy > least), vx * vy, np.nan))
    return np.asarray(np.clip(r, -1, 1))


def cramers_v(t: Array) -> Array:
    """Cramér's V, corrected for bias (Bergsma 2013, J. Korean Stat. Soc. 42, 323–328).

    Of tables of counts, shape (tables, rows, columns); NaN where a table has one row or column.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        n = t.sum(axis=(1, 2))
        row, column = t.sum(axis=2), t.sum(axis=1)
        expected = row[:, :, None] * column[:, None, :]
        phi = np.nansum(np.where(expected > 0, t**2 / expected, 0), axis=(1, 2)) - 1
        r, c = (row > 0).sum(axis=1), (column > 0).sum(axis=1)
        phi = np.maximum(0, phi - (r - 1) * (c - 1) / (n - 1))
        least = np.minimum(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
        return np.sqrt(np.where(least > 0, np.minimum(1, phi / least), np.nan))


def _within(x: Array, cell: Array, count: int) -> Array:
    """Rows, sums and sums of squares by group and category: shape (groups, categories, 3)."""
    import numpy as np

    there = np.isfinite(x)
    size = (int(cell.max(initial=0)) // count + 1) * count
    x, cell = x[there], cell[there]
    sums = [np.bincount(cell, w, minlength=size) for w in (None, x, x * x)]
    width = -(-len(sums[0]) // count)
    padded = [np.pad(s, (0, width * count - len(s))) for s in sums]
    return np.stack([s.reshape(count, width) for s in padded], axis=2).astype(float)


def correlation_ratio(m: Array) -> Array:
    """The correlation ratio η, corrected for bias: ε² of Kelley (1935, PNAS 21, 554–559), as a root.

    Of rows, sums and sums of squares by category, shape (tables, categories, 3); NaN where all rows are of one category
    or have one number.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        n, s, q = m[..., 0], m[..., 1], m[..., 2]
        rows, total = n.sum(axis=1), s.sum(axis=1)
        all_squares = q.sum(axis=1) - total**2 / rows
        between = np.where(n > 0, s**2 / np.where(n > 0, n, 1), 0).sum(axis=1) - total**2 / rows
        k = (n > 0).sum(axis=1)
        ratio = 1 - (all_squares - between) / all_squares * (rows - 1) / (rows - k)
        return np.sqrt(np.where((all_squares > 1e-12 * rows) & (k > 1), np.clip(ratio, 0, 1), np.nan))
