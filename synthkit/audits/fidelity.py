"""Do single columns look like the real ones? Synthetic rows against held-out real rows, never those trained on.

Effect sizes decide, not p-values. With n synthetic and m real rows a p-value rejects every distance above about
1.36·sqrt(1/n + 1/m): at 5,000 and 1,000 rows that is 0.047, at a million each 0.0019, so a large enough table
always fails and a small enough one always passes. A p-value says whether two tables differ, and synthetic rows
always do; the effect size says how much, which is what somebody who uses them must know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from synthkit.audits import distances, marginals
from synthkit.audits.base import AuditResult, audit
from synthkit.audits.context import AuditContext
from synthkit.audits.verdict import ALPHA, MIN_ROWS, DistanceParams, Measured, unmeasured, verdict
from synthkit.errors import SynthError, did_you_mean

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Measure = Callable[[AuditContext, str, DistanceParams, float], Measured]
_EXACT_P = 1000  # rows up to which the exact null distribution of D takes no more than milliseconds


class KsParams(DistanceParams):
    """Parameters of ``ks``; the distance is the Kolmogorov–Smirnov statistic D."""


class ChiSquareParams(DistanceParams):
    """Parameters of ``chi_square``; the distance is the bias-corrected Cramér's V."""


@audit("ks", KsParams, family="fidelity", needs=("train", "holdout"))
def ks(context: AuditContext, params: KsParams) -> AuditResult:
    """The largest gap between the cumulative distributions of numbers and dates (two-sample Kolmogorov–Smirnov).

    The value is the statistic D in [0, 1], an effect size: the largest error of any statement "x % of the rows
    lie below t". It equals ``scipy.stats.ks_2samp``'s. Missing values are left out; the shares of missing
    values are in the details. Noise only ever enlarges D, so the default ``decide: point`` errs on the side
    of failing. Interval and noise: :func:`synthkit.audits.distances.ks_distance`. Floor: D of training rows
    against the same held-out rows, with as many training rows as there are synthetic ones (or all).
    """
    columns = _chosen(context, params, lambda c: marginals.number_key(context, c) is not None, ("ks", "chi_square"))
    if columns is None:
        return _skipped("the table has no numbers or dates to compare")
    advice = "another generator or more training for this column, or declare its type in the source"
    return _audit(context, params, columns, _ks_column, "D", advice)


@audit("chi_square", ChiSquareParams, family="fidelity", needs=("train", "holdout"))
def chi_square(context: AuditContext, params: ChiSquareParams) -> AuditResult:
    """How far the shares of categories are from the real ones (Cramér's V of the chi-square test).

    The value is Cramér's V in [0, 1] as two samples of equal size would have it, corrected for bias
    (:func:`synthkit.audits.distances.cramers_distance`): 0 means equal shares, 1 that no category is shared. A
    missing value is a category. Categories that expect fewer than five rows on either side are pooled, as
    the test requires; the message says so. Judged by default: categorical and boolean columns, and numbers
    and dates with at most 20 different real values. Floor: as for ``ks``.
    """
    columns = _chosen(context, params, lambda c: _few_values(context, c), ("chi_square", "ks"))
    if columns is None:
        return _skipped("the table has no categories to compare")
    return _audit(context, params, columns, _chi_square_column, "V", "conditions: on this column or another generator")


def _audit(
    context: AuditContext, params: DistanceParams, columns: tuple[str, ...], measure: Measure, symbol: str, advice: str
) -> AuditResult:
    rows = {side: context.rows(side) for side in ("synthetic", "holdout")}
    few = [f"{n} {'held-out' if side == 'holdout' else side}" for side, n in rows.items() if n < MIN_ROWS]
    if few:
        message = f"too few rows to tell: {' and '.join(few)} (at least {MIN_ROWS} are needed)"
        return AuditResult(None, "inconclusive", f"max {params.max:.3g}", message=message)
    alpha = ALPHA / (len(columns) if params.combine == "worst" else 1)
    result = verdict([measure(context, c, params, alpha) for c in columns], params, symbol, advice)
    if not params.p_value:
        return result
    from dataclasses import replace

    line = distances.ks_critical(rows["synthetic"], rows["holdout"], ALPHA)
    note = (
        f". p-values are in the details and decide nothing: with {rows['synthetic']:,} synthetic and "
        f"{rows['holdout']:,} real rows the test rejects any D above {line:.3g}, however harmless"
    )
    return replace(result, message=result.message + note)


