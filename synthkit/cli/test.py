"""``synth test``: run the unit tests of SQL models, custom audits and macros."""

from __future__ import annotations

from fnmatch import fnmatch
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
    from synthkit.building.unittests import run_unit_tests
    from synthkit.errors import SynthError

    tests = compiled(project_dir, target, variables).unit_tests
    if select:
        chosen = [t for t in tests if any(fnmatch(n, s) for s in select for n in (t.name, t.subject.split()[-1]))]
        if not chosen:
            names = ", ".join(t.name for t in tests) or "none"
            raise SynthError(f"no unit test matches {' '.join(select)}", hint=f"there are: {names}")
        tests = tuple(chosen)
    outcomes = run_unit_tests(tests)
    for outcome in outcomes:
        click.echo(str(outcome))
    failed = sum(not o.passed for o in outcomes)
    if not outcomes:
        click.echo("there are no unit tests: write unit_tests: in a file below models/")
    else:
        click.echo(f"{len(outcomes) - failed} of {len(outcomes)} passed")
    ctx.exit(1 if failed else 0)
