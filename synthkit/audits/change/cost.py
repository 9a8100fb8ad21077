"""What making a table took in this run: its time, and its money."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Took
from synthkit.audits.contract import POSITIVE, AuditParams, AuditResult, Status, audit

NOT_MADE = "the rows were not made in this run"
UNPRICED = "no teacher was paid in this run, and no prices of machines are declared"
Limit = Annotated[float, Field(gt=0)]


class MaxSecondsParams(AuditParams):
    """Parameters of ``max_seconds``.

    Args:
        max: seconds that the jobs which make the rows may take, one after the other.
    """

    max: Limit


class MaxCostParams(AuditParams):
    """Parameters of ``max_cost``.

    Args:
        max: USD that making the rows may cost.
    """

    max: Limit


@audit("max_seconds", MaxSecondsParams, family="cost", between=POSITIVE, severity="warn", samples=False)
def max_seconds(context: AuditContext, params: MaxSecondsParams) -> AuditResult:
    """Making the table took no longer than a limit.

    The value is the sum of the seconds of reading, training and drawing in this run; it is counted, so the interval is
    the value itself. Skipped where the rows were not made in this run.
    """
    threshold = f"max {params.max:g} s"
    if context.took is None:
        return AuditResult(None, "skipped", threshold, message=NOT_MADE)
    return _held(context.took, context.took.seconds, params.max, threshold)


@audit("max_cost", MaxCostParams, family="cost", between=POSITIVE, severity="warn", samples=False)
def max_cost(context: AuditContext, params: MaxCostParams) -> AuditResult:
    """Making the table cost no more than a limit in USD, at the declared prices and what teachers were paid.

    The value is counted, so the interval is the value itself. Skipped where the rows were not made in this run, or
    nothing that made them has a price.
    """
    threshold = f"max {params.max:g} USD"
    if context.took is None:
        return AuditResult(None, "skipped", threshold, message=NOT_MADE)
    if context.took.usd is None:
        return AuditResult(None, "skipped", threshold, message=UNPRICED)
    return _held(context.took, context.took.usd, params.max, threshold)


def _held(took: Took, value: float, limit: float, threshold: str) -> AuditResult:
    status: Status = "pass" if value <= limit else "fail"
    if not took.told:  # how long it took tells how many protected rows there are
        return AuditResult(None, status, threshold, message="figures of protected rows are not told")
    phases = sorted(took.phases.items(), key=lambda item: -item[1])
    message = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in phases)
    details: dict[str, Any] = {"seconds": dict(phases), "usd": took.usd}
    return AuditResult(
        value, status, threshold, value, value, message=message, details=details, limit=limit, better="lower"
    )
