"""What one audit found, as it stands in receipts, in run_results.json and in the history of audits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from synthkit.records.record import Number, Pair, Record, Several

Status = Literal["pass", "warn", "fail", "error", "inconclusive", "skipped"]
Severity = Literal["error", "warn"]
Better = Literal["lower", "higher"]
Decide = Literal["interval", "point", "lower", "upper"]
PASSING = frozenset({"pass", "warn", "inconclusive", "skipped"})  # what does not keep a table from being published


class ColumnRecord(Record):
    """The part of a verdict that one column answers for.

    Args:
        column: the column, pair or group.
        value: its measure.
        status: its verdict.
        ci_low, ci_high: the end of its 95 % interval.
        floor: the same measure of real rows against real rows.
        message: one sentence.
    """

    column: str
    value: Number | None = None
    status: Status
    ci_low: Number | None = None
    ci_high: Number | None = None
    floor: Number | None = None
    message: str = ""

    @property
    def ends(self) -> tuple[Number, Number] | None:
        """The interval's ends; None where there is none."""
        return None if self.ci_low is None or self.ci_high is None else (self.ci_low, self.ci_high)


class AuditRecord(Record):
    """What one audit found. Numbers are finite or None.

    Args:
        name: what reports call it.
        column: the column, pair or group that decided.
        value: the measure; null where it could not be taken, or is withheld.
        ci: its 95 % interval.
        threshold: what it is held against, as text; null: a report only.
        floor: the same measure of real rows against real rows.
        severity: whether a failure keeps the table from being published.
        status: the verdict; inconclusive: too few rows to tell.
        message: one sentence: what failed, where, and what to try.
        seconds: how long it took.
        columns: the columns responsible, worst first.
        details: anything else.
        limit: the number that the value is held against; null: a report only.
        better: on which side of the limit the value is to be.
        decide: what of the measure must keep the limit.
        compares: whether it holds the table against real rows.

    >>> found = AuditRecord.from_json({"name": "ks", "status": "pass", "value": 0.1, "ci": [0.05, 0.2]})
    >>> found.passes, found.ci, found.floor
    (True, (0.05, 0.2), None)
    >>> found.to_json()
    {'name': 'ks', 'status': 'pass', 'value': 0.1, 'ci': [0.05, 0.2]}
    """

    name: str
    column: str | None = None
    value: Number | None = None
    ci: Pair[Number | None] | None = None
    threshold: str | None = None
    floor: Number | None = None
    severity: Severity = "error"
    status: Status
    message: str = ""
    seconds: Number | None = None
    columns: Several[ColumnRecord] = ()
    details: Mapping[str, Any] = Field(default_factory=dict)
    limit: Number | None = None
    better: Better | None = None
    decide: Decide | None = None
    compares: bool | None = None

    @property
    def passes(self) -> bool:
        """Whether it does not stand in the way of publishing."""
        return self.status in PASSING

    @property
    def ends(self) -> tuple[Number, Number] | None:
        """The interval's ends; None where there is none."""
        if self.ci is None or self.ci[0] is None or self.ci[1] is None:
            return None
        return self.ci[0], self.ci[1]


def untold(audits: Sequence[AuditRecord]) -> int:
    """How many of these audits cannot tell."""
    return sum(a.status == "inconclusive" for a in audits)


def undecided(audits: Sequence[AuditRecord]) -> bool:
    """Whether the table was held against real rows, and no audit that does so could decide anything."""
    compared = [a.status for a in audits if a.compares]
    return "inconclusive" in compared and not {"pass", "warn", "fail", "error"} & set(compared)
