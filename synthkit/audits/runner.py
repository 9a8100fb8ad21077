"""Run a model's audits one after another and write down what each found.

Both ends are JSON, as they cross a process boundary: a :class:`BoundAudit` is what the compiler made of one entry under
``audits:``, an :class:`AuditRecord` is what becomes of it.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any, Protocol

from pydantic import ValidationError

from synthkit.audits import registry
from synthkit.audits.conditions import check_condition
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult, Severity, Status
from synthkit.audits.counting import listed
from synthkit.audits.custom import run_sql
from synthkit.audits.failures import FailureStore
from synthkit.audits.repeats import Repeat
from synthkit.errors import SynthError
from synthkit.memory import give_back
from synthkit.project.types import OnInconclusive
from synthkit.records.audit import AuditRecord, ColumnRecord

__all__ = ["AuditRecord", "BoundAudit", "audit_hash", "check_condition", "conditioned", "passed", "run_audits"]


@dataclass(frozen=True)
class BoundAudit:
    """One required audit of one model, its names resolved and its SQL rendered.

    Args:
        name: what reports call it.
        audit, sql: the registered audit's name, or a custom audit's rendered SELECT of failing rows.
        params: the registered audit's parameters, as JSON.
        on_inconclusive: what it comes to where it cannot tell.
        hash: of everything that decides the verdict besides the rows.
        location: ``file:line:column`` of the entry.
        store_failures: keep failing rows, at most ``failures_limit``.
    """

    name: str
    audit: str | None
    sql: str | None
    params: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "error"
    where: str | None = None
    warn_if: str | None = None
    error_if: str | None = None
    on_inconclusive: OnInconclusive = "ignore"
    hash: str = ""
    location: str | None = None
    store_failures: bool = False
    failures_limit: int = 1000

    @property
    def trains(self) -> bool:
        """Whether it trains the model's generator on the real rows again."""
        return self.audit is not None and registry.get(self.audit).params.model_validate(dict(self.params)).trains

    @property
    def apart(self) -> tuple[str, str] | None:
        """What its costly work is, and of which column or for which audit: those of one name share it; None: it costs
        little."""
        if self.audit is None:
            return None
        if self.trains:
            return ("shadows", self.name)  # which are trained for it alone
        word = registry.get(self.audit).apart
        return None if word is None else (word, str(self.params.get("target", "")))

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "params": _json(self.params)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> BoundAudit:
        return BoundAudit(**data)


