"""Two states of the published tables side by side: what a change does to tables, audits and ε."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from synthkit.planning.difference import changes

State = Mapping[str, Any]  # a receipt, or what a run found of a model: rows, epsilon, audits, fingerprints, inputs
Record = Mapping[str, Any]


@dataclass(frozen=True)
class AuditChange:
    """One audit of one table; a side is None where the table had no such audit."""

    name: str
    before: Record | None
    after: Record | None

    @property
    def differs(self) -> bool:
        keys = ("status", "value", "threshold", "severity", "ci", "floor")
        if self.before is None or self.after is None:
            return True
        return any(self.before.get(k) != self.after.get(k) for k in keys)


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
    then, now = _hashes(old), _hashes(new)
    if then.get("sample") != now.get("sample"):
        known = all(side.get("inputs") is not None for side in (old, new))  # a run does not say them
        what = tuple(map(str, changes(old, new, ("train", "sample")))) if known else ()
        return TableChange(name, "changed", old, new, audits, what)
    if audits or then.get("audit") != now.get("audit"):
        return TableChange(name, "audited again", old, new, audits)
    return None


def _hashes(state: State) -> Mapping[str, Any]:
    found = state.get("fingerprints")
    return found if isinstance(found, Mapping) else {}


def _records(state: State | None) -> dict[tuple[str, int], Record]:
    """Records by name and, as a name may occur twice, by how many came before."""
    listed = [] if state is None else state.get("audits") or []
    seen: Counter[str] = Counter()
    found = {}
    for record in listed if isinstance(listed, list | tuple) else []:
        if isinstance(record, Mapping):
            name = str(record.get("name"))
            found[name, seen[name]] = record
            seen[name] += 1
    return found


def _audits(old: Mapping[tuple[str, int], Record], new: Mapping[tuple[str, int], Record]) -> Iterable[AuditChange]:
    for key in dict.fromkeys((*new, *old)):
        yield AuditChange(key[0], old.get(key), new.get(key))
