"""What became of a table, and of each of its audits, in words, a sign and a place on an axis."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synthkit.privacy.disclosure import WITHHELD
from synthkit.records.audit import AuditRecord, ColumnRecord, undecided
from synthkit.report.advice import advice
from synthkit.report.site.axis import Axis, Bound, axis_of, limit_of
from synthkit.report.site.inputs import SiteInput
from synthkit.report.style import demanded, figures, number

# Never by colour alone: each verdict has a sign and a word.
SIGNS = {"pass": "✓", "warn": "!", "fail": "✕", "error": "✕", "inconclusive": "?", "skipped": "–", "none": "○"}
WORDS = {
    "pass": "passed",
    "warn": "warns",
    "fail": "failed",
    "error": "broke",
    "inconclusive": "can't tell",
    "skipped": "skipped",
    "none": "not built",
}
# The worst first: what a reader must see before anything else.
ORDER = {"error": 0, "fail": 0, "warn": 2, "inconclusive": 3, "skipped": 4, "none": 5, "pass": 6}


@dataclass(frozen=True)
class Verdict:
    status: str

    @property
    def sign(self) -> str:
        return SIGNS[self.status]

    @property
    def word(self) -> str:
        return WORDS[self.status]


@dataclass(frozen=True)
class ColumnPart:
    """What one column, pair or group answers for."""

    name: str
    verdict: Verdict
    figures: str
    message: str
    axis: Axis | None


@dataclass(frozen=True)
class AuditView:
    """One audit as a page shows it. ``anchor`` is its place on its table's page."""

    anchor: str
    name: str
    column: str | None
    verdict: Verdict
    severity: str
    figures: str
    threshold: str | None
    message: str
    advice: str | None
    axis: Axis | None
    withheld: bool
    columns: tuple[ColumnPart, ...]
    record: AuditRecord = field(repr=False)

    @property
    def noticed(self) -> bool:
        return self.verdict.status in ("fail", "error", "warn", "inconclusive")


@dataclass(frozen=True)
class Outcome:
    """A table's verdict and where it comes from.

    Args:
        run_id, when: of the run that gave it; None where there was none.
        published: whether a version of the table can be read.
        stale: the published version is an older one, as the last run did not publish.
    """

    verdict: Verdict
    message: str
    audits: tuple[AuditView, ...]
    rows: int | None
    run_id: str | None
    when: str | None
    published: bool
    stale: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)
    action: str = ""

    def count(self, status: str) -> int:
        return sum(1 for a in self.audits if a.verdict.status == status)


def outcome(data: SiteInput, model: str) -> Outcome:
    """The last run's verdict, else that of the published version's own audits."""
    receipt = data.receipts.get(model)
    result = next((r for r in data.run.results if r.model == model), None) if data.run is not None else None
    if result is None and receipt is None:
        return Outcome(Verdict("none"), "", (), None, None, None, published=False)
    if result is None or (result.status == "skipped" and receipt is not None and not result.audits):
        assert receipt is not None
        views = audit_views(receipt.audits)
        verdict = Verdict("skipped") if result is not None else _worst(receipt.audits)
        message = "" if result is None else result.message
        when, run_id, rows = receipt.published_at, receipt.run_id, receipt.rows
        return Outcome(verdict, message, views, rows, run_id, when, True, stale=result is not None)
    assert data.run is not None
    reused = result.status == "reused"
    verdict = _worst(result.audits) if reused else Verdict(result.status)
    return Outcome(
        verdict,
        f"unchanged: {result.message}" if reused and result.message else result.message,
        audit_views(result.audits),
        result.rows,
        data.run.run_id,
        data.run.ended_at,
        receipt is not None,
        stale=receipt is not None and verdict.status in ("fail", "error"),
        seconds=result.seconds,
        action=result.action,
    )


def _worst(records: Sequence[AuditRecord]) -> Verdict:
    """As a build judges: what is skipped or cannot be told does not stand in the way; where no comparison with real
    rows can tell, the table warns."""
    statuses = {r.status for r in records}
    quiet = "warn" if undecided(records) else "pass"
    return Verdict(next((s for s in ("error", "fail", "warn") if s in statuses), quiet))


def audit_views(records: Sequence[AuditRecord]) -> tuple[AuditView, ...]:
    """The audits of one table, the worst first, each with an anchor of its own."""
    taken: set[str] = set()
    views = [_view(r, taken) for r in records]
    return tuple(sorted(views, key=lambda v: ORDER[v.verdict.status]))


def _view(record: AuditRecord, taken: set[str]) -> AuditView:
    # A limit that follows the floor is another one for each column, and only the record's own is known.
    relative = "floor" in (record.threshold or "")
    bound = limit_of(record)
    withheld = record.message == WITHHELD
    return AuditView(
        anchor=anchor("audit", record.name, taken),
        name=record.name,
        column=record.column,
        verdict=Verdict(record.status),
        severity=record.severity,
        figures="figures withheld" if withheld else figures(record),
        threshold=demanded(record),
        message="" if withheld else record.message,
        advice=advice(record) if record.status == "fail" else None,
        axis=axis_of(record, bound),
        withheld=withheld,
        columns=tuple(_part(p, (None, None) if relative else bound, record.columns) for p in record.columns),
        record=record,
    )


def _part(part: ColumnRecord, bound: Bound, scale: Sequence[ColumnRecord]) -> ColumnPart:
    return ColumnPart(part.column, Verdict(part.status), figures(part), part.message, axis_of(part, bound, scale))


def anchor(kind: str, name: str, taken: set[str]) -> str:
    """An id for a fragment: letters, digits and dashes, unlike those taken."""
    base = f"{kind}-{slug(name)}"
    found, count = base, 1
    while found in taken:
        count += 1
        found = f"{base}-{count}"
    taken.add(found)
    return found


def slug(name: str) -> str:
    """A name for a file or a fragment, another for each name: what is not plain is spelt in hexadecimal."""
    return re.sub(r"[^A-Za-z0-9-]", lambda m: "_" if m[0] == "_" else f".{ord(m[0]):x}.", name)


def rows_text(rows: int | None) -> str:
    return "–" if rows is None else f"{number(rows)} row{'' if rows == 1 else 's'}"
