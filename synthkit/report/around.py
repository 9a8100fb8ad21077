"""What a report shows besides a run or a review: links, the tables before, and what the run was charged."""

from __future__ import annotations

import os
from pathlib import Path

from synthkit.privacy.ledger.entries import LedgerError
from synthkit.privacy.ledger.ledger import FILE, read_ledger
from synthkit.project.project import Project
from synthkit.report.hosting import Host, host_of
from synthkit.report.runpage import Surroundings
from synthkit.store.versions.git import commit_at, merge_base, prefix
from synthkit.verify.review import Spent, receipts_at, spent_by


def host(root: Path) -> Host:
    """Links as the CI system that this runs on has them, for the project in a folder."""
    return host_of(os.environ, prefix(root))


def surroundings(project: Project, run_id: str, base: str | None) -> Surroundings:
    """What the report of a run shows besides it. Raises SynthError where git does not know ``base``."""
    before = receipts_at(project, merge_base(commit_at(project.root, base))) if base else None
    return Surroundings(before, base or "", _charged(project, run_id), host(project.root))


def _charged(project: Project, run_id: str) -> tuple[Spent, ...]:
    try:
        entries = read_ledger(project.root / FILE).entries
    except LedgerError:
        return ()
    return spent_by(project, [e for e in entries if e.charge.run_id == run_id])
