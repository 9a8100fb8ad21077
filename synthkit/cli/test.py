"""``synth test``: run the unit tests of SQL models, custom audits and macros."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import compiled, project_options


@click.command("test")
@project_options
@click.option("-s", "--select", multiple=True, help="Names of unit tests, or of what they test; * stands for any text.")
@click.pass_context
def command(
    ctx: click.Context, project_dir: Path | None, target: str | None, variables: str | None, select: tuple[str, ...]
) -> None:
    """Run the unit tests: given rows → expected rows. Reads no data. Exits 1 when one fails."""
    from synthkit.api.checks import test

    outcomes = test(compiled(project_dir, target, variables), select=select)
    for outcome in outcomes:
        click.echo(str(outcome))
    failed = sum(not o.passed for o in outcomes)
    if not outcomes:
        click.echo("there are no unit tests: write unit_tests: in a file below models/")
    else:
        click.echo(f"{len(outcomes) - failed} of {len(outcomes)} passed")
    ctx.exit(1 if failed else 0)
