"""The shape of single columns, by three more measures than ``ks`` and ``chi_square``.

Synthetic rows against held-out real rows. The floor is the same measure of real training rows, as many as there are
synthetic ones (or all), against the same held-out rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import MEASURED, POSITIVE, SHARE, AuditResult, Decide, audit
from synthkit.audits.fidelity.columns import ks_floor
from synthkit.audits.gate import Default, Estimate, skipped
from synthkit.audits.measures import distances
from synthkit.audits.measures.exact import deviation, scale_of
from synthkit.audits.rows import marginals
from synthkit.audits.rows.choice import has_floor, is_number, judged_columns, reference, too_few
from synthkit.audits.rows.codes import coarse_codes, codes, coding, floor_codes, floor_rows
from synthkit.audits.rows.sampling_error import Draws, gaps, groups, largest, mean
from synthkit.audits.rows.transport import wasserstein_distance, wasserstein_statistic
from synthkit.audits.verdict import (
    ALPHA,
    MIN_ROWS,
    Combine,
    DistanceParams,
    Part,
    SharesParams,
    mean_floor,
    share_of_alpha,
    unmeasured,
    verdict,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

WASSERSTEIN: Default = {"max": 0.1}
VARIATION: Default = {"max_excess": 0.02}
SHAPES: Default = {"max_shortfall": 0.05}
ADVICE = "another generator or more training for this column"


class WassersteinParams(DistanceParams):
    """Parameters of ``wasserstein``; the default limit is ``max: 0.1``, a tenth of the real standard deviation."""


class TotalVariationParams(DistanceParams):
    """Parameters of ``total_variation``, a distance in [0, 1]; the default limit is ``max_excess: 0.02``."""


class ColumnShapesParams(SharesParams):
    """Parameters of ``column_shapes``, a score in [0, 1]; the default limit is ``max_shortfall: 0.05`` for the mean.

    Args:
        combine: the mean over columns by default; ``worst``: every column must keep the limit.
        decide: the score itself by default: noise only ever lowers it.
    """

    min: float | None = Field(default=None, ge=0, le=1)
    combine: Combine = "mean"
    decide: Decide = "point"


@audit(
    "wasserstein",
    WassersteinParams,
    family="fidelity",
    needs=("train", "holdout"),
    between=POSITIVE,
    takes={"columns": MEASURED},
)
def wasserstein(context: AuditContext, params: WassersteinParams) -> AuditResult:
    """How far numbers and dates must be moved to lie as the real ones do, in real standard deviations (W₁).

    The value is ``scipy.stats.wasserstein_distance`` over the standard deviation of the column's real training values
    (a shift of all values by one standard deviation gives 1), so that unlike ``ks`` it says how far a wrong value is
    off. Missing values are left out (see ``missingness``). A real column whose values are all alike has no
    spread: it counts 0 where the synthetic one has the same value only, else 1. Interval, noise:
    :func:`synthkit.audits.rows.transport.wasserstein_distance`.
    """
    columns = judged_columns(
        context, params.columns, "wasserstein", lambda c: is_number(context, c), "holds no numbers or dates"
    )
    if not columns:
        return skipped("the table has no numbers or dates to compare")
    if few := too_few(context, params, WASSERSTEIN):
        return few
    alpha = share_of_alpha(params, len(columns))
    parts = [_moved(context, c, alpha) for c in columns]
    return verdict(parts, params, WASSERSTEIN, symbol="W", advice=ADVICE)


def _moved(context: AuditContext, column: str, alpha: float) -> Part:
    ordered = marginals.values(context, reference(context), column).numbers
    scale = scale_of(ordered)
    x, y = (scale(marginals.values(context, side, column).numbers) for side in ("synthetic", "holdout"))
    if min(len(x), len(y)) < MIN_ROWS:
        return unmeasured(column, f"too few rows to tell ({len(x)} synthetic and {len(y)} real values)")
    unit = deviation(scale(ordered))
    if not unit > 0:
        apart = float(x[0] != y[0] or x[-1] != y[-1])
        return Part(column, Estimate(apart, apart, apart), "all real values are alike")
    found = wasserstein_distance(x, y, unit, context.rng("wasserstein", column), alpha)
    floor = None
    if has_floor(context, column):
        train = scale(marginals.values(context, "train", column).numbers)
        rows = marginals.subsample(train, len(x), context.rng("floor", column))
        floor = wasserstein_statistic(rows, y) / unit if len(rows) >= MIN_ROWS else None
    details = {"unit": unit * scale.size, "distance": found.value * unit * scale.size}
    return Part(column, Estimate.of(found, floor), details=details)


@audit("total_variation", TotalVariationParams, family="fidelity", needs=("train", "holdout"), between=SHARE)
def total_variation(context: AuditContext, params: TotalVariationParams) -> AuditResult:
    """The share of rows that would have to change their category, or their bin, to lie as the real ones do.

    The value is the total variation distance ½ Σ |p − q| in [0, 1], over a column's categories (the 200 commonest, all
    others, the missing value) or over ten bins of numbers and dates between the
    quantiles of the real training rows. Interval, noise: :mod:`synthkit.audits.rows.sampling_error`.
    """
    columns = judged_columns(context, params.columns, "total_variation")
    if not columns:
        return skipped("the table has no columns to compare")
    if few := too_few(context, params, VARIATION):
        return few
    alpha = share_of_alpha(params, len(columns))
    parts = [_varied(context, c, alpha) for c in columns]
    return verdict(parts, params, VARIATION, symbol="TV", advice=ADVICE)


def _varied(context: AuditContext, column: str, alpha: float) -> Part:
    import numpy as np

    how = coding(context, column)
    coarse = how.edges is not None
    read, size = (coarse_codes, how.coarse_size) if coarse else (codes, how.size)
    ours, theirs = (groups(context, side) for side in ("synthetic", "holdout"))
    a, b = (side.table(read(context, name, column), size) for side, name in ((ours, "synthetic"), (theirs, "holdout")))  # type: ignore[arg-type]
    p, q = a.sum(axis=0) / a.sum(), b.sum(axis=0) / b.sum()
    found = gaps(p - q, ours.error(a) - theirs.error(b), 0.5).distance(alpha)
    floor = None
    if has_floor(context, column):
        real = np.bincount(floor_codes(context, column, coarse=coarse), minlength=size)
        floor = float(0.5 * np.abs(real / real.sum() - q).sum()) if real.sum() >= MIN_ROWS else None
    return Part(column, Estimate.of(found, floor))


@audit("column_shapes", ColumnShapesParams, family="fidelity", needs=("train", "holdout"), between=SHARE)
def column_shapes(context: AuditContext, params: ColumnShapesParams) -> AuditResult:
    """One score for the shapes of all columns, as SDMetrics' quality report gives it: 1 is best.

    The mean over columns of 1 − D (numbers, dates; the Kolmogorov–Smirnov distance) and 1 − TV (categories and
    booleans; total variation over all categories), missing values left out: the Column Shapes of SDMetrics, for
    comparison with reports that others made. Interval: one for the mean, as errors of columns go together in the rows.
    """
    columns = judged_columns(context, params.columns, "column_shapes")
    if not columns:
        return skipped("the table has no columns to compare")
    if few := too_few(context, params, SHAPES):
        return few
    parts, taken = [], []
    alpha = share_of_alpha(params, len(columns))
    for column in columns:
        draws = _numbers_apart(context, column) if is_number(context, column) else _categories_apart(context, column)
        if isinstance(draws, str):
            parts.append(unmeasured(column, draws))
            continue
        taken.append(draws)
        parts.append(Part(column, Estimate.of_likeness(draws.distance(alpha), _shape_floor(context, column))))
    joint = Estimate.of_likeness(mean(taken).distance(ALPHA), mean_floor(parts)) if taken else None
    return verdict(parts, params, SHAPES, symbol="score", advice=ADVICE, joint=joint)


def _numbers_apart(context: AuditContext, column: str) -> Draws | str:
    """1 − KSComplement; its error from the shares at or below each of the fine bins' edges."""
    import numpy as np

    x, y = (marginals.values(context, side, column).numbers for side in ("synthetic", "holdout"))
    if not len(x) or not len(y):
        return "no values on one side"
    value = distances.ks_statistic(x, y)[0]
    shares, errors = _present(context, column)
    reach = 2.0 * float(np.sqrt(1 / len(x) + 1 / len(y)))
    found = largest(np.cumsum(shares)[:-1], np.cumsum(errors, axis=1)[:, :-1], reach)
    return replace(found, value=value)


