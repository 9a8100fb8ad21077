"""``synth debug``: is everything that a build needs there?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from synthkit import __version__
from synthkit.cli.common import place, project_options


@click.command("debug")
@project_options
@click.pass_context
def command(ctx: click.Context, project_dir: Path | None, target: str | None, variables: str | None) -> None:
    """Check versions, device, project, targets, sources, lock and disk. Exits 1 if something is wrong."""
    from synthkit.api.machine import debug
    from synthkit.api.project import variables as parsed

    click.echo(f"       synthkit {__version__}, Python {sys.version.split()[0]} at {sys.executable}")
    bad = 0
    for check in debug(place(project_dir), target=target, vars=parsed(variables)):
        click.echo(f"{'ok    ' if check.good else 'WRONG '} {check.name}: {check.found}")
        bad += not check.good
    if bad:
        click.echo(f"{bad} thing{'s' if bad > 1 else ''} to put right")
    ctx.exit(1 if bad else 0)
