"""``synth report``: the last run, written for others to read."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import base_option, load, reader_options
from synthkit.cli.reports import parse_reports, surroundings, write_reports


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
    from synthkit.errors import SynthError
    from synthkit.report.writing import of_run
    from synthkit.results import RunResults

    wanted = parse_reports(reports)
    project = load(project_dir, target)
    path = results or project.target_dir / "run_results.json"
    try:
        run = RunResults.read(path)
    except FileNotFoundError as error:
        raise SynthError(f"there is no run to report: {path} is not there", hint="run synth build first") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SynthError(f"{path} is not the result of a run: {error}", hint="run synth build again") from error
    write_reports(wanted, of_run(run, surroundings(project, run.run_id, base)))
