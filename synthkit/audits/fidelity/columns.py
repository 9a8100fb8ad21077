"""Do single columns look like the real ones? Synthetic rows against held-out real rows, never those trained on.

Effect sizes decide, not p-values. With n synthetic and m real rows a p-value rejects every distance above about
1.36·sqrt(1/n + 1/m): at 5,000 and 1,000 rows that is 0.047, at a million each 0.0019, so a large enough table
always fails and a small enough one always passes. A p-value says whether two tables differ, and synthetic rows
always do; the effect size says how much, which is what somebody who uses them must know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import MEASURED, SHARE, AuditResult, audit
from synthkit.audits.gate import Default, Estimate, skipped
from synthkit.audits.measures import distances
from synthkit.audits.rows import marginals
from synthkit.audits.rows.choice import has_floor, judged_columns, reference, too_few
from synthkit.audits.verdict import ALPHA, MIN_ROWS, DistanceParams, Part, share_of_alpha, unmeasured, verdict

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Measure = Callable[[AuditContext, str, "StatisticParams", float], Part]
DEFAULT: Default = {"max": 0.1}
_EXACT_P = 1000  # rows up to which the exact null distribution of D takes no more than milliseconds


class StatisticParams(DistanceParams):
    """Parameters of ``ks`` and ``chi_square``, whose distance lies in [0, 1]; the default limit is ``max: 0.1``.

    Args:
        p_value: also report each column's p-value. It never decides.
    """

    max: float | None = Field(default=None, ge=0, le=1)
    p_value: bool = False


class KsParams(StatisticParams):
    """Parameters of ``ks``; the distance is the Kolmogorov–Smirnov statistic D."""


class ChiSquareParams(StatisticParams):
    """Parameters of ``chi_square``; the distance is the bias-corrected Cramér's V."""


@audit("ks", KsParams, family="fidelity", needs=("train", "holdout"), between=SHARE, takes={"columns": MEASURED})
def ks(context: AuditContext, params: KsParams) -> AuditResult:
    """The largest gap between the cumulative distributions of numbers and dates (two-sample Kolmogorov–Smirnov).

    The value is the statistic D in [0, 1], an effect size: the largest error of any statement "x % of the rows
    lie below t". It equals ``scipy.stats.ks_2samp``'s. Missing values are left out; the shares of missing
    values are in the details. Interval and noise: :func:`.distances.ks_distance`. Floor: D of training
    rows against the same held-out rows, with as many training rows as there are synthetic ones (or all).
    """
    columns = judged_columns(
        context,
        params.columns,
        "ks",
        lambda c: marginals.number_key(context, c) is not None,
        "holds no numbers or dates: ks cannot order it",
        "use chi_square",
    )
    if not columns:
        return skipped("the table has no numbers or dates to compare")
    advice = "another generator or more training for this column, or declare its type in the source"
    return _audit(context, params, columns, _ks_column, "D", advice)


@audit("chi_square", ChiSquareParams, family="fidelity", needs=("train", "holdout"), between=SHARE)
def chi_square(context: AuditContext, params: ChiSquareParams) -> AuditResult:
    """How far the shares of categories are from the real ones (Cramér's V of the chi-square test).

    The value is Cramér's V in [0, 1] as two samples of equal size would have it, corrected for bias
    (:func:`synthkit.audits.measures.distances.cramers_distance`): 0 means equal shares, 1 that no category is shared. A
    missing value is a category. Categories that expect fewer than five rows on either side are pooled, as
    the test requires; the message says so. Judged by default: categorical and boolean columns, and numbers
    and dates with at most 20 different real values. Floor: as for ``ks``.
    """
    asked = params.columns is not None
    columns = judged_columns(context, params.columns, "chi_square", lambda c: asked or _few_values(context, c))
    if not columns:
        return skipped("the table has no categories to compare")
    return _audit(context, params, columns, _chi_square_column, "V", "conditions: on this column or another generator")


def _audit(
    context: AuditContext, params: StatisticParams, columns: tuple[str, ...], measure: Measure, symbol: str, advice: str
) -> AuditResult:
    if few := too_few(context, params, DEFAULT):
        return few
    rows = {side: context.rows(side) for side in ("synthetic", "holdout")}
    alpha = share_of_alpha(params, len(columns))
    parts = [measure(context, c, params, alpha) for c in columns]
    result = verdict(parts, params, DEFAULT, symbol=symbol, advice=advice)
    if not params.p_value:
        return result
    line = distances.ks_critical(rows["synthetic"], rows["holdout"], ALPHA)
    note = (
        f". p-values are in the details and decide nothing: with {rows['synthetic']:,} synthetic and "
        f"{rows['holdout']:,} real rows the test rejects any D above {line:.3g}, however harmless"
    )
    return replace(result, message=result.message + note)


def _few_values(context: AuditContext, column: str) -> bool:
    if context.schema.by_name[column].type in ("categorical", "boolean"):
        return True
    return marginals.few_values(context, reference(context), column)


# -- one column ----------------------------------------------------------------------------------------


