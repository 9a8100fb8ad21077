"""Correlations, and the score that SDMetrics makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult, Decide, audit
from synthkit.audits.fidelity.pairs import Pair, chosen_pairs, sampled
from synthkit.audits.gate import Default, Estimate, skipped
from synthkit.audits.rows.association import Method, kind_of, strength
from synthkit.audits.rows.choice import has_floor, judged_columns, too_few
from synthkit.audits.rows.codes import floor_rows
from synthkit.audits.rows.sampling_error import Draws, gaps, groups, mean
from synthkit.audits.verdict import ALPHA, Combine, DistanceParams, Part, mean_floor, share_of_alpha, verdict

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

CORRELATION: Default = {"max_excess": 0.05}


class CorrelationParams(DistanceParams):
    """Parameters of ``correlation``; the default limit is ``max_excess: 0.05`` for the mean.

    Args:
        method: for two numbers: ``spearman`` (of ranks; the default) or ``pearson``.
        correlated: pairs whose strength among the real rows is at least this are judged.
        combine: the mean over pairs by default; ``worst``: every pair must keep the limit.
    """

    method: Method = "spearman"
    correlated: float = Field(default=0.1, ge=0, lt=1)
    combine: Combine = "mean"
    decide: Decide = "point"


@audit("correlation", CorrelationParams, family="fidelity", needs=("train", "holdout"), between=(0.0, 2.0))
def correlation(context: AuditContext, params: CorrelationParams) -> AuditResult:
    """How far the correlations of columns are from the real ones, over the pairs that are correlated there.

    The value is the mean |difference| over pairs of Spearman's (or Pearson's) correlation of two numbers, Cramér's V
    of two categories (corrected for bias, Bergsma 2013), the correlation ratio of a number and a category (likewise).
    Only pairs whose strength among the real training rows is at least ``correlated`` (0.1) are judged: a mean over all
    would be made of pairs that have nothing to do with one another, which every table gets right. Interval: jackknife
    over groups of rows, one for the mean (:mod:`synthkit.audits.rows.association`).
    """
    columns = judged_columns(context, params.columns, "correlation")
    if len(columns) < 2:
        return skipped("the table has no two columns to compare")
    if few := too_few(context, params, CORRELATION):
        return few
    pairs = chosen_pairs(context, columns)
    found = [(pair, apart) for pair in pairs if (apart := _apart(context, pair, params)) is not None]
    if not found:
        return skipped(f"no pair of columns has a correlation of {params.correlated:g} or more among the real rows")
    alpha = share_of_alpha(params, len(found))
    parts = [_part(pair, *apart, alpha) for pair, apart in found]
    whole = mean([draws for _, (draws, _, _) in found]).distance(ALPHA, most=2.0)
    joint = Estimate.of(whole, mean_floor(parts))
    advice = "another generator or more training: what goes together in the real rows comes apart"
    result = verdict(parts, params, CORRELATION, symbol="|difference|", advice=advice, noun="pair", joint=joint)
    result = sampled(result, len(pairs), len(columns))
    return replace(result, details={**result.details, "correlated": {"least": params.correlated, "pairs": len(found)}})


def _part(pair: Pair, draws: Draws, floor: float | None, details: Mapping[str, object], alpha: float) -> Part:
    message = f"{details['synthetic']:.2f}, real {details['real']:.2f}"
    return Part(f"{pair[0]} × {pair[1]}", Estimate.of(draws.distance(alpha, most=2.0), floor), message, details)


def _apart(
    context: AuditContext, pair: Pair, params: CorrelationParams
) -> tuple[Draws, float | None, dict[str, Any]] | None:
    """The pair's difference, its floor and its correlations; None where it is not correlated in the real rows."""
    import numpy as np

    theirs, ours = groups(context, "holdout"), groups(context, "synthetic")
    count = theirs.multipliers.shape[1]
    real = strength(context, "holdout", pair, params.method, theirs.of_row, count, None)
    train, floor = None, None
    if all(has_floor(context, c) for c in pair):
        rows = floor_rows(context)
        whole = np.zeros(context.rows("train") if rows is None else len(rows), dtype=np.int32)
        train = strength(context, "train", pair, params.method, whole, 1, rows)
    known = train or real
    if real is None or known is None or abs(known.value) < params.correlated:
        return None
    made = strength(context, "synthetic", pair, params.method, ours.of_row, ours.multipliers.shape[1], None)
    if train is not None:
        floor = abs(train.value - real.value)
    value = made.value if made else 0.0  # a synthetic column that is constant goes with nothing
    details = {"kind": kind_of(context, pair), "real": real.value, "synthetic": value}
    error = -real.error(theirs)
    if made is not None:
        error = error + made.error(ours)
    return gaps(np.array([value - real.value]), error[:, None]), floor, details
