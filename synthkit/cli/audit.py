"""``synth audit``: judge again what is published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synthkit.api.project import last_results
from synthkit.cli.build import run_plan
from synthkit.cli.common import (
    base_option,
    build_options,
    compiled,
    fail_on_option,
    log_options,
    project_options,
    report_option,
    selection_options,
)
from synthkit.cli.reports import parse_reports

if TYPE_CHECKING:
    from synthkit.planning.plan import Plan


@click.command("audit")
@project_options
@selection_options
@build_options
@fail_on_option
@base_option
@report_option
@log_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    project_dir: Path | None,
    target: str | None,
    variables: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    state: Path | None,
    base: str | None,
    reports: tuple[str, ...],
    log_format: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Audit the published tables again, under today's thresholds. Nothing is trained or drawn."""
    from synthkit.planning.plan import make_audit_plan

    wanted = parse_reports(reports)
    given = {k: options[k] for k in ("threads", "seed", "device")}
    manifest = compiled(project_dir, target, variables, **given)

    def make() -> Plan:
        results = last_results(manifest.project)
        return make_audit_plan(manifest, select=select, exclude=exclude, results=results, state=state)

    asked = {"variables": variables, "seed": options["seed"], "device": options["device"]}
    run_plan(ctx, manifest, make, options, wanted, base, log_format, quiet, "audit", asked)
