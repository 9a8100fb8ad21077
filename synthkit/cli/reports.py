"""The option ``--report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from synthkit.report.writing import Rendered, Report


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
