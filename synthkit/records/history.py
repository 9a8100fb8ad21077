"""The lines of ``history.jsonl``, what one run found of one table, and of ``runs.jsonl``, one for each run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from synthkit.records.audit import AuditRecord
from synthkit.records.parts import Git
from synthkit.records.record import NamedTexts, Number, Record, Several

Disclosure = Literal["open", "guarded", "private"]


class HistoryEntry(Record):
    """One table in one run, as it may be published, for the report's curves over time; of the audits what these show.

    ``sample`` is the hash of its rows; ``disclosure`` says what might be told of it then.
    """

    run_id: str
    ended_at: str
    model: str
    action: str
    status: str
    published: bool
    rows: int | None
    epsilon: Number | None = None
    disclosure: Disclosure = "open"
    sample: str | None = None
    audits: Several[AuditRecord]


class RunEntry(Record):
    """A line of ``runs.jsonl``: one run, without what became of each table; ``models`` is how many there were."""

    run_id: str
    started_at: str | None = None
    ended_at: str | None = None
    command: str | None = None
    target: str | None = None
    status: str | None = None
    seed: int | None = None
    models: int | None = None
    git: Git | None = None
    versions: NamedTexts = Field(default_factory=dict)
