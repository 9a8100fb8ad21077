"""``synth gc``: remove what nothing needs any more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import click

from synthkit.cli.common import compiled, megabytes, project_options

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@click.command("gc")
@project_options
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Of each table's committed versions, the last N.")
@click.option("--older-than", "age", metavar="30d", help="Only versions older than this: 12h, 30d, 8w.")
@click.option("--removed", is_flag=True, help="Also published tables that no model makes any more.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def command(
    project_dir: Path | None,
    target: str | None,
    variables: str | None,
    keep: int | None,
    age: str | None,
    removed: bool,
    dry_run: bool,
) -> None:
    """Remove caches, staged rows and temporaries that no model of today uses, and old versions from DVC's cache.

    Without --keep and --older-than every version stays that a commit names. With them, older ones go, too; never what
    is published now, or at the head of a branch or a tag. What was pushed to a remote can be pulled again.

    With --removed, tables whose model was renamed, removed or made ephemeral are withdrawn: receipt, pointer, Parquet,
    and from the DuckDB file. Their committed versions stay as those of other tables do.
    """
    from synthkit.api.upkeep import gc

    seconds = None if age is None else parse_age(age)
    manifest = compiled(project_dir, target, variables, reads="either")
    found = gc(manifest, keep=keep, older_than=seconds, removed=removed, dry_run=dry_run)
    for warning in found.warnings:
        click.echo(warning, err=True)
    for note in found.notes:
        click.echo(note)
    _tell(found.sizes, dry_run)


def parse_age(text: str) -> float:
    """``30d`` in seconds. Raises click.BadParameter."""
    found = re.fullmatch(r"(\d+)\s*([mhdw])", text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is no age: write 12h, 30d or 8w", param_hint="--older-than")
    return float(found[1]) * _UNITS[found[2]]


def _tell(sizes: Mapping[str, int], dry_run: bool) -> None:
    if not sizes:
        click.echo("nothing to remove")
        return
    width = max(len(kind) for kind in sizes)
    for kind, size in sizes.items():
        click.echo(f"{kind:<{width}}  {megabytes(size):>12}")
    click.echo(f"{'would remove' if dry_run else 'removed'} {megabytes(sum(sizes.values()))}")
