"""``synth build``: train, sample, audit, publish."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

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
from synthkit.cli.reports import parse_reports, write_reports

if TYPE_CHECKING:
    from synthkit.compiler import Manifest
    from synthkit.errors import Location
    from synthkit.project.types import ModelSpec
    from synthkit.report.console import BuildConsole
    from synthkit.report.writing import Report
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
    from synthkit.api.history import refuse_no_git
    from synthkit.api.project import build

    if message is not None and not commit:
        raise click.UsageError("-m is the message of --commit")
    wanted = parse_reports(reports)
    given = {k: options.pop(k) for k in ("threads", "seed", "device", "runner")}
    manifest = compiled(project_dir, target, variables, full=full, **given)
    if commit:
        refuse_no_git(manifest)
    told = Told(log_format, quiet, wanted, base, options.pop("fail_on"))
    chosen: dict[str, Any] = {"select": select, "exclude": exclude, "state": state, "full_refresh": full_refresh}
    with told.console(manifest) as console:
        run = build(manifest, listener=console.listen, **chosen, **options)
    told.report(manifest, run)
    if commit:
        _commit(manifest, run, message)
    ctx.exit(told.status(run))


@dataclass(frozen=True)
class Told:
    """How a run is told of while it goes on, and when it has ended."""

    log_format: str
    quiet: bool
    reports: tuple[Report, ...]
    base: str | None
    fail_on: tuple[str, ...] = ()

    @contextmanager
    def console(self, manifest: Manifest | None = None) -> Iterator[BuildConsole]:
        """``manifest``: whose disabled models are told of first."""
        from synthkit.report.console import make_console

        with make_console(self.log_format, self.quiet, sys.stdout) as console:
            for spec in manifest.disabled if manifest is not None else ():
                assert manifest is not None
                console.left_out(spec.name, _why_disabled(manifest.project.root, spec))
            yield console

    def report(self, manifest: Manifest, run: RunResults) -> None:
        from synthkit.api.pages import report

        if self.reports:
            rendered = report(manifest, results=run, base=self.base)
            write_reports(self.reports, rendered, aside=self.log_format == "json")

    def status(self, run: RunResults) -> int:
        """The exit status."""
        objections = list(self._objections(run))
        if not run.failed:
            for objection in objections:
                click.echo(f"exit status 1: {objection}", err=True)
        return 1 if run.failed or objections else 0

    def _objections(self, run: RunResults) -> Iterator[str]:
        """What the command line takes for a failure although every table passed."""
        if "inconclusive" in self.fail_on and run.untold > 0:
            yield f"--fail-on inconclusive, and {run.untold} audits can't tell"
        if "made_up" in self.fail_on and any(r.made_up for r in run.results):
            named = "; ".join(f"{r.model}: {', '.join(r.made_up)}" for r in run.results if r.made_up)
            yield f"--fail-on made_up, and columns are made up: {named}"


def _commit(manifest: Manifest, run: RunResults, message: str | None) -> None:
    from synthkit.api.history import commit

    if run.failed:
        click.echo("nothing was committed, as the build failed", err=True)
        return
    sha = commit(manifest, run, message)
    click.echo("nothing to commit" if sha is None else f"committed {sha[:10]}")


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
