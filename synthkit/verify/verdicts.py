"""Would what is published pass today's audits? A changed limit is held against the figures that were recorded.

Where only limits, ``severity``, ``warn_if`` or ``error_if`` changed, the recorded values, intervals and floors decide,
by the rule that decided then (:mod:`synthkit.audits.gate`). Where anything else changed, where figures are withheld (a
private table's), or where the record does not tell, the table must be audited again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from synthkit.audits import registry
from synthkit.audits.contract import Better, Status
from synthkit.audits.gate import Estimate, Gate, GateParams, Limit, ShareParams, judge, limit_of
from synthkit.audits.runner import BoundAudit, audit_hash, conditioned
from synthkit.compiler import ModelNode
from synthkit.compiler.manifest import audit_keys
from synthkit.errors import Location, SynthError
from synthkit.planning.difference import Declared, audit_changes, changes
from synthkit.privacy.disclosure import WITHHELD
from synthkit.records.audit import PASSING, AuditRecord, ColumnRecord
from synthkit.records.parts import Demand
from synthkit.records.receipt import Receipt
from synthkit.verify.findings import Finding, Level
from synthkit.verify.receipts import ReceiptFile

_LIMITS = ("max", "within", "max_excess", "min", "max_shortfall", "decide")


def passes_audits(model: ModelNode, receipt: ReceiptFile, now: Declared) -> Iterator[Finding]:
    """Findings about the audits of one published table."""
    again = f"synth audit --select {model.name} (where the real rows are), and commit the receipt"
    moved = [str(c) for c in changes(receipt.said, now, ("audit",)) if c.head in ("tables", "reference")]
    if moved:
        message = f"the tables that the audits of {model.name!r} compare with are others than when it was audited"
        yield Finding("audit", "error", message, model.spec.origin.at("name"), again, model.name, tuple(moved))
    recorded = _recorded(receipt.said)
    for key, bound in zip(audit_keys(b.name for b in model.audits), model.audits, strict=True):
        if key not in recorded:
            yield _never(model, bound, again)
            continue
        lines = tuple(map(str, audit_changes(key, recorded[key][0], receipt.said, now)))
        finding = _judged(model, bound, *recorded[key], lines, again)
        if finding is not None:
            yield finding


def _recorded(receipt: Receipt) -> dict[str, tuple[Demand, AuditRecord]]:
    """What was demanded and what was found, by the audit's key."""
    demands, records = receipt.required, receipt.audits
    if demands is None or len(demands) != len(records):
        return {}
    pairs = zip(audit_keys(r.name for r in records), demands, records, strict=True)
    return {key: (demand, record) for key, demand, record in pairs if demand.name == record.name}


def place_of(bound: BoundAudit) -> Location:
    """Where an audit stands."""
    file, line, column = (bound.location or "?:1:1").rsplit(":", 2)
    return Location(Path(file), int(line), int(column))


def _never(model: ModelNode, bound: BoundAudit, again: str) -> Finding:
    message = f"{model.name!r} was never held against its audit {bound.name!r}"
    level: Level = "error" if bound.severity == "error" else "warning"
    return Finding("audit", level, message, place_of(bound), again, model.name)


def _judged(
    model: ModelNode, bound: BoundAudit, demand: Demand, record: AuditRecord, lines: tuple[str, ...], again: str
) -> Finding | None:
    what = f"audit {bound.name!r} of {model.name!r}"
    if demand.hash == bound.hash:
        if record.passes:
            return None
        message = f"{what} did not pass ({record.status}), so this table was never published by a build"
        hint = f"the receipt was changed by hand: restore it from git, or synth build --select {model.name}"
        return Finding("audit", "error", message, place_of(bound), hint, model.name)
    statuses = rejudged(bound, demand, record)
    if statuses is None or len({s in PASSING for s in statuses}) > 1:
        level: Level = "error" if bound.severity == "error" else "warning"
        message = f"{what} changed, and {_why_not(bound, demand, record)}: it must be audited again"
        return Finding("audit", level, message, place_of(bound), again, model.name, lines)
    figures = _figures(record)
    if not statuses <= PASSING:
        message = f"{what} does not pass under today's limit: it found {figures}"
        hint = f"take the limit back, or make a better table (synth build --select {model.name})"
        return Finding("audit", "error", message, place_of(bound), hint, model.name, lines)
    if statuses <= {"warn", "inconclusive"} and record.status == "pass":
        word = "warns" if statuses == {"warn"} else "cannot tell"
        return Finding(
            "audit",
            "warning",
            f"{what} {word} under today's limit: {figures}",
            place_of(bound),
            again,
            model.name,
            lines,
        )
    message = f"{what} changed; what it found then, {figures}, passes today too"
    return Finding("audit", "note", message, place_of(bound), None, model.name, lines)


def _figures(record: AuditRecord) -> str:
    """``0.08 [0.06, 0.1], floor 0.03``."""
    if record.value is None:
        return record.status
    text = f"{record.value:.3g}"
    if record.ends is not None and record.ends[0] != record.ends[1]:
        text += f" [{record.ends[0]:.3g}, {record.ends[1]:.3g}]"
    return text if record.floor is None else f"{text}, floor {record.floor:.3g}"


