"""All that the pages are made of, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synthkit.audits.profile.profile import Profile
from synthkit.records.consumption import ConsumptionEntry
from synthkit.records.history import HistoryEntry
from synthkit.records.receipt import AuditedTable
from synthkit.report.site.declared import DeclaredProject
from synthkit.results import RunResults


@dataclass(frozen=True)
class Pictured:
    """A table's profile, or why there is none to show."""

    profile: Profile | None = None
    note: str = ""


@dataclass(frozen=True)
class SiteInput:
    """What a site shows. Nothing in it may be private: :mod:`.gather` sees to that.

    Args:
        manifest: what the project declares.
        run: the last run; None where nothing was built yet.
        receipts: of published tables, by model.
        sql: the rendered SELECT of SQL models.
        profiles: the pictures, by model.
        trainings: what the neural generators recorded of their training, by model.
        history: entries of ``history.jsonl`` by model, the oldest first.
        took: what runs took, by model whose figures anybody may see, the oldest first.
        rows: the first rows of published tables, by model: each value as text, None where there is none.
        show_real: whether the project wants pictures of real rows at all.
    """

    name: str
    description: str
    manifest: DeclaredProject
    generated_at: str
    version: str
    run: RunResults | None = None
    receipts: Mapping[str, AuditedTable] = field(default_factory=dict)
    sql: Mapping[str, str] = field(default_factory=dict)
    profiles: Mapping[str, Pictured] = field(default_factory=dict)
    trainings: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    history: Mapping[str, Sequence[HistoryEntry]] = field(default_factory=dict)
    took: Mapping[str, Sequence[ConsumptionEntry]] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Sequence[str | None]]] = field(default_factory=dict)
    show_real: bool = True
