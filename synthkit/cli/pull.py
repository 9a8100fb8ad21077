"""``synth pull``: bring published tables from a DVC remote."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import compiled, kept_versions, project_options


@click.command("pull")
@click.argument("models", nargs=-1)
@project_options
@click.option("--remote", help="Of DVC (default: its default remote).")
def command(
    models: tuple[str, ...], project_dir: Path | None, target: str | None, remote: str | None, variables: str | None
) -> None:
    """Bring the tables whose receipts git has from a DVC remote, and make the DuckDB file."""
    from synthkit.publishing import refresh_database

    kept = kept_versions(project_dir, target)
    names = list(models) or kept.warehouse.names()
    brought = kept.pull(names, remote)
    for warning in refresh_database(compiled(project_dir, target, variables)):
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{brought} of {len(names)} tables were missing and are here now")
