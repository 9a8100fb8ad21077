"""Has the table changed since its last published version? Synthetic rows against synthetic rows.

Nothing real is read, so what is found is no secret of a private table either: it is post-processing of two releases.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from synthkit.audits.change.volume import against_earlier
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import SHARE, AuditResult, ColumnResult, audit
from synthkit.audits.gate import Default, Estimate, limit_of, untold
from synthkit.audits.measures import distances
from synthkit.audits.rows import marginals
from synthkit.audits.verdict import MIN_ROWS, DistanceParams, Part, share_of_alpha, unmeasured, verdict
from synthkit.errors import SynthError, did_you_mean

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


DEFAULT: Default = {"max": 0.1}


class DriftParams(DistanceParams):
    """Parameters of ``drift``; the distance is between this version and the one before. The default is ``max: 0.1``."""


@audit("drift", DriftParams, family="drift", between=SHARE, earlier=True)
def drift(context: AuditContext, params: DriftParams) -> AuditResult:
    """No column is distributed otherwise than in the version that was published before.

    The value is the largest distance over the columns, in [0, 1]: of numbers and dates the Kolmogorov–Smirnov
    statistic, or how far the shares of missing values are apart, whichever is larger; of categories Cramér's V for
    equal sizes, corrected for bias. Intervals and noise: :mod:`.measures.distances`. Floor: the same distance
    after the rows of both versions are mixed and dealt out again, which is what no drift looks like. Keys and
    free text are not compared. Columns of only one version are named, and make a pass a warning. Skipped where there
    is no earlier version.
    """
    limit = limit_of(params, None, DEFAULT).text
    both = against_earlier(context)
    if isinstance(both, str):
        return AuditResult(None, "skipped", limit, message=both)
    only = _only_in_one(both)
    columns = _chosen(both, params)
    if not columns:
        return AuditResult(None, "skipped", limit, message="the versions share no columns to compare")
    if min(both.rows("synthetic"), both.rows("holdout")) < MIN_ROWS:
        return untold(f"at least {MIN_ROWS} in either version are needed", limit)
    alpha = share_of_alpha(params, len(columns))
    parts = [_column(both, column, alpha) for column in columns]
    advice = "synth diff to see what changed in source, seed or generator, severity: warn if that is meant"
    result = verdict(parts, params, DEFAULT, symbol="distance", advice=advice, floor_is="without drift")
    if not only:
        return result
    message = f"{result.message}. {'; '.join(f'{c!r} {m}' for c, m in only.items())}"
    extra = tuple(ColumnResult(c, None, "warn", message=m) for c, m in only.items())
    status = "warn" if result.status == "pass" else result.status
    return replace(result, status=status, message=message, columns=(*result.columns, *extra))


def _only_in_one(context: AuditContext) -> dict[str, str]:
    now, before = (marginals.sql_types(context, side) for side in ("synthetic", "holdout"))
    return {**{c: "is new" for c in now if c not in before}, **{c: "is gone" for c in before if c not in now}}


def _chosen(context: AuditContext, params: DriftParams) -> tuple[str, ...]:
    if params.columns is None:
        return tuple(c.name for c in marginals.comparable_columns(context))
    before = marginals.sql_types(context, "holdout")
    for column in params.columns:
        marginals.require(context, column)
        if column not in before:
            hint = did_you_mean(column, before, "a column")
            raise SynthError(f"the earlier version has no column {column!r}", hint=hint)
    return tuple(dict.fromkeys(params.columns))


def _column(context: AuditContext, column: str, alpha: float) -> Part:
    """The distance of one column, and its floor: the same after the rows are dealt out again."""
    if marginals.number_key(context, column) is None:
        now, before = (marginals.counts(context, side, column) for side in ("synthetic", "holdout"))
        return _categories(context, column, dict(now), dict(before), alpha)
    ours, theirs = (marginals.values(context, side, column) for side in ("synthetic", "holdout"))
    missing = _categories(
        context,
        column,
        {"": len(ours.numbers), None: ours.missing},
        {"": len(theirs.numbers), None: theirs.missing},
        alpha,
    )
    if min(len(ours.numbers), len(theirs.numbers)) < MIN_ROWS:
        return (
            missing
            if missing.found is not None and missing.found.value
            else unmeasured(column, "too few values to tell")
        )
    x, y = ours.numbers, theirs.numbers
    d = distances.ks_distance(x, y, context.rng("drift", column), alpha)
    if missing.found is not None and missing.found.value > d.value:
        return replace(missing, message="the share of missing values")
    return Part(column, Estimate.of(d, _dealt_numbers(context, column, x, y)))


def _dealt_numbers(context: AuditContext, column: str, x: Array, y: Array) -> float:
    import numpy as np

    mixed = context.rng("drift floor", column).permutation(np.concatenate([x, y]))
    return distances.ks_statistic(np.sort(mixed[: len(x)]), np.sort(mixed[len(x) :]))[0]


def _categories(
    context: AuditContext, column: str, now: dict[str | None, int], before: dict[str | None, int], alpha: float
) -> Part:
    a, b = distances.side_by_side(now, before)
    if len(a) > 1 and len(distances.pool_rare(a.astype(float), b.astype(float))[0]) == 1:
        return unmeasured(column, "too few rows to tell: every category is rare")
    dealt = context.rng("drift floor", column).multivariate_hypergeometric(a + b, int(a.sum()), method="marginals")
    floor = distances.counts_distance(dealt, a + b - dealt).value
    return Part(column, Estimate.of(distances.counts_distance(a, b, alpha), floor))
