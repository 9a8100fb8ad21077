"""``synth build``: train, sample, audit, publish."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synthkit.api import project as api
from synthkit.cli.common import (
    base_option,
    build_options,
    compiled,
    fail_on_option,
    full_option,
    log_options,
    project_options,
    report_option,
    selection_options,
)
from synthkit.cli.reports import parse_reports, surroundings, write_reports

if TYPE_CHECKING:
    from synthkit.errors import Location
    from synthkit.planning.plan import Plan
    from synthkit.project.types import ModelSpec
    from synthkit.results import RunResults


@click.command("build")
@project_options
@selection_options
@build_options
@full_option
@fail_on_option
@click.option("--full-refresh", is_flag=True, help="Train again even where nothing changed.")
@click.option("--commit", is_flag=True, help="Commit receipts, pointers and the ledger to git.")
@click.option("-m", "--message", metavar="TEXT", help="Of that commit.")
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
    full: bool,
    full_refresh: bool,
    commit: bool,
    message: str | None,
    base: str | None,
    reports: tuple[str, ...],
    log_format: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Train, sample, audit and publish what changed. Exits 1 when an audit fails (see also --fail-on)."""
    if message is not None and not commit:
        raise click.UsageError("-m is the message of --commit")
    wanted = parse_reports(reports)
    given = {k: options[k] for k in ("threads", "seed", "device")}
    manifest = compiled(project_dir, target, variables, full=full, **given)
    if commit:
        _check_git(manifest.project.root)

    def make() -> Plan:
        return api.plan(manifest, select=select, exclude=exclude, full_refresh=full_refresh, state=state)

    asked = {"variables": variables, "seed": options["seed"], "device": options["device"], "full_refresh": full_refresh}
    run_plan(
        ctx,
        manifest,
        make,
        options,
        wanted,
        base,
        log_format,
        quiet,
        "build",
        asked,
        _committing(message) if commit else None,
    )


def run_plan(
    ctx: click.Context,
    manifest: Any,
    make: Callable[[], Plan],
    options: dict[str, Any],
    reports: Any,
    base: str | None,
    log_format: str,
    quiet: bool,
    verb: str,
    asked: dict[str, Any],
    after: Callable[[Any, RunResults], None] | None = None,
) -> None:
    """Run a plan under a console, write the reports, and exit with what it came to.

    Args:
        make: is called when no other build can change any more what it looks at.
        asked: what the command line gave, for a retry.
        after: is called with the manifest and the results.
    """
    from synthkit.building.build import Options
    from synthkit.report.console import make_console
    from synthkit.report.writing import of_run

    project = manifest.project
    settings = Options(project.threads, options["fail_fast"], options["lock_wait"], verb, asked=asked)
    with make_console(log_format, quiet, sys.stdout) as console:
        if verb == "build":
            for spec in manifest.disabled:
                console.left_out(spec.name, _why_disabled(project.root, spec))
        run = api.run(manifest, make, settings, console.listen)
    if reports:
        rendered = of_run(run, surroundings(project, run.run_id, base))
        write_reports(reports, rendered, aside=log_format == "json")
    if after is not None:
        after(manifest, run)
    unclear = options.get("fail_on") == "inconclusive" and run.untold > 0
    if unclear and not run.failed:
        click.echo(f"exit status 1: --fail-on inconclusive, and {run.untold} audits can't tell", err=True)
    ctx.exit(1 if run.failed or unclear else 0)


def _check_git(root: Path) -> None:
    """Raises SynthError, before anything is trained, where nothing can be committed."""
    from synthkit.errors import SynthError
    from synthkit.store.versions.gitdir import git_directory

    if git_directory(root) is None:
        raise SynthError(f"--commit: {root} is in no git repository", hint="git init, or build without --commit")


def _committing(message: str | None) -> Callable[[Any, RunResults], None]:
    def commit(manifest: Any, run: RunResults) -> None:
        from synthkit.store.published import commit_published
        from synthkit.store.warehouse import Warehouse

        if run.failed:
            click.echo("nothing was committed, as the build failed", err=True)
            return
        project = manifest.project
        published = [r.model for r in run.results if r.materialized != "ephemeral"]
        warehouse = Warehouse(project.warehouse_dir, project.database_path)
        sha = commit_published(project.root, warehouse, published, message, run.run_id)
        click.echo("nothing to commit" if sha is None else f"committed {sha[:10]}")

    return commit


def _why_disabled(root: Path, spec: ModelSpec) -> str:
    where = spec.origin.at("enabled")
    file = where.file.relative_to(root) if where.file.is_relative_to(root) else where.file
    return f"enabled is false at {file}:{where.line}{_condition(where)}"


def _condition(where: Location) -> str:
    """The template that decided it, as it is written: it names the variable that a user has to set."""
    try:
        line = where.file.read_text("utf-8").splitlines()[where.line - 1]
    except (OSError, IndexError):
        return ""
    found = re.search(r"\{\{.*?\}\}", line)
    return f", by {found.group()}" if found else ""