def _why_not(bound: BoundAudit, demand: Demand, record: AuditRecord) -> str:
    if record.message == WITHHELD:
        return "its figures are not in the receipt, as the table is private"
    if not _only_limits(bound, demand):
        return "what was recorded does not answer what it asks now"
    return f"what it found then ({_figures(record)}) does not tell whether it passes today"


# -- by the record -------------------------------------------------------------------------------------


def rejudged(bound: BoundAudit, demand: Demand, record: AuditRecord) -> frozenset[Status] | None:
    """The verdicts that today's audit could come to on the recorded figures; None where they cannot be told.

    Args:
        bound: today's audit.
        demand: the audit when it was recorded, as a receipt's ``required`` holds it.
        record: what it found then.
    """
    if not _only_limits(bound, demand):
        return None
    same = all(bound.params.get(k) == demand.params.get(k) for k in _LIMITS)
    own = _own(demand, record) if same else None
    if own is None:
        own = _by_figures(bound, demand, record)
    if own is None:
        return None
    value = record.value
    if value is None and (bound.warn_if or bound.error_if):
        return None
    return frozenset(conditioned(status, value, bound) for status in own)


def _only_limits(bound: BoundAudit, demand: Demand) -> bool:
    """Whether the recorded audit, but for its limits and conditions, is today's: the hash says so."""
    params = dict(bound.params)
    if _gate_type(bound) is not None:
        params |= {k: demand.params.get(k) for k in _LIMITS if k in params}
    old = {k: getattr(demand, k) for k in ("severity", "warn_if", "error_if", "on_inconclusive")}
    version = 1 if bound.audit is None else registry.get(bound.audit).judged_as
    return audit_hash(replace(bound, params=params, **old), version) == demand.hash


def _gate_type(bound: BoundAudit) -> type[Gate] | None:
    if bound.audit is None:
        return None
    params = registry.get(bound.audit).params
    return params if issubclass(params, GateParams | ShareParams) else None


def _own(demand: Demand, record: AuditRecord) -> frozenset[Status] | None:
    """The audit's own verdict, before severity and conditions; None where a condition hid it."""
    status = record.status
    if demand.warn_if is not None or demand.error_if is not None:
        return None
    if status == "warn" and demand.on_inconclusive != "ignore":
        return None  # it may not have been able to tell
    if demand.severity == "warn" and status == "warn":
        return frozenset({"fail"})
    known: frozenset[Status] = frozenset({"pass", "warn", "fail", "inconclusive", "skipped", "error"})
    return frozenset(s for s in known if s == status) or None


def _by_figures(bound: BoundAudit, demand: Demand, record: AuditRecord) -> frozenset[Status] | None:
    """By the recorded figures; None where today's limit is the audit's default, which the record does not hold.

    The same rule must give the recorded verdict under the recorded limit: an audit that decides otherwise is not
    judged here.
    """
    kind = _gate_type(bound)
    if kind is None or record.value is None:
        return None
    try:
        today, then = kind.model_validate(bound.params), kind.model_validate(dict(demand.params))
    except (ValidationError, SynthError):
        return None
    before = _possible(then, record, record.limit)
    own = _own(demand, record)
    if before is None or (own is not None and not own <= before):
        return None
    return _possible(today, record, None)


def gate_of(bound: BoundAudit) -> Gate | None:
    """The parameters of an audit that decides by a limit; None of another one."""
    kind = _gate_type(bound)
    try:
        return None if kind is None else kind.model_validate(dict(bound.params))
    except (ValidationError, SynthError):
        return None


def possible_verdicts(bound: BoundAudit, demand: Demand, record: AuditRecord) -> frozenset[Status] | None:
    """The verdicts, before severity and conditions, that recorded figures allow under the recorded demand."""
    params = gate_of(replace(bound, params=dict(demand.params)))
    if params is None:
        return None
    try:
        return _possible(params, record, record.limit)
    except (TypeError, KeyError, SynthError):
        return None


def _possible(params: Gate, record: AuditRecord, default: float | None) -> frozenset[Status] | None:
    """The verdicts that are possible under ``params``; ``default``: the limit where they give none."""
    given = any(getattr(params, k, None) is not None for k in _LIMITS if k != "decide")
    if not given and default is None:
        return None
    parts: Sequence[AuditRecord | ColumnRecord] = [record]
    if getattr(params, "combine", None) == "worst" and record.columns:
        parts = record.columns
    better: Better = "lower" if isinstance(params, GateParams) else "higher"
    found: set[frozenset[Status]] = set()
    for part in parts:
        if part.value is None:
            continue
        if part.ends is None:
            return None
        estimate = Estimate(part.value, *part.ends, part.floor)
        limit = limit_of(params, estimate.floor, {}) if given else Limit(default, "", better, params.decide)
        found.add(_one(estimate, limit))
    for worst in ({"fail"}, {"fail", "inconclusive"}, {"inconclusive"}):
        if worst in found:
            return frozenset(next(f for f in found if f == worst))
    return frozenset({"pass"})


def _one(found: Estimate, limit: Limit) -> frozenset[Status]:
    """A record holds no noise level, so what is not clearly on the bad side may have been called noise."""
    status = judge(found, limit)
    if status != "fail" or limit.value is None:
        return frozenset({status})
    clearly = found.low > limit.value if limit.better == "lower" else found.high < limit.value
    return frozenset({"fail"}) if clearly else frozenset({"fail", "inconclusive"})
