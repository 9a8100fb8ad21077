"""``synth audit``: judge again what is published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from synthkit.cli.build import Told
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
    from synthkit.api.project import audit

    wanted = parse_reports(reports)
    given = {k: options.pop(k) for k in ("threads", "seed", "device", "runner")}
    manifest = compiled(project_dir, target, variables, **given)
    told = Told(log_format, quiet, wanted, base, options.pop("fail_on"))
    with told.console() as console:
        run = audit(manifest, select=select, exclude=exclude, state=state, listener=console.listen, **options)
    told.report(manifest, run)
    ctx.exit(told.status(run))
