"""``synth verify``: is what is committed what the YAML says, and may it be merged?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from synthkit.cli.common import base_option, log_options, place, project_options, report_option


@click.command("verify")
@project_options
@base_option
@click.option("--full", is_flag=True, help="Hash the Parquet files; else their sizes decide.")
@click.option("--allow-breaking", is_flag=True, help="Columns that readers lose are meant: warn only.")
@click.option("--require-signature", is_flag=True, help="Each receipt must be signed by an allowed signer.")
@report_option
@log_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    project_dir: Path | None,
    target: str | None,
    variables: str | None,
    base: str | None,
    full: bool,
    allow_breaking: bool,
    require_signature: bool,
    reports: tuple[str, ...],
    log_format: str,
    quiet: bool,
) -> None:
    """Check what is committed: receipts against the YAML, data against receipts, audits, ledger, contracts.

    Reads no source and runs nothing, so it works wherever the repository is. Exits 1 where something must not be
    merged.
    """
    from synthkit.api.checks import verify
    from synthkit.api.project import address_of, find
    from synthkit.api.project import variables as parsed
    from synthkit.cli.reports import parse_reports, write_reports
    from synthkit.report.around import host
    from synthkit.report.findings import json_lines, render_findings
    from synthkit.report.style import wants_colour
    from synthkit.report.writing import of_review

    wanted = parse_reports(reports)
    address = None if project_dir is None else address_of(project_dir)
    root = find(place(project_dir)) if address is None else Path()
    found = verify(
        root if address is None else address,
        base=base,
        full=full,
        allow_breaking=allow_breaking,
        require_signature=require_signature,
        values=bool(wanted),
        target=target,
        vars=parsed(variables),
    )
    if log_format == "json":
        for line in json_lines(found, quiet=quiet):
            click.echo(line)
    elif text := render_findings(found, root, color=wants_colour(sys.stdout), quiet=quiet):
        click.echo(text)
    if address is not None:
        click.echo("note: the YAML, the ledger and the signers are the project's: not checked", err=True)
    if wanted:
        write_reports(wanted, of_review(found, host(root)), aside=log_format == "json")
    ctx.exit(1 if found.failed else 0)