def _categories_apart(context: AuditContext, column: str) -> Draws | str:
    """1 − TVComplement: the value over all categories, its error over those with a code of their own."""
    ours, theirs = (_counted(marginals.counts(context, side, column)) for side in ("synthetic", "holdout"))
    if not ours or not theirs:
        return "no values on one side"
    found = gaps(*_present(context, column), 0.5)
    return replace(found, value=_variation(ours, theirs))


def _present(context: AuditContext, column: str) -> tuple[Array, Array]:
    """Differences of the codes' shares among the rows with a value, and draws of their error."""
    import numpy as np

    how = coding(context, column)
    shares, errors = [], []
    for side in ("synthetic", "holdout"):
        dealt = groups(context, side)
        table = dealt.table(codes(context, side, column), how.size)
        there = table[:, :-1].sum(axis=0)
        error = dealt.error(table)[:, :-1]
        share = there / there.sum()
        # A share of the rows with a value is a ratio: its error is that of the part less its share of the whole's.
        shares.append(share)
        errors.append(
            (error - share.astype(np.float32) * error.sum(axis=1, keepdims=True)) * (table.sum() / there.sum())
        )
    return shares[0] - shares[1], errors[0] - errors[1]


def _counted(counts: Mapping[str | None, int]) -> dict[str, int]:
    return {k: n for k, n in counts.items() if k is not None}


def _variation(a: Mapping[str, int], b: Mapping[str, int]) -> float:
    n, m = sum(a.values()), sum(b.values())
    return 0.5 * sum(abs(a.get(k, 0) / n - b.get(k, 0) / m) for k in {**a, **b})


def _shape_floor(context: AuditContext, column: str) -> float | None:
    import numpy as np

    if not has_floor(context, column):
        return None
    if is_number(context, column):
        x, y = (marginals.values(context, side, column).numbers for side in ("synthetic", "holdout"))
        distance = ks_floor(context, column, len(x), y)
        return None if distance is None else 1 - distance
    train, held = (_counted(marginals.counts(context, side, column)) for side in ("train", "holdout"))
    if not train:
        return None
    if floor_rows(context) is not None:
        drawn = context.rng("floor", column).multivariate_hypergeometric(
            np.array(list(train.values())), min(context.rows("synthetic"), sum(train.values())), method="marginals"
        )
        train = dict(zip(train, drawn.tolist(), strict=True))
    return 1 - _variation(train, held)
