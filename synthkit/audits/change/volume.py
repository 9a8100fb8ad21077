"""How much a table grew or shrank since its last published version, and how long it took to make."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import POSITIVE, AuditParams, AuditResult, ColumnResult, Status, audit
from synthkit.project.shares import Share

Measure = Literal["rows", "bytes"]


PositiveShare = Annotated[Share, Field(gt=0)]


class VolumeParams(AuditParams):
    """Parameters of ``volume``.

    Args:
        max_change: by how much of the earlier value ``rows`` and ``bytes`` may change, up or down.
        measures: which of the two decide.
        max_slowdown: warn where training or drawing a row takes longer by more than this. It never fails, as it
            depends on the machine and on what else that did.
    """

    max_change: PositiveShare = 0.5
    measures: tuple[Measure, ...] = Field(default=("rows", "bytes"), min_length=1)
    max_slowdown: PositiveShare | None = None


@audit("volume", VolumeParams, family="volume", between=POSITIVE, earlier=True)
def volume(context: AuditContext, params: VolumeParams) -> AuditResult:
    """The table has not changed its size much since the version that was published before.

    The value is the largest change among the measures, as a share of the earlier value: 0.5 is half as many again,
    or half as many; both are counted, so the interval is the value itself. Time and rows per second of both
    versions are in the details where they are known: not of a table under epsilon, nor where the rows were not made in
    this run. Skipped where there is no earlier version. ``where`` narrows the rows of both, not the bytes.
    """
    both, previous = against_earlier(context), context.previous
    threshold = f"max change {params.max_change:.3g}"
    if isinstance(both, str) or previous is None:
        return AuditResult(None, "skipped", threshold, message=str(both))
    now = {"rows": context.rows("synthetic"), "bytes": sum(p.stat().st_size for p in context.synthetic.paths)}
    before = {"rows": both.rows("holdout"), "bytes": previous.bytes}
    changes = {m: _change(before[m], now[m]) for m in params.measures}
    worst = max(changes, key=lambda m: changes[m])
    bad = [m for m in params.measures if changes[m] > params.max_change]
    shown = ", ".join(f"{m} {before[m]:,} → {now[m]:,}" for m in params.measures)
    message = f"{shown}, since {previous.published_at}"
    slower, details = _timing(context, now["rows"], before["rows"])
    status: Status = "fail" if bad else "pass"
    late = {} if params.max_slowdown is None else {k: s for k, s in slower.items() if s > params.max_slowdown}
    if late:
        status = "fail" if bad else "warn"
        message += f". Slower by {', '.join(f'{s:.0%} ({k})' for k, s in late.items())}"
    columns = tuple(
        ColumnResult(m, _finite(changes[m]), "fail" if m in bad else "pass", message=f"{before[m]:,} → {now[m]:,}")
        for m in sorted(changes, key=lambda m: -changes[m])
    )
    value = _finite(changes[worst])
    return AuditResult(value, status, threshold, value, value, message=message, columns=columns, details=details)


def against_earlier(context: AuditContext) -> AuditContext | str:
    """A context whose ``holdout`` is the version published before; or why there is none to compare with.

    A condition on a column that the earlier version lacks is such a reason. As an error it would keep every later
    version from being published, too.
    """
    import duckdb

    if context.previous is None:
        return "no earlier version"
    both = context.against(context.previous.table)
    try:
        both.rows("holdout")
    except duckdb.BinderException:
        return "the earlier version lacks a column of the condition (where)"
    return both


def _change(before: int, now: int) -> float:
    if before == 0:
        return 0.0 if now == 0 else math.inf
    return abs(now - before) / before


def _finite(change: float) -> float:
    """From nothing to something is more than any threshold; JSON knows no infinity."""
    return change if math.isfinite(change) else 1e9


def _timing(context: AuditContext, rows: int, rows_before: int) -> tuple[dict[str, float], dict[str, Any]]:
    """(phase → by what share it got slower, details): training by its seconds, drawing by its seconds per row."""
    assert context.previous is not None
    now, before = dict(context.seconds), dict(context.previous.seconds)
    slower: dict[str, float] = {}
    if now.get("train") and before.get("train"):
        slower["train"] = now["train"] / before["train"] - 1
    if now.get("sample") and before.get("sample") and rows and rows_before:
        slower["sample"] = (now["sample"] / rows) / (before["sample"] / rows_before) - 1
    speed = {
        when: n / s["sample"] if s.get("sample") else None
        for when, n, s in (("now", rows, now), ("before", rows_before, before))
    }
    return slower, {"seconds": {"now": now, "before": before}, "rows_per_second": speed}
