"""``synth pull``: bring published tables from a DVC remote."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import compiled, kept_versions, load, project_options


@click.command("pull")
@click.argument("models", nargs=-1)
@project_options
@click.option("--remote", help="Of DVC (default: its default remote).")
def command(
    models: tuple[str, ...], project_dir: Path | None, target: str | None, remote: str | None, variables: str | None
) -> None:
    """Bring the tables whose receipts git has from a DVC remote, and make the DuckDB file."""
    from synthkit.building.publish import refresh_database, refresh_from_receipts
    from synthkit.errors import ConfigurationError

    project = load(project_dir, target, variables)
    kept = kept_versions(project_dir, target)
    names = list(models) or kept.warehouse.names()
    brought = kept.pull(names, remote)
    try:
        warnings = refresh_database(compiled(project_dir, target, variables, reads="receipts"))
    except ConfigurationError as error:  # the tables are here all the same
        warnings = [f"{error.message}: synth compile lists them; tables are described as their receipts have it"]
        warnings += refresh_from_receipts(project, {})
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{brought} of {len(names)} tables were missing and are here now")
