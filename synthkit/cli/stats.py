"""``synth stats``: what builds took, and how that went from run to run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from synthkit.cli.common import place, project_options


@click.command("stats")
@click.argument("model", required=False)
@project_options
@click.option("--since", metavar="TIME", help="Runs since then: 30d, 12h, 4w, 2026-01-31, 2026-01-31T12:00Z (UTC).")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    model: str | None,
    project_dir: Path | None,
    target: str | None,
    variables: str | None,
    since: str | None,
    style: str,
) -> None:
    """Show what builds took: rows per second, time, CPU, memory and money by model; of MODEL by phase and machine.

    Also waiting, cache hits, verdicts and how the audits' values drift. It is read from target/, where builds leave it.
    """
    from synthkit.api.consumption import stats
    from synthkit.api.project import variables as parsed
    from synthkit.report.consumption import lines_of

    found = stats(place(project_dir), model, since=since, target=target, vars=parsed(variables))
    if style == "json":
        click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
        return
    for line in lines_of(found, model, sys.stdout.encoding or "utf-8"):
        click.echo(line)
