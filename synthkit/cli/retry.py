"""``synth retry``: what the last run did not bring to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from synthkit.cli.build import Told
from synthkit.cli.common import base_option, log_options, place, reader_options, report_option, runner_option
from synthkit.cli.reports import parse_reports


@click.command("retry")
@reader_options
@click.option("--threads", type=click.IntRange(min=1), envvar="SYNTH_THREADS", help="Models built at once.")
@runner_option
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
    from synthkit.api.project import retry, unfinished

    wanted = parse_reports(reports)
    asked = {name: options.pop(name) for name in ("threads", "runner")}
    left = unfinished(place(project_dir), target=target, **asked)
    for gone in left.gone:
        click.echo(f"warning: {gone!r} is not a model any more (or disabled), so it is not retried", err=True)
    if not left.models:
        click.echo(f"nothing to retry: the last {left.last.command}, {left.last.run_id}, left nothing undone")
        return
    told = Told(log_format, quiet, wanted, base)
    with told.console(left.manifest if left.last.command == "build" else None) as console:
        run = retry(left, listener=console.listen, **options)
    assert run is not None
    told.report(left.manifest, run)
    ctx.exit(told.status(run))
