"""``synth promote``: publish in one target what another has published and audited."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synthkit.cli.build import Told
from synthkit.cli.common import (
    base_option,
    build_options,
    fail_on_option,
    log_options,
    place,
    project_dir_option,
    report_option,
    selected_options,
    vars_option,
)
from synthkit.cli.reports import parse_reports

if TYPE_CHECKING:
    from synthkit.planning.plan import Plan


@click.command("promote")
@click.argument("origin", metavar="FROM")
@click.argument("target", metavar="TO")
@project_dir_option
@vars_option
@selected_options
@click.option(
    "--plan", "only_plan", is_flag=True, help="Say what would be published, and which audits run. Nothing is."
)
@build_options
@fail_on_option
@base_option
@report_option
@log_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    origin: str,
    target: str,
    project_dir: Path | None,
    variables: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    only_plan: bool,
    base: str | None,
    reports: tuple[str, ...],
    log_format: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Publish in target TO what target FROM has published and audited: the same bytes.

    Nothing is trained or charged. Audits whose inputs are the same in both are not run again.
    """
    from synthkit.api.project import variables as parsed
    from synthkit.api.promoting import promote, promotion

    wanted = parse_reports(reports)
    given = {k: options.pop(k) for k in ("threads", "seed", "device", "runner")}
    fail_on = options.pop("fail_on")
    both = promotion(origin, target, place(project_dir), vars=parsed(variables), **given)
    if only_plan:
        plan = both.plan(select, exclude)
        if log_format == "json":
            from synthkit.report.planned import tell_plan

            tell_plan(plan, quiet=quiet, verb="promote")
        else:
            _print(plan, quiet)
        return
    told = Told(log_format, quiet, wanted, base, fail_on)
    with told.console() as console:
        run = promote(both, select=select, exclude=exclude, listener=console.listen, **options)
    told.report(both.manifest, run)
    ctx.exit(told.status(run))


def _print(plan: Plan, quiet: bool) -> None:
    for warning in plan.warnings:
        click.echo(f"warning: {warning}", err=True)
    if quiet:
        return
    width = max([len(a.model) for a in plan.actions], default=0)
    for action in plan.actions:
        verb = "promote" if action.kind == "promote" else "–"
        click.echo(f"{verb:<9}{action.model:<{width}}  {action.reason}")
        for line in action.details if action.kind == "promote" else ():
            click.echo(f"         {line}")
    count = len(plan.work)
    click.echo(f"{count} of {len(plan.actions)} tables to promote" if count else "nothing to do")
