"""``synth audit``: judge again what is published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from synthkit.cli.build import parse_report, run_plan
from synthkit.cli.common import build_options, compiled, last_results, log_options, project_options, selection_options


@click.command("audit")
@project_options
@selection_options
@build_options
@click.option(
    "--report", "reports", multiple=True, metavar="FORMAT=PATH", help="Also write a report: markdown=…, junit=…."
)
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
    reports: tuple[str, ...],
    log_format: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Audit the published tables again, under today's thresholds. Nothing is trained or drawn."""
    from synthkit.plan import make_audit_plan

    writers = [parse_report(r) for r in reports]
    given = {k: options[k] for k in ("threads", "seed", "device")}
    manifest = compiled(project_dir, target, variables, **given)
    plan = make_audit_plan(manifest, select=select, exclude=exclude, results=last_results(manifest.project))
    run_plan(ctx, manifest, plan, options, writers, log_format, quiet, "audit")
