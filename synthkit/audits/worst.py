"""From the measures of single columns to one verdict where each must keep to a bound of its own kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from synthkit.audits.base import AuditResult, ColumnResult, Status

Decide = Literal["point", "lower", "upper"]
_ORDER = {"fail": 0, "warn": 1, "inconclusive": 2}


def bounded(result: ColumnResult, most: float, noise: float, decide: Decide) -> Status:
    """Pass where what ``decide`` names is at most ``most``; else fail, or inconclusive where noise alone explains it.

    ``noise`` is the value that real rows exceed too, at the level that the audit states.
    """
    assert result.value is not None
    held = {"point": result.value, "lower": result.ci_low, "upper": result.ci_high}[decide]
    if held is not None and held <= most:
        return "pass"
    return "inconclusive" if result.value <= noise else "fail"


def worst_of(results: Sequence[ColumnResult], threshold: str, symbol: str, advice: str, **details: Any) -> AuditResult:
    """One result whose value, interval and floor are the worst column's; a column alone can fail the audit.

    Its interval is that column's own, and does not widen for its having been picked.
    """
    ordered = sorted(results, key=lambda r: (_ORDER.get(r.status, 3), -(r.value if r.value is not None else -1.0)))
    worst = ordered[0]
    if worst.value is None:
        return AuditResult(None, "inconclusive", threshold, message=f"too few rows to tell: {worst.message}")
    message = f"{worst.column!r} differs most: {symbol} = {worst.value:.4g}"
    if worst.ci_low is not None and worst.ci_high is not None:
        message += f" (95 % interval {worst.ci_low:.4g} to {worst.ci_high:.4g}"
        message += f"; real against real {worst.floor:.4g})" if worst.floor is not None else ")"
    if worst.message:
        message += f": {worst.message}"
    if worst.status == "fail":
        many = sum(r.status == "fail" for r in ordered)
        message += f". {many} of {len(ordered)} columns fail{'s' if many == 1 else ''}. Try {advice}"
    elif worst.status == "inconclusive":
        message += ". Too few rows to tell it from noise; more held-out rows would"
    return AuditResult(
        worst.value, worst.status, threshold, worst.ci_low, worst.ci_high, worst.floor, message, tuple(ordered), details
    )