def _ks_column(context: AuditContext, column: str, params: StatisticParams, alpha: float) -> Part:
    ours, theirs = (marginals.values(context, side, column) for side in ("synthetic", "holdout"))
    x, y = ours.numbers, theirs.numbers
    details: dict[str, Any] = {
        "rows": {"synthetic": len(x), "real": len(y)},
        "missing": {"synthetic": ours.missing_share, "real": theirs.missing_share},
    }
    if not len(x) and len(y) >= MIN_ROWS:
        message = "the synthetic column has no values at all"
        return Part(column, Estimate(1.0, 1.0, 1.0), message, details)
    if min(len(x), len(y)) < MIN_ROWS:
        return unmeasured(column, f"too few rows to tell ({len(x)} synthetic and {len(y)} real values)", **details)
    # `ks` over all columns and of each one ask for the same, and differ in the noise that they allow for.
    found = context.shared(("ks", column), lambda: distances.ks_distance(x, y, context.rng("ks", column)))
    found = replace(found, noise=distances.ks_critical(len(x), len(y), alpha))
    message = ""
    if params.p_value:
        details["p_value"] = _ks_p_value(x, y)
        message = f"p = {details['p_value']:.2g}"
    details["noise"] = found.noise
    floor = ks_floor(context, column, len(x), y)
    return Part(column, Estimate.of(found, floor), message, details)


def _ks_p_value(x: Array, y: Array) -> float:
    from scipy.stats import ks_2samp

    return float(ks_2samp(x, y, method="exact" if max(len(x), len(y)) <= _EXACT_P else "asymp").pvalue)


def ks_floor(context: AuditContext, column: str, size: int, holdout: Array) -> float | None:
    """D of at most ``size`` training values against the held-out ones, sorted; None where there are too few."""
    if not has_floor(context, column):
        return None

    def compute() -> float | None:
        values = marginals.values(context, "train", column).numbers
        train = marginals.subsample(values, size, context.rng("floor", column))
        return distances.ks_statistic(train, holdout)[0] if len(train) >= MIN_ROWS else None

    return context.shared(("ks floor", column, size), compute)


def _chi_square_column(context: AuditContext, column: str, params: StatisticParams, alpha: float) -> Part:
    import numpy as np

    ours, theirs = (marginals.counts(context, side, column) for side in ("synthetic", "holdout"))
    categories = sorted({*ours, *theirs}, key=lambda c: (c is None, c or ""))
    a, b = (np.array([side.get(c, 0) for c in categories], dtype=np.float64) for side in (ours, theirs))
    x, y, rare = distances.pool_rare(a, b)
    details: dict[str, Any] = {"rows": {"synthetic": int(a.sum()), "real": int(b.sum())}, "categories": len(categories)}
    message = ""
    if rare.any():
        share = float(b[rare].sum() / b.sum())
        details["pooled"] = {"categories": int(rare.sum()), "share": share}
        message = f"{int(rare.sum())} rare categories ({share:.1%} of the real rows) pooled"
    if len(x) == 1 and len(categories) > 1:
        return unmeasured(column, "too few rows to tell: every category is rare", **details)
    details["furthest"] = _furthest(categories, a, b, rare)
    found = distances.cramers_distance(x, y, alpha)
    details["noise"] = found.noise
    if params.p_value:
        details |= _chi_square_test(x, y)
        message = f"{message}; p = {details['p_value']:.2g}".removeprefix("; ")
    floor = _chi_square_floor(context, column, ours, theirs)
    return Part(column, Estimate.of(found, floor), message, details)


def _furthest(categories: list[str | None], a: Array, b: Array, rare: Array) -> list[dict[str, Any]]:
    """The three categories whose shares differ most; a rare one is not named, as it may point at a person."""
    import numpy as np

    p, q = a / a.sum(), b / b.sum()
    order = [i for i in np.argsort(-np.abs(p - q), kind="stable").tolist() if p[i] != q[i] and not rare[i]]
    return [{"category": categories[i], "synthetic": float(p[i]), "real": float(q[i])} for i in order[:3]]


def _chi_square_test(x: Array, y: Array) -> dict[str, float]:
    import numpy as np

    if len(x) == 1:
        return {"chi_square": 0.0, "degrees_of_freedom": 0, "p_value": 1.0}
    from scipy.stats import chi2_contingency

    test = chi2_contingency(np.stack([x, y]), correction=False)
    return {
        "chi_square": float(test.statistic),
        "degrees_of_freedom": int(test.dof),
        "p_value": float(test.pvalue),
    }


def _chi_square_floor(
    context: AuditContext, column: str, synthetic: Mapping[str | None, int], holdout: Mapping[str | None, int]
) -> float | None:
    import numpy as np

    if not has_floor(context, column):
        return None
    train = marginals.counts(context, "train", column)
    categories = sorted({*train, *holdout}, key=lambda c: (c is None, c or ""))
    a, b = (np.array([side.get(c, 0) for c in categories], dtype=np.int64) for side in (train, holdout))
    size = sum(synthetic.values())
    if size < a.sum():
        a = context.rng("floor", column).multivariate_hypergeometric(a, size, method="marginals")
    if a.sum() < MIN_ROWS:
        return None
    kept = (a + b) > 0
    return distances.counts_distance(a[kept], b[kept]).value