def audit_hash(bound: BoundAudit, version: int) -> str:
    """SHA-256 of all that decides the verdict besides the rows; ``version`` is the audit's own."""
    decides = {
        "audit": bound.audit,
        "sql": bound.sql,
        "params": bound.params,
        "version": version,
        "severity": bound.severity,
        "where": bound.where,
        "warn_if": bound.warn_if,
        "error_if": bound.error_if,
    }
    if bound.on_inconclusive != "ignore":
        decides["on_inconclusive"] = bound.on_inconclusive
    if bound.store_failures:  # the rows are to be there, so the audit runs again
        decides["store_failures"] = bound.failures_limit
    text = json.dumps(decides, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class AuditProgress(Protocol):
    def __call__(self, done: int, total: int, unit: str, note: str = "") -> None: ...


def passed(records: Sequence[AuditRecord]) -> bool:
    """Whether nothing stands in the way of publishing: no audit failed, and none broke."""
    return all(r.passes for r in records)


def run_audits(
    context: AuditContext,
    bound: Sequence[BoundAudit],
    progress: AuditProgress,
    failures: FailureStore | None = None,
    read: AuditContext | None = None,
    some: AuditContext | None = None,
    all_sides: AuditContext | None = None,
) -> list[AuditRecord]:
    """Run every audit, whatever becomes of the others, and return their records in order.

    ``read`` is the context of the audits that look at columns with a written form as what they mean; default: the same.

    ``some`` is that one over a sample of a large table's rows, for the audits to which a sample is enough;
    ``all_sides`` over samples of the real rows as well, for those that look for none of them.

    ``failures`` takes the failing rows of the audits that store them. An audit that raises gets the status
    ``error``, at any severity: a gate that could not be tried was not passed.
    """
    records = []
    families = [_family(one) for one in bound]
    for index, one in enumerate(bound):
        progress(index, len(bound), "audits", one.name)
        own = looked_at(one, context, read, some, all_sides)
        records.append(_noted(_record(own, one, failures), own, context))
        if families[index] not in families[index + 1 :]:  # who looks at the same columns in the same way is done
            for each in (context, read, some, all_sides):
                if each is not None:
                    each.let_go()
        give_back()
    progress(len(bound), len(bound), "audits")
    return records


def _family(bound: BoundAudit) -> str | None:
    return registry.get(bound.audit).family if bound.audit in registry.names() else None


def looked_at(
    bound: BoundAudit,
    context: AuditContext,
    read: AuditContext | None = None,
    some: AuditContext | None = None,
    all_sides: AuditContext | None = None,
) -> AuditContext:
    """Which of the contexts of :func:`run_audits` an audit looks at.

    What trains the generator again has all real rows, as the training had.
    """
    known = registry.get(bound.audit) if bound.audit in registry.names() else None
    if known is None or not known.as_read:
        return context
    try:
        params = known.params.model_validate(dict(bound.params))
    except ValidationError:  # which its record will say
        return read or context
    few = (all_sides if known.samples_real and not params.trains else None) or some
    return (few if known.samples and not params.joins else None) or read or context


def repeats_of(context: AuditContext, bound: BoundAudit) -> Iterable[Repeat]:
    """The trainings that an audit repeats; none where it would not come to them."""
    if bound.audit is None or (audit := registry.get(bound.audit)).repeats is None:
        return ()
    if bound.where is not None:
        context = _narrowed(context, bound.where, needs_real=bool(audit.needs))
    return audit.repeats(context, audit.params.model_validate(dict(bound.params)))


def _noted(record: AuditRecord, own: AuditContext, context: AuditContext) -> AuditRecord:
    """The record, which says so where the audit looked at a sample of the rows."""
    if record.status == "skipped":
        return record
    few: list[str] = []
    for table, whole, kind in (
        (own.synthetic, context.synthetic, ""),
        (own.train, context.train, "training "),
        (own.holdout, context.holdout, "held-out "),
    ):
        if table is not None and whole is not None and table.rows != whole.rows:
            few.append(f"{table.rows:,} of {whole.rows:,} {kind}rows")
    if not few:
        return record
    said = f"of a sample of {listed(few)}"
    return record.having(message=f"{record.message} ({said})" if record.message else said)


def _record(context: AuditContext, bound: BoundAudit, failures: FailureStore | None) -> AuditRecord:
    started = time.perf_counter()
    try:
        return _written(bound, _decided(_run(context, bound, failures), bound), started)
    except Exception as error:
        return _written(bound, AuditResult(None, "error", message=_reason(error)), started)


def _written(bound: BoundAudit, result: AuditResult, started: float) -> AuditRecord:
    """The record, with plain finite numbers."""
    ends = (_finite(result.ci_low), _finite(result.ci_high))
    worst = result.columns[0].column if result.columns else None
    return AuditRecord(
        name=bound.name,
        column=worst or bound.params.get("column"),
        value=_finite(result.value),
        ci=None if None in ends else ends,
        threshold=result.threshold,
        floor=_finite(result.floor),
        severity=bound.severity,
        status=result.status,
        message=result.message,
        seconds=round(time.perf_counter() - started, 3),
        columns=tuple(ColumnRecord.from_json(_json(asdict(c))) for c in result.columns),
        details=_json(result.details),
        limit=_finite(result.limit),
        better=result.better,
        decide=result.decide,
        compares=_compares(bound),
    )


def _compares(bound: BoundAudit) -> bool:
    """Whether the audit reads real rows; one that is not there at all reads none."""
    return bound.audit is not None and bound.audit in registry.names() and bool(registry.get(bound.audit).needs)


def _run(context: AuditContext, bound: BoundAudit, failures: FailureStore | None) -> AuditResult:
    if bound.sql is not None:
        context = context if bound.where is None else context.narrowed(bound.where)
        result = run_sql(context, bound.sql)
    elif bound.audit is None:
        raise SynthError(f"{bound.name!r} names no audit and holds no SQL")
    else:
        audit = registry.get(bound.audit)
        if bound.where is not None:
            context = _narrowed(context, bound.where, needs_real=bool(audit.needs))
        result = audit.run(context, audit.params.model_validate(bound.params))
    if bound.store_failures and failures is not None:
        return failures.kept(context, bound.name, bound.sql is not None, result, bound.failures_limit)
    return result


def _narrowed(context: AuditContext, where: str, needs_real: bool) -> AuditContext:
    """The context under ``where``; a rule of the synthetic rows may use columns that the real ones lack."""
    import duckdb

    if not needs_real:
        for side in ("train", "holdout"):
            if context.side(side) is None:
                continue
            try:
                context.query(f"SELECT 1 FROM {side} WHERE {where} LIMIT 0")
            except duckdb.Error:
                return replace(context, train=None, holdout=None, _cache={}).narrowed(where)
    return context.narrowed(where)


def _decided(result: AuditResult, bound: BoundAudit) -> AuditResult:
    """Apply ``severity``, ``warn_if`` and ``error_if`` to the audit's own verdict, as dbt does.

    With ``error_if``, the audit fails where it holds, and a verdict of its own to fail becomes a warning
    where it does not. With ``warn_if``, the audit warns where it holds. Both together replace the audit's own
    verdict. ``severity: warn`` never fails, and so does not look at ``error_if``. What then still cannot be told comes
    to what ``on_inconclusive`` says.
    """
    if result.value is not None and math.isnan(result.value):
        result = replace(
            result, value=None, status="error", message=f"the audit's value is not a number: {result.message}"
        )
    status = conditioned(result.status, result.value, bound)
    columns = result.columns
    if result.status == "inconclusive" and status in ("warn", "fail") and bound.on_inconclusive != "ignore":
        said = f"it cannot tell, and on_inconclusive is {bound.on_inconclusive}: {result.message}"
        return replace(result, status=status, message=said)
    if status == "warn":
        columns = tuple(replace(c, status="warn") if c.status == "fail" else c for c in columns)
    if status == result.status:
        return replace(result, columns=columns)
    threshold = _threshold(result, bound)
    if threshold != result.threshold:  # the limit is none of the audit's own any more
        result = replace(result, threshold=threshold, limit=None, better=None, decide=None)
    return replace(result, status=status, columns=columns)


def conditioned(status: Status, value: float | None, bound: BoundAudit) -> Status:
    """What an audit's own verdict on its value becomes under ``severity``, ``warn_if``, ``error_if`` and
    ``on_inconclusive``."""
    found = _conditioned(status, value, bound)
    if found != "inconclusive" or bound.on_inconclusive == "ignore":
        return found
    return "fail" if bound.on_inconclusive == "fail" and bound.severity == "error" else "warn"


def _conditioned(status: Status, value: float | None, bound: BoundAudit) -> Status:
    if value is None or status == "error":
        return "warn" if status == "fail" and bound.severity == "warn" else status
    own = status == "fail"
    warns = own if bound.warn_if is None else check_condition(bound.warn_if)(value)
    if bound.severity == "error" and (own if bound.error_if is None else check_condition(bound.error_if)(value)):
        return "fail"
    if warns:
        return "warn"
    return "pass" if own else status


def _threshold(result: AuditResult, bound: BoundAudit) -> str | None:
    said = [f"{k} {v}" for k, v in (("error_if", bound.error_if), ("warn_if", bound.warn_if)) if v is not None]
    return ", ".join(said) if said else result.threshold


def _reason(error: Exception) -> str:
    if isinstance(error, SynthError):
        return f"{error.message} (fix: {error.hint})" if error.hint else error.message
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"parameter {'.'.join(map(str, first['loc'])) or 'set'}: {first['msg']}"
    text = " ".join(str(error).split("\n\nLINE ")[0].split())
    known = type(error).__module__.partition(".")[0] in ("duckdb", "_duckdb")
    return text if known else f"{type(error).__name__}: {text}"


# -- JSON ----------------------------------------------------------------------------------------------


def _finite(value: Any) -> float | None:
    """A plain number: whole where the audit counted, None where it is not finite."""
    if value is None or isinstance(value, int):
        return value if value is None else int(value)
    number = float(value)
    return number if math.isfinite(number) else None


def _json(value: Any) -> Any:
    """Anything as JSON: numbers of NumPy become plain ones, and no NaN or infinity gets through."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): _json(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json(v) for v in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return _json(value.tolist())
    return str(value)
