"""``synth clean``: remove scratch."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from synthkit.cli.common import project_options


@click.command("clean")
@project_options
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def command(project_dir: Path | None, target: str | None, variables: str | None, dry_run: bool) -> None:
    """Remove target/: staged rows, trained models, split sources, logs. Published tables stay."""
    del target, variables
    from synthkit.project import find_project_root
    from synthkit.store.lock import ProjectLock

    root = find_project_root(project_dir or Path.cwd())
    scratch = root / "target"
    if not scratch.is_dir():
        click.echo("nothing to clean")
        return
    size = sum(p.stat().st_size for p in scratch.rglob("*") if p.is_file())
    if dry_run:
        click.echo(f"would remove {scratch} ({_megabytes(size)})")
        return
    if scratch.is_symlink():
        scratch.unlink()
        click.echo(f"removed the link {scratch}, not what it points to")
        return
    with ProjectLock(scratch / "lock").held():
        for entry in scratch.iterdir():
            if entry.name != "lock":
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    click.echo(f"removed {scratch} ({_megabytes(size)})")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
