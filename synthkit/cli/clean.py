"""``synth clean``: remove scratch."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import click

from synthkit.cli.common import project_dir_option, project_root


@click.command("clean")
@project_dir_option
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def command(project_dir: Path | None, dry_run: bool) -> None:
    """Remove target/: staged rows, trained models, split sources, logs. Published tables stay."""
    from synthkit.store.lock import ProjectLock

    scratch = project_root(project_dir) / "target"
    if not scratch.is_dir():
        click.echo("nothing to clean")
        return
    if scratch.is_symlink():
        if not dry_run:
            scratch.unlink()
        click.echo(f"{'would remove' if dry_run else 'removed'} the link {scratch}, not what it points to")
        return
    size = sum(p.lstat().st_size for p in scratch.rglob("*") if not p.is_dir())
    if dry_run:
        click.echo(f"would remove {scratch} ({_megabytes(size)})")
        return
    own = scratch / "lock"
    with ExitStack() as locks:
        for lock in (own, *sorted(scratch.glob("targets/*/lock"))):  # each target may be building
            locks.enter_context(ProjectLock(lock).held())
        for entry in scratch.iterdir():
            if entry != own:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    click.echo(f"removed {scratch} ({_megabytes(size)})")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
