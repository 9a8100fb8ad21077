"""``synth pull``: bring published tables from a DVC remote."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import place, project_options


@click.command("pull")
@click.argument("models", nargs=-1)
@project_options
@click.option("--remote", help="Of DVC (default: its default remote).")
def command(
    models: tuple[str, ...], project_dir: Path | None, target: str | None, remote: str | None, variables: str | None
) -> None:
    """Bring the tables whose receipts git has from a DVC remote, and make the DuckDB file."""
    from synthkit.api.history import pull
    from synthkit.api.project import variables as parsed

    found = pull(models, place(project_dir), target=target, vars=parsed(variables), remote=remote)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{found.brought} of {found.tables} tables were missing and are here now")
