"""``synth diff``: what differs between two versions of a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synthkit.cli.common import place, reader_options

if TYPE_CHECKING:
    from synthkit.planning.compare import ColumnChange, Difference


@click.command("diff")
@click.argument("model", required=False)
@click.argument("before", required=False)
@click.argument("after", required=False)
@reader_options
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    model: str | None, before: str | None, after: str | None, project_dir: Path | None, target: str | None, style: str
) -> None:
    """Compare two versions of a table, or of all: by default what git has at HEAD with what is published here."""
    from synthkit.api.history import diff

    found = diff(model, before, after, place(project_dir), target=target)
    if style == "json":
        click.echo(json.dumps({n: d.to_json() for n, d in found.items()}, indent=2, ensure_ascii=False))
        return
    changed = {n: d for n, d in found.items() if not (d.same_rows and not d.configuration and not d.audits)}
    for name, difference in changed.items():
        _print_difference(name, difference)
    if not changed:
        click.echo(f"no difference in {len(found)} table{'s' if len(found) != 1 else ''}")


def _print_difference(name: str, d: Difference) -> None:
    def text(epsilon: float | None) -> str:
        return "none" if epsilon is None else f"{epsilon:g}"

    click.echo(name)
    click.echo(f"  rows     {d.rows[0]:,} → {d.rows[1]:,}" if d.rows[0] != d.rows[1] else f"  rows     {d.rows[1]:,}")
    if d.epsilon[0] != d.epsilon[1]:
        click.echo(f"  epsilon  {text(d.epsilon[0])} → {text(d.epsilon[1])}")
    for title, lines in (("made otherwise", d.configuration), ("columns", d.schema)):
        if lines:
            click.echo(f"  {title}")
        for line in lines:
            click.echo(f"    {line}")
    if d.audits:
        click.echo("  audits")
    for audit, old, new in d.audits:
        click.echo(f"    {audit}: {old} → {new}")
    if d.columns:
        click.echo("  values")
    for change in d.columns:
        click.echo(_moved(change))
    if d.unread is not None:
        click.echo(f"  values   not compared: {d.unread}")
    if d.same_rows:
        click.echo("  the rows are the same")


def _moved(c: ColumnChange) -> str:
    sure = "" if c.value > c.noise else ", no more than chance"
    text = f"    {c.column}: {c.measure} = {c.value:.3f} (95 % interval {c.low:.3f} to {c.high:.3f}){sure}"
    if c.missing[0] != c.missing[1]:
        text += f"; missing {c.missing[0] or 0:.1%} → {c.missing[1] or 0:.1%}"
    return text
