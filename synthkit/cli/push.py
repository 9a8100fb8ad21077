"""``synth push``: copy published tables to a DVC remote."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import place, reader_options


@click.command("push")
@click.argument("models", nargs=-1)
@reader_options
@click.option("--remote", help="Of DVC (default: its default remote).")
@click.option("--all-versions", is_flag=True, help="Also what older commits published.")
def command(
    models: tuple[str, ...], project_dir: Path | None, target: str | None, remote: str | None, all_versions: bool
) -> None:
    """Copy published tables to a DVC remote."""
    from synthkit.api.history import push

    found = push(models, place(project_dir), target=target, remote=remote, all_versions=all_versions)
    click.echo(f"{found.files} files of {found.tables} tables are on the remote, {found.sent} of them new")
