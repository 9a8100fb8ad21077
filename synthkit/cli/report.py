"""``synth report``: the last run, written for others to read."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import base_option, place, reader_options
from synthkit.cli.reports import parse_reports, write_reports


@click.command("report")
@reader_options
@base_option
@click.option("--results", type=click.Path(path_type=Path), help="Another run_results.json than the last run's.")
@click.argument("reports", nargs=-1, required=True, metavar="FORMAT=PATH…")
def command(
    project_dir: Path | None, target: str | None, base: str | None, results: Path | None, reports: tuple[str, ...]
) -> None:
    """Write a report of a run: markdown=PATH, junit=PATH, html=PATH; github annotates a pull request.

    It is made of target/run_results.json alone, and with --base of the receipts at that commit.
    """
    from synthkit.api.pages import report

    wanted = parse_reports(reports)
    write_reports(wanted, report(place(project_dir), results=results, base=base, target=target))
