"""What is to be done about one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthkit.planning.fingerprint import Fingerprint
from synthkit.planning.forms import WrittenForm
from synthkit.planning.state import Standing
from synthkit.records.audit import AuditRecord
from synthkit.records.receipt import AuditedTable
from synthkit.results import ActionKind
from synthkit.store.staging import StagedRows

FULL_REFRESH = "full refresh"  # the reason of an action that starts from nothing


@dataclass(frozen=True)
class Promotion:
    """A table that another target has published.

    Args:
        target: its name.
        table: what is recorded of it there.
        rows: there.
        again: audits that are to be run here, by their number, and why; what the others found is taken over.
        found: that, by the number of the audit.
    """

    target: str
    table: AuditedTable
    rows: StagedRows
    again: Mapping[int, str]
    found: Mapping[int, AuditRecord]

    def to_json(self) -> dict[str, Any]:
        """As it stands in receipts."""
        return {"target": self.target, "run_id": self.table.run_id, "published_at": self.table.published_at}


@dataclass(frozen=True)
class Action:
    """What to do about one model, and why.

    ``train`` fits, samples, audits and publishes; ``sample`` takes the cached model; ``query`` runs the SQL; ``ask``
    asks a teacher for what is not kept from earlier requests; ``audit`` judges rows that are there already; ``promote``
    publishes what another target has (``promotion``); ``reuse`` does nothing. ``together`` is the family whose tables
    it is done for at once, and that are published at one instant; ``kept`` a table of it whose real rows are published,
    whatever is done for the others.
    """

    model: str
    kind: ActionKind
    reason: str
    details: tuple[str, ...]
    fingerprint: Fingerprint
    size: str
    epsilon: float | None = None
    delta: float | None = None
    generator: str = ""
    generator_reason: str = ""
    standing: Standing = "none"
    together: str | None = None
    forms: tuple[WrittenForm, ...] = ()
    promotion: Promotion | None = None
    kept: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            **({} if self.together is None else {"together": self.together}),
            **({"kept": True} if self.kept else {}),
            "action": self.kind,
            "reason": self.reason,
            "changes": list(self.details),
            "generator": self.generator,
            "generator_reason": self.generator_reason or None,
            "size": self.size,
            "epsilon": self.epsilon,
            "delta": self.delta,
            **({"forms": [form.to_json() for form in self.forms]} if self.forms else {}),
            **({} if self.promotion is None else {"promoted": self.promotion.to_json()}),
            "fingerprints": self.fingerprint.hashes(),
        }
