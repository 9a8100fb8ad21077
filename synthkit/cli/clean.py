"""``synth clean``: remove scratch."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import megabytes, project_dir_option, project_root


@click.command("clean")
@project_dir_option
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def command(project_dir: Path | None, dry_run: bool) -> None:
    """Remove target/: staged rows, trained models, split sources, logs. Published tables stay."""
    from synthkit.files import bytes_of, remove
    from synthkit.project.containment import refuse_links_out
    from synthkit.store.lock import every_target

    scratch = project_root(project_dir) / "target"
    if not scratch.is_dir():
        click.echo("nothing to clean")
        return
    if scratch.is_symlink():
        if not dry_run:
            scratch.unlink()
        click.echo(f"{'would remove' if dry_run else 'removed'} the link {scratch}, not what it points to")
        return
    refuse_links_out([scratch], scratch.parent)
    size = bytes_of(scratch)
    if dry_run:
        click.echo(f"would remove {scratch} ({megabytes(size)})")
        return
    with every_target(scratch):
        for entry in scratch.iterdir():
            if entry != scratch / "lock":
                remove(entry)
    click.echo(f"removed {scratch} ({megabytes(size)})")
