"""``synth gc``: remove what nothing needs any more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synthkit.cli.common import compiled, megabytes, project_options

if TYPE_CHECKING:
    from synthkit.compiler import Manifest
    from synthkit.gc.old import Retention
    from synthkit.gc.scratch import Unused

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
    from synthkit.gc.old import Retention
    from synthkit.store.lock import every_target

    rule = Retention(keep, None if age is None else parse_age(age))
    manifest = compiled(project_dir, target, variables, reads="either")
    with every_target(manifest.project.root / "target"):
        sizes = _withdrawn(manifest, dry_run) if removed else {}
        sizes |= _scratch(manifest, dry_run)
        sizes |= _versions(manifest, rule, dry_run)
    _tell(sizes, dry_run)


def parse_age(text: str) -> float:
    """``30d`` in seconds. Raises click.BadParameter."""
    found = re.fullmatch(r"(\d+)\s*([mhdw])", text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is no age: write 12h, 30d or 8w", param_hint="--older-than")
    return float(found[1]) * _UNITS[found[2]]


def _withdrawn(manifest: Manifest, dry_run: bool) -> dict[str, int]:
    """Tables that no model makes any more, of the manifest's target."""
    from synthkit.building.publish import refresh_database
    from synthkit.files import bytes_of
    from synthkit.store.published import pointer_path
    from synthkit.store.unclaimed import unclaimed_tables
    from synthkit.store.warehouse import Warehouse

    project = manifest.project
    warehouse = Warehouse(project.warehouse_dir, project.database_path)
    sizes: dict[str, int] = {}
    for name in unclaimed_tables(manifest):
        folder = warehouse.directory / name
        sizes[f"table {name}"] = bytes_of(folder) if folder.is_dir() else 0
        if not dry_run:
            warehouse.remove(name)
            pointer_path(warehouse, name).unlink(missing_ok=True)
    if sizes and not dry_run:
        for warning in refresh_database(manifest):
            click.echo(f"warning: {warning}", err=True)
    return sizes


def _scratch(manifest: Manifest, dry_run: bool) -> dict[str, int]:
    from synthkit.errors import SynthError
    from synthkit.files import bytes_of, remove
    from synthkit.gc.scratch import temporaries, unused_scratch

    found: tuple[Unused, ...] = temporaries(manifest)
    try:
        found += unused_scratch(manifest)
    except SynthError as error:
        click.echo(f"caches and staged rows stay, as it is not known which are of today: {error.message}", err=True)
    sizes: dict[str, int] = {}
    for one in found:
        sizes[one.kind] = sizes.get(one.kind, 0) + bytes_of(one.path)
        if not dry_run:
            remove(one.path)
    return sizes


def _versions(manifest: Manifest, rule: Retention, dry_run: bool) -> Mapping[str, int]:
    from synthkit.gc.old import unused_versions
    from synthkit.store.versions.repository import find_repository

    project = manifest.project
    repository = find_repository(project.warehouse_dir.resolve())
    if isinstance(repository, str):
        click.echo(repository)
        return {}
    if repository.shares_its_cache:
        click.echo("DVC's cache lies outside this repository, so others may use it: old versions stay in it")
        return {}
    unused = unused_versions(repository, project.root, rule)
    if unused and not dry_run:
        repository.keep_only(repository.stored().keys() - unused.keys())
    return {"old versions": sum(unused.values())} if unused else {}


def _tell(sizes: Mapping[str, int], dry_run: bool) -> None:
    if not sizes:
        click.echo("nothing to remove")
        return
    width = max(len(kind) for kind in sizes)
    for kind, size in sizes.items():
        click.echo(f"{kind:<{width}}  {megabytes(size):>12}")
    click.echo(f"{'would remove' if dry_run else 'removed'} {megabytes(sum(sizes.values()))}")
