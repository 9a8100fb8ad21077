"""Two states of the published tables side by side: what a change does to tables, audits and ε."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from synthkit.planning.difference import changes
from synthkit.privacy.guarantee import promised
from synthkit.records.audit import AuditRecord
from synthkit.records.receipt import Receipt
from synthkit.results import ModelResult


@dataclass(frozen=True)
class State:
    """A table as a receipt has it, or as a run found it.

    Args:
        promise: the (ε, δ) that it keeps to everybody; None: no formal guarantee.
        sample, audit: the hashes of its rows, and of its audits.
        receipt: where one says what these were made of; a run does not.
    """

    rows: int | None
    promise: tuple[float, float] | None
    sample: str | None
    audit: str | None
    audits: tuple[AuditRecord, ...]
    receipt: Receipt | None = None

    @staticmethod
    def of_receipt(receipt: Receipt) -> State:
        hashes = receipt.fingerprints
        says = receipt if receipt.says("inputs") else None
        return State(receipt.rows, promised(receipt), hashes.sample, hashes.audit, receipt.audits, says)

    @staticmethod
    def of_result(result: ModelResult) -> State:
        promise = None if result.epsilon is None else (result.epsilon, result.delta or 0.0)
        sample, audit = (result.fingerprints.get(part) for part in ("sample", "audit"))
        return State(result.rows, promise, sample, audit, result.audits)


@dataclass(frozen=True)
class AuditChange:
    """One audit of one table; a side is None where the table had no such audit."""

    name: str
    before: AuditRecord | None
    after: AuditRecord | None

    @property
    def differs(self) -> bool:
        if self.before is None or self.after is None:
            return True
        return _figures(self.before) != _figures(self.after)


def _figures(a: AuditRecord) -> tuple[object, ...]:
    return a.status, a.value, a.threshold, a.severity, a.ci, a.floor


@dataclass(frozen=True)
class TableChange:
    """One table before and after; ``what`` lists the inputs that changed."""

    model: str
    kind: Literal["new", "changed", "audited again", "removed"]
    before: State | None
    after: State | None
    audits: tuple[AuditChange, ...] = ()
    what: tuple[str, ...] = ()


def compare(before: Mapping[str, State], after: Mapping[str, State]) -> tuple[TableChange, ...]:
    """What differs, by name."""
    found = []
    for name in sorted({*before, *after}):
        change = _change(name, before.get(name), after.get(name))
        if change is not None:
            found.append(change)
    return tuple(found)


def _change(name: str, old: State | None, new: State | None) -> TableChange | None:
    audits = tuple(a for a in _audits(_records(old), _records(new)) if a.differs)
    if old is None:
        return TableChange(name, "new", None, new, audits)
    if new is None:
        return TableChange(name, "removed", old, None)
    if old.sample != new.sample:
        what: tuple[str, ...] = ()
        if old.receipt is not None and new.receipt is not None:
            what = tuple(map(str, changes(old.receipt, new.receipt, ("train", "sample"))))
        return TableChange(name, "changed", old, new, audits, what)
    if audits or old.audit != new.audit:
        return TableChange(name, "audited again", old, new, audits)
    return None


def _records(state: State | None) -> dict[tuple[str, int], AuditRecord]:
    """Records by name and, as a name may occur twice, by how many came before."""
    seen: Counter[str] = Counter()
    found = {}
    for record in () if state is None else state.audits:
        found[record.name, seen[record.name]] = record
        seen[record.name] += 1
    return found


def _audits(
    old: Mapping[tuple[str, int], AuditRecord], new: Mapping[tuple[str, int], AuditRecord]
) -> Iterable[AuditChange]:
    for key in dict.fromkeys((*new, *old)):
        yield AuditChange(key[0], old.get(key), new.get(key))
