"""From the distances of single columns to one verdict: the same rule for every audit of distributions.

A column passes where what ``decide`` names (the point, or an end of the interval) is at most ``max``. One that
does not pass fails only if its distance also exceeds what noise alone gives at these numbers of rows, at the
5 % level shared out over all columns (Bonferroni; a mean of columns is one measure, and shares with none):
otherwise the honest answer is "too few rows to tell".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from synthkit.audits.base import AuditParams, AuditResult, ColumnNames, ColumnResult, Status

MIN_ROWS = 30  # fewer values than this on either side say nothing about a distribution
ALPHA = 0.05


class DistanceParams(AuditParams):
    """What the audits of distributions have in common.

    Args:
        columns: which ones; default: all that the measure is made for.
        max: the largest distance that passes, in [0, 1].
        decide: what is held against ``max``. ``point`` (the default) is the distance itself; ``upper`` asks
            for evidence that the true distance is no larger, and so for enough rows; ``lower`` fails only
            what is certainly larger.
        combine: ``worst`` (the default): every column must pass; ``mean``: their mean must.
        p_value: also report each column's p-value. It never decides.
    """

    columns: ColumnNames | None = None
    max: float = Field(default=0.1, ge=0, le=1)
    decide: Literal["point", "lower", "upper"] = "point"
    combine: Literal["worst", "mean"] = "worst"
    p_value: bool = False


@dataclass(frozen=True)
class Measured:
    """One column's distance; ``value`` is None where it could not be taken, and ``message`` says why.

    ``noise`` is the distance that real rows alone exceed at the level that the verdict asks for.
    """

    column: str
    value: float | None
    low: float = 0.0
    high: float = 1.0
    noise: float = 0.0
    floor: float | None = None
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def unmeasured(column: str, message: str, **details: Any) -> Measured:
    return Measured(column, None, message=message, details=details)


def judge(value: float, low: float, high: float, noise: float, params: DistanceParams) -> Status:
    """The verdict on one distance."""
    if {"point": value, "lower": low, "upper": high}[params.decide] <= params.max:
        return "pass"
    return "inconclusive" if value <= noise else "fail"


def verdict(measured: Sequence[Measured], params: DistanceParams, symbol: str, advice: str) -> AuditResult:
    """One result for all columns, the worst first.

    ``worst`` reports the worst column's distance, interval and floor; its interval is that column's own and
    does not widen for its having been picked. ``mean`` averages them; the mean of the interval's ends is
    what perfectly correlated columns would have, so it is never too narrow.
    """
    taken = [m for m in measured if m.value is not None]
    details = {"decide": params.decide, "combine": params.combine, "columns": {m.column: m.details for m in measured}}
    threshold = _threshold(params)
    if not taken:
        columns = tuple(ColumnResult(m.column, None, "inconclusive", message=m.message) for m in measured)
        return AuditResult(
            None, "inconclusive", threshold, message=_not_taken(measured), columns=columns, details=details
        )
    results = sorted((_result(m, params) for m in measured), key=_worst_first)
    if params.combine == "mean":
        value, low, high, noise = (_mean([getattr(m, k) for m in taken]) for k in ("value", "low", "high", "noise"))
        floors = [m.floor for m in taken if m.floor is not None]
        floor = _mean(floors) if floors else None
        status = judge(value, low, high, noise, params)
        if status == "inconclusive" and low > params.max:
            status = "fail"  # one measure, so its interval needs no correction for picking the worst
        head = f"mean {symbol} of {_columns(len(taken))} is {_number(value)}"
    else:
        worst = results[0]
        assert worst.value is not None
        assert worst.ci_low is not None
        assert worst.ci_high is not None
        value, low, high, floor, status = worst.value, worst.ci_low, worst.ci_high, worst.floor, worst.status
        head = f"{worst.column!r} differs most: {symbol} = {_number(value)}"
        if value == 0.0:
            head = f"no column differs: {symbol} = 0"
    message = f"{head} (95 % interval {_number(low)} to {_number(high)}"
    message += f"; real against real {_number(floor)})" if floor is not None else ")"
    message += _explanation(status, results, params, advice)
    left_out = [m for m in measured if m.value is None]
    if left_out:
        message += f". Not judged: {_not_taken(left_out)}"
    return AuditResult(value, status, threshold, low, high, floor, message, tuple(results), details)


def _result(m: Measured, params: DistanceParams) -> ColumnResult:
    if m.value is None:
        return ColumnResult(m.column, None, "inconclusive", message=m.message)
    status = judge(m.value, m.low, m.high, m.noise, params)
    if params.combine == "mean" and status == "fail":
        status = "warn"  # the mean decides; a column alone does not
    message = m.message
    if status == "inconclusive" and not message:
        message = f"too few rows to tell: noise alone reaches {_number(m.noise)}"
    return ColumnResult(m.column, m.value, status, m.low, m.high, m.floor, message)


def _worst_first(result: ColumnResult) -> tuple[int, float]:
    if result.value is None:
        return (9, 0.0)
    return ({"fail": 0, "warn": 1, "inconclusive": 2}.get(result.status, 3), -result.value)


def _explanation(status: Status, results: Sequence[ColumnResult], params: DistanceParams, advice: str) -> str:
    if status == "fail":
        many = sum(1 for r in results if r.status in ("fail", "warn"))
        judged = sum(1 for r in results if r.value is not None)
        held = {"point": "the distance", "lower": "the interval's lower end", "upper": "the interval's upper end"}
        return (
            f": {held[params.decide]} is above {_number(params.max)}"
            f" (so are {many} of {_columns(judged)}). Try {advice}, or set a max that the use allows"
        )
    if status == "inconclusive":
        return f": above {_number(params.max)}, but too few rows to tell it from noise; more held-out rows would"
    return ""


def _threshold(params: DistanceParams) -> str:
    parts = [f"max {_number(params.max)}"]
    if params.combine == "mean":
        parts.append("for the mean")
    if params.decide != "point":
        parts.append(f"at the interval's {params.decide} end")
    return " ".join(parts)


def _not_taken(measured: Sequence[Measured]) -> str:
    shown = [f"{m.column!r}: {m.message}" for m in measured[:5]]
    return "; ".join(shown) + (f"; and {len(measured) - 5} more" if len(measured) > 5 else "")


def _columns(count: int) -> str:
    return f"{count} column{'s' if count != 1 else ''}"


def _number(value: float) -> str:
    return f"{value:.3g}"


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
