"""A line of ``history.jsonl``: what one run found of one table, for the report's curves over time."""

from __future__ import annotations

from typing import Literal

from synthkit.records.audit import AuditRecord
from synthkit.records.record import Number, Record, Several

Disclosure = Literal["open", "guarded", "private"]


class HistoryEntry(Record):
    """One table in one run, as it may be published; of the audits what a curve shows.

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
