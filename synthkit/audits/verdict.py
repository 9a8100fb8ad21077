"""From the measures of single columns (or pairs, or groups) to one verdict, the same for every audit of several.

``combine: worst`` asks of every column that it keeps the limit; ``mean`` of their mean. Many columns are many
comparisons: one of 20 exceeds its own 5 % noise level by chance in most tables. So under ``worst`` a column's noise
level shares the 5 % out over all columns (Bonferroni), and a column above the limit but within it is "too few rows to
tell". A mean is one measure, and shares with none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from synthkit.audits.contract import AuditResult, ColumnNames, ColumnResult, Decide
from synthkit.audits.gate import Default, Estimate, Gate, GateParams, Limit, ShareParams, explained, judge, limit_of

MIN_ROWS = 30  # fewer values than this on either side say nothing about a distribution
ALPHA = 0.05

Combine = Literal["worst", "mean"]


class CombinedParams(GateParams):
    """A gate over several parts.

    Args:
        combine: ``worst`` (the default): every part must pass; ``mean``: their mean must.
    """

    combine: Combine = "worst"


class DistanceParams(CombinedParams):
    """What the audits of single columns' distributions have in common, beside the gate's own parameters.

    Args:
        columns: which ones; default: all that the measure is made for.
        decide: the distance itself by default: noise only ever enlarges it, so a pass on the point is evidence already.
    """

    columns: ColumnNames | None = None
    decide: Decide = "point"


class CombinedShareParams(ShareParams):
    """The same for measures that are better the higher.

    Args:
        combine: ``worst`` (the default): every part must pass; ``mean``: their mean must.
    """

    combine: Combine = "worst"


class SharesParams(CombinedShareParams):
    """The same for shares of single columns.

    Args:
        columns: which ones; default: all that the measure is made for.
    """

    columns: ColumnNames | None = None


@dataclass(frozen=True)
class Part:
    """What one column, pair or group contributes; ``found`` is None where it could not be measured, and ``message``
    says why."""

    name: str
    found: Estimate | None
    message: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


def unmeasured(name: str, message: str, **details: Any) -> Part:
    return Part(name, None, message, details)


def share_of_alpha(params: CombinedParams | CombinedShareParams, parts: int) -> float:
    """The level at which one of ``parts`` is said to stand out from noise."""
    return ALPHA / (max(1, parts) if params.combine == "worst" else 1)


def verdict(
    parts: Sequence[Part],
    params: CombinedParams | CombinedShareParams,
    default: Default,
    *,
    symbol: str,
    advice: str,
    noun: str = "column",
    floor_is: str = "real against real",
    joint: Estimate | None = None,
    tell: bool = False,
) -> AuditResult:
    """One result for all parts, the worst first.

    ``worst`` reports the worst part's measure, interval and floor; its interval is that part's own and does not widen
    for its having been picked. ``mean`` averages them; the mean of the interval's ends is what perfectly correlated
    parts would have, so it is never too narrow; an audit that knows how their errors go together gives ``joint``.

    Args:
        default: the limit where the parameters give none.
        symbol: of the measure, for the message.
        advice: what to try where it fails.
        noun: what a part is.
        floor_is: what the floor is the measure of.
        joint: the mean of the parts with an interval of its own.
        tell: the worst part's own message follows its measure.
    """
    taken = [p.found for p in parts if p.found is not None]
    columns = tuple(part_results(parts, params, default, alone=params.combine == "worst"))
    details = {"combine": params.combine, "columns": {p.name: p.details for p in parts if p.details}}
    if not taken:
        text = limit_of(params, None, default).text
        return AuditResult(None, "inconclusive", text, message=_not_taken(parts), columns=columns, details=details)
    if params.combine == "mean":
        found = joint or _mean(taken)
        limit = limit_of(params, found.floor, default)
        status = judge(found, limit)
        head = f"mean {symbol} of {_count(len(taken), noun)} is {found.value:.3g}"
    else:
        worst = columns[0]
        found = next(p.found for p in parts if p.name == worst.column and p.found is not None)
        limit = limit_of(params, found.floor, default)
        status = worst.status
        distance = isinstance(params, GateParams)
        head = f"{worst.column!r} {'differs most' if distance else 'is worst'}: {symbol} = {found.value:.3g}"
        if distance and found.value == 0.0:
            head = f"no {noun} differs: {symbol} = 0"
    message = f"{head} (95 % interval {found.low:.3g} to {found.high:.3g}"
    message += f"; {floor_is} {found.floor:.3g})" if found.floor is not None else ")"
    if tell and params.combine == "worst" and columns[0].message:
        message += f": {columns[0].message}"
    message += _why(status, columns, limit, advice, noun, mean=params.combine == "mean")
    left_out = [p for p in parts if p.found is None]
    if left_out:
        message += f". Not judged: {_not_taken(left_out)}"
    text = f"{limit.text} for the mean" if params.combine == "mean" else limit.text
    return AuditResult(
        found.value,
        status,
        text,
        found.low,
        found.high,
        found.floor,
        message,
        columns,
        details,
        limit.value,
        limit.better,
        limit.decide,
    )


def part_results(parts: Sequence[Part], params: Gate, default: Default, *, alone: bool = True) -> list[ColumnResult]:
    """The parts as column results, the worst first.

    Args:
        alone: whether each decides by itself; else one that would fail only warns, as their mean decides.
    """
    results = []
    for part in parts:
        if part.found is None:
            results.append(ColumnResult(part.name, None, "inconclusive", message=part.message))
            continue
        e = part.found
        status = judge(e, limit_of(params, e.floor, default))
        message = part.message
        if status == "fail" and not alone:
            status = "warn"
        if status == "inconclusive" and not message:
            message = "too few rows to tell" if e.noise is None else f"too few rows: noise alone reaches {e.noise:.3g}"
        results.append(ColumnResult(part.name, e.value, status, e.low, e.high, e.floor, message))
    sign = -1.0 if isinstance(params, GateParams) else 1.0
    rank = {"fail": 0, "warn": 1, "inconclusive": 2}
    return sorted(results, key=lambda r: (9, 0.0) if r.value is None else (rank.get(r.status, 3), sign * r.value))


def mean_floor(parts: Sequence[Part]) -> float | None:
    """The mean of the floors that could be taken."""
    return _over([p.found.floor for p in parts if p.found is not None])


def _mean(taken: Sequence[Estimate]) -> Estimate:
    value, low, high = (sum(getattr(e, k) for e in taken) / len(taken) for k in ("value", "low", "high"))
    return Estimate(value, low, high, _over([e.floor for e in taken]), _over([e.noise for e in taken]))


def _over(numbers: Sequence[float | None]) -> float | None:
    present = [n for n in numbers if n is not None]
    return sum(present) / len(present) if present else None


def _why(status: str, columns: Sequence[ColumnResult], limit: Limit, advice: str, noun: str, *, mean: bool) -> str:
    if status == "fail":
        many = sum(1 for c in columns if c.status in ("fail", "warn"))
        judged = sum(1 for c in columns if c.value is not None)
        others = "" if mean else f" (so {'is' if many == 1 else 'are'} {many} of {_count(judged, noun)})"
        return f"{explained('fail', limit)}{others}. Try {advice}, or set a limit that the use allows"
    if status == "inconclusive":
        return explained("inconclusive", limit)
    return ""


def _not_taken(parts: Sequence[Part]) -> str:
    shown = [f"{p.name!r}: {p.message}" for p in parts[:5]]
    return "; ".join(shown) + (f"; and {len(parts) - 5} more" if len(parts) > 5 else "")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"
