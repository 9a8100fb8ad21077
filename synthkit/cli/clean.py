"""``synth clean``: remove scratch."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import megabytes, place, project_dir_option


@click.command("clean")
@project_dir_option
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def command(project_dir: Path | None, dry_run: bool) -> None:
    """Remove target/: staged rows, trained models, split sources, logs. Published tables stay."""
    from synthkit.api.upkeep import clean

    found = clean(place(project_dir), dry_run=dry_run)
    verb = "would remove" if dry_run else "removed"
    if found is None:
        click.echo("nothing to clean")
    elif found.link:
        click.echo(f"{verb} the link {found.path}, not what it points to")
    else:
        click.echo(f"{verb} {found.path} ({megabytes(found.bytes)})")