def _chosen(
    context: AuditContext, params: DistanceParams, fits: Callable[[str], bool], names: tuple[str, str]
) -> tuple[str, ...] | None:
    """The columns to compare: those asked for, or those that fit; None where none does.

    Raises SynthError where a column that was asked for is not there, or cannot be compared so.
    """
    if context.holdout is None:
        raise SynthError(f"{names[0]} needs held-out real rows, and there are none", hint='set holdout: "20%"')
    if params.columns is None:
        found = tuple(c.name for c in marginals.comparable_columns(context) if fits(c.name))
        return found or None
    for column in params.columns:
        marginals.require(context, column)
        if column not in (real := marginals.sql_types(context, "holdout")):
            hint = did_you_mean(column, real, "a column")
            raise SynthError(f"the real table has no column {column!r} to compare with", hint=hint)
        if names[0] == "ks" and not fits(column):
            raise SynthError(f"{column!r} holds no numbers or dates: ks cannot order it", hint=f"use {names[1]}")
    return tuple(dict.fromkeys(params.columns))


def _few_values(context: AuditContext, column: str) -> bool:
    if context.schema.by_name[column].type in ("categorical", "boolean"):
        return True
    return marginals.few_values(context, "holdout" if context.train is None else "train", column)


def _skipped(message: str) -> AuditResult:
    return AuditResult(None, "skipped", message=message)


# -- one column ----------------------------------------------------------------------------------------


def _ks_column(context: AuditContext, column: str, params: DistanceParams, alpha: float) -> Measured:
    ours, theirs = (marginals.values(context, side, column) for side in ("synthetic", "holdout"))
    x, y = ours.numbers, theirs.numbers
    details: dict[str, Any] = {
        "rows": {"synthetic": len(x), "real": len(y)},
        "missing": {"synthetic": ours.missing_share, "real": theirs.missing_share},
    }
    if not len(x) and len(y) >= MIN_ROWS:
        message = "the synthetic column has no values at all"
        return Measured(column, 1.0, 1.0, 1.0, message=message, details=details)
    if min(len(x), len(y)) < MIN_ROWS:
        return unmeasured(column, f"too few rows to tell ({len(x)} synthetic and {len(y)} real values)", **details)
    found = distances.ks_distance(x, y, context.rng("ks", column), alpha)
    message = ""
    if params.p_value:
        details["p_value"] = _ks_p_value(x, y)
        message = f"p = {details['p_value']:.2g}"
    details["noise"] = found.noise
    floor = _ks_floor(context, column, len(x), y)
    return Measured(column, found.value, found.low, found.high, found.noise, floor, message, details)


def _ks_p_value(x: Array, y: Array) -> float:
    from scipy.stats import ks_2samp

    return float(ks_2samp(x, y, method="exact" if max(len(x), len(y)) <= _EXACT_P else "asymp").pvalue)


def _ks_floor(context: AuditContext, column: str, size: int, holdout: Array) -> float | None:
    if context.train is None or column not in marginals.sql_types(context, "train"):
        return None
    train = marginals.subsample(marginals.values(context, "train", column).numbers, size, context.rng("floor", column))
    return distances.ks_statistic(train, holdout)[0] if len(train) >= MIN_ROWS else None


def _chi_square_column(context: AuditContext, column: str, params: DistanceParams, alpha: float) -> Measured:
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
    return Measured(column, found.value, found.low, found.high, found.noise, floor, message, details)


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

    if context.train is None or column not in marginals.sql_types(context, "train"):
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
    x, y, _ = distances.pool_rare(a[kept].astype(float), b[kept].astype(float))
    return distances.cramers_distance(x, y).value
