"""``synth preview``: some rows of a model and a verdict, from a small fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from synthkit.cli.common import compiled, project_options

if TYPE_CHECKING:
    from synthkit.building.trial import Preview


@click.command("preview")
@click.argument("model")
@project_options
@click.option("--rows", type=click.IntRange(min=1), default=20, show_default=True, help="Rows to show.")
@click.option(
    "--learn",
    type=click.IntRange(min=1),
    default=2000,
    show_default=True,
    help="Training rows to learn from, at most about so many.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "csv", "csv-safe", "json"]),
    default="table",
    show_default=True,
    help="How the rows are printed.",
)
def command(
    model: str,
    project_dir: Path | None,
    target: str | None,
    variables: str | None,
    rows: int,
    learn: int,
    style: str,
) -> None:
    """Show rows of a model and a verdict, from a small fit.

    Nothing is published, kept or charged. What it finds says how a model is set up, not what a build of it is worth.
    """
    from synthkit.api.trying import preview
    from synthkit.cli.query import print_table
    from synthkit.errors import SynthError

    manifest = compiled(project_dir, target, variables)
    if model in manifest.families and style != "table":
        listed = ", ".join(manifest.families[model].members.values())
        raise SynthError(f"{model!r} has several tables, and {style} holds one", hint=f"name one of {listed}")
    found = preview(model, manifest, rows=rows, learn=learn)
    every = (found, *found.others)
    for number, one in enumerate(every):
        if found.others:
            click.echo(f"{chr(10) if number else ''}{one.model}")
        print_table(one.rows, style, rows)
    for one in every:
        for line in _said(one):
            click.echo(line, err=True)


def _said(found: Preview) -> list[str]:
    from synthkit.report.style import MARKS, measured, seconds

    lines = [""]
    for audit in found.audits:
        lines.append(f"  {MARKS[audit.status]:<11} {audit.name}: {measured(audit)}")
        if audit.status != "pass" and audit.message:
            lines.append(f"              {audit.message}")
    short = ", ".join(f"{name} {most}" for name, most in found.shortened.items())
    learnt = f"{found.learnt:,} of {found.of:,} training rows" + (f" ({short})" if short else "")
    verdict = MARKS[found.verdict] if found.audits else "no quick audit to run"
    drawn = f"{found.drawn:,} rows drawn by a fit to {learnt}"
    lines.append(f"preview of {found.model}: {verdict}; {drawn}, {seconds(found.seconds)}")
    if found.left:
        lines.append(f"not run: {', '.join(found.left)} (synth build runs all)")
    return lines
