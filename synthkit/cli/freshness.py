"""``synth freshness``: how old the sources are, against what they declare."""

from __future__ import annotations

import json
from pathlib import Path

import click

from synthkit.cli.common import compiled, project_options


@click.command("freshness")
@project_options
@click.option("--format", "style", type=click.Choice(["table", "json"]), default="table")
@click.pass_context
def command(
    ctx: click.Context, project_dir: Path | None, target: str | None, variables: str | None, style: str
) -> None:
    """Judge every source that declares `freshness:` by the clock (or SYNTH_NOW). Exits 1 when one is too old."""
    from synthkit.api.checks import freshness

    found = freshness(compiled(project_dir, target, variables))
    if style == "json":
        click.echo(json.dumps([f.to_json() for f in found.values()], indent=2, ensure_ascii=False))
    elif not found:
        click.echo("no source declares freshness: {warn_after: {count: 12, period: hour}}")
    else:
        for one in found.values():
            click.echo(f"{one.status:<5}  {one.message}")
    ctx.exit(1 if any(f.status == "error" for f in found.values()) else 0)
