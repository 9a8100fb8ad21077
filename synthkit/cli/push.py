"""``synth push``: copy published tables to a DVC remote."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import kept_versions, reader_options


@click.command("push")
@click.argument("models", nargs=-1)
@reader_options
@click.option("--remote", help="Of DVC (default: its default remote).")
@click.option("--all-versions", is_flag=True, help="Also what older commits published.")
def command(
    models: tuple[str, ...], project_dir: Path | None, target: str | None, remote: str | None, all_versions: bool
) -> None:
    """Copy published tables to a DVC remote."""
    kept = kept_versions(project_dir, target)
    objects = kept.objects(list(models) or kept.warehouse.names(), all_versions=all_versions)
    wanted = [md5 for each in objects.values() for md5 in each]
    sent = kept.repository.push(wanted, remote)
    click.echo(f"{len(set(wanted))} files of {len(objects)} tables are on the remote, {sent} of them new")
