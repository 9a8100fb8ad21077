"""``synth retry``: what the last run did not bring to its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synthkit.cli.build import run_plan
from synthkit.cli.common import base_option, compiled, log_options, project_root, reader_options, report_option
from synthkit.cli.reports import parse_reports

if TYPE_CHECKING:
    from synthkit.planning.plan import Plan


@click.command("retry")
@reader_options
@click.option("--threads", type=click.IntRange(min=1), envvar="SYNTH_THREADS", help="Models built at once.")
@click.option("--fail-fast", is_flag=True, envvar="SYNTH_FAIL_FAST", help="Stop at the first failure.")
@click.option(
    "--lock-wait",
    type=click.FloatRange(min=0),
    default=0.0,
    envvar="SYNTH_LOCK_WAIT",
    help="Seconds to wait for another build to end.",
)
@base_option
@report_option
@log_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    project_dir: Path | None,
    target: str | None,
    base: str | None,
    reports: tuple[str, ...],
    log_format: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Build what failed, was skipped or was never reached in the last run, also one that was killed.

    Target, --vars, --seed, --device and --full-refresh are that run's. What was trained or staged is not made again.
    """
    from synthkit.building.invocation import last_invocation, unfinished
    from synthkit.planning.plan import make_audit_plan, make_plan
    from synthkit.store.warehouse import Warehouse

    wanted = parse_reports(reports)
    last = last_invocation(project_root(project_dir), target)
    given = {"threads": options["threads"], "seed": last.seed, "device": last.device}
    manifest = compiled(project_dir, last.target, last.variables, **given)
    project = manifest.project
    left = unfinished(last, project.target_dir, Warehouse(project.warehouse_dir, project.database_path))
    models = [m for m in left if m in manifest.models]
    for gone in (m for m in left if m not in manifest.models):
        click.echo(f"warning: {gone!r} is not a model any more (or disabled), so it is not retried", err=True)
    if not models:
        click.echo(f"nothing to retry: the last {last.command}, {last.run_id}, left nothing undone")
        return

    def make() -> Plan:
        if last.command == "audit":
            return make_audit_plan(manifest, select=models)
        return make_plan(manifest, select=models, full_refresh=last.full_refresh)

    asked = {"variables": last.variables, "seed": last.seed, "device": last.device, "full_refresh": last.full_refresh}
    run_plan(ctx, manifest, make, options, wanted, base, log_format, quiet, last.command, asked)
