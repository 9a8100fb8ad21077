"""The option ``--report``, and what a report shows besides a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from synthkit.project.project import Project
    from synthkit.report.hosting import Host
    from synthkit.report.runpage import Surroundings
    from synthkit.report.writing import Rendered, Report
    from synthkit.verify.review import Spent


def parse_reports(texts: Sequence[str]) -> tuple[Report, ...]:
    """``junit=path`` as its two parts; ``github`` may stand alone. Raises click.BadParameter."""
    from synthkit.report.writing import FORMATS, Report

    found = []
    for text in texts:
        kind, _, path = text.partition("=")
        if kind not in FORMATS or (not path and kind != "github"):
            raise click.BadParameter(
                f"write FORMAT=PATH with one of {', '.join(FORMATS)} (github may stand alone)", param_hint="--report"
            )
        found.append(Report(kind, Path(path) if path else None))
    return tuple(found)


def write_reports(reports: Sequence[Report], rendered: Rendered, *, aside: bool = False) -> None:
    """Write each one; annotations go to standard output, or ``aside`` to standard error, where that is JSON."""
    from synthkit.report.writing import write

    for report in reports:
        write(report, rendered, lambda text: click.echo(text, err=aside))


def host(project: Project) -> Host:
    """Links as the CI system that this runs on has them."""
    from synthkit.report.hosting import host_of
    from synthkit.store.versions.git import prefix

    return host_of(os.environ, prefix(project.root))


def surroundings(project: Project, run_id: str, base: str | None) -> Surroundings:
    """What the report of a run shows besides it. Raises SynthError where git does not know ``base``."""
    from synthkit.report.runpage import Surroundings
    from synthkit.store.versions.git import commit_at, merge_base
    from synthkit.verify.review import receipts_at

    before = receipts_at(project, merge_base(commit_at(project.root, base))) if base else None
    return Surroundings(before, base or "", _charged(project, run_id), host(project))


def _charged(project: Project, run_id: str) -> tuple[Spent, ...]:
    from synthkit.privacy.ledger.entries import LedgerError
    from synthkit.privacy.ledger.ledger import FILE, read_ledger
    from synthkit.verify.review import spent_by

    try:
        entries = read_ledger(project.root / FILE).entries
    except LedgerError:
        return ()
    return spent_by(project, [e for e in entries if e.charge.run_id == run_id])
