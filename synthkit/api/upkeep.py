"""What nothing needs any more, from Python: scratch, caches, old versions, tables that no model makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.api.project import compiled
from synthkit.errors import SynthError

if TYPE_CHECKING:
    from synthkit.compiler import Manifest
    from synthkit.gc.old import Retention
    from synthkit.gc.scratch import Unused


@dataclass(frozen=True)
class Removed:
    """What was removed, or would be: kind → bytes. ``notes`` say what stays and why, ``warnings`` what went wrong."""

    sizes: Mapping[str, int]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def gc(
    project: str | Path | Manifest = ".",
    *,
    keep: int | None = None,
    older_than: float | None = None,
    removed: bool = False,
    dry_run: bool = False,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
) -> Removed:
    """Remove caches, staged rows and temporaries that no model of today uses, and old versions from DVC's cache.

    Without ``keep`` and ``older_than`` every version stays that a commit names. With them, older ones go, too; never
    what is published now, or at the head of a branch or a tag.

    Args:
        keep: of each table's committed versions, so many of the last.
        older_than: seconds: only versions older than this.
        removed: also withdraw published tables that no model makes any more.
        dry_run: only find what would go.

    Raises:
        ConfigurationError: the project has faults.
        SynthError: something is being built; or DVC cannot say what is used.
    """
    from synthkit.gc.old import Retention
    from synthkit.store.lock import every_target

    manifest = compiled(project, target=target, vars=vars, reads="either")
    sizes: dict[str, int] = {}
    notes: list[str] = []
    warnings: list[str] = []
    with every_target(manifest.project.root / "target"):
        if removed:
            sizes |= _withdrawn(manifest, dry_run, warnings)
        sizes |= _scratch(manifest, dry_run, warnings)
        sizes |= _versions(manifest, Retention(keep, older_than), dry_run, notes)
    return Removed(sizes, tuple(notes), tuple(warnings))


def _withdrawn(manifest: Manifest, dry_run: bool, warnings: list[str]) -> dict[str, int]:
    """Tables that no model makes any more, of the manifest's target."""
    from synthkit.building.publish import refresh_database
    from synthkit.store.targets import target_of
    from synthkit.store.unclaimed import unclaimed_tables

    target = target_of(manifest.project)
    sizes: dict[str, int] = {}
    for name in unclaimed_tables(manifest):
        sizes[f"table {name}"] = target.size(name)
        if not dry_run:
            target.remove(name)
    if sizes and not dry_run:
        warnings += [f"warning: {warning}" for warning in refresh_database(manifest)]
    return sizes


def _scratch(manifest: Manifest, dry_run: bool, warnings: list[str]) -> dict[str, int]:
    from synthkit.files import bytes_of, remove
    from synthkit.gc.scratch import temporaries, unused_scratch

    found: tuple[Unused, ...] = temporaries(manifest)
    try:
        found += unused_scratch(manifest)
    except SynthError as error:
        warnings.append(f"caches and staged rows stay, as it is not known which are of today: {error.message}")
    sizes: dict[str, int] = {}
    for one in found:
        sizes[one.kind] = sizes.get(one.kind, 0) + bytes_of(one.path)
        if not dry_run:
            remove(one.path)
    return sizes


def _versions(manifest: Manifest, rule: Retention, dry_run: bool, notes: list[str]) -> dict[str, int]:
    from synthkit.gc.old import unused_versions
    from synthkit.store.targets import target_of
    from synthkit.store.versions.repository import find_repository

    project = manifest.project
    own = target_of(project).collect(rule.keep, rule.seconds, dry_run=dry_run)
    if own is not None:
        return dict(own)
    repository = target_of(project).unversioned() or find_repository(project.warehouse_dir.resolve())
    if isinstance(repository, str):
        notes.append(repository)
        return {}
    if repository.shares_its_cache:
        notes.append("DVC's cache lies outside this repository, so others may use it: old versions stay in it")
        return {}
    unused = unused_versions(repository, project.root, rule)
    if unused and not dry_run:
        repository.keep_only(repository.stored().keys() - unused.keys())
    return {"old versions": sum(unused.values())} if unused else {}


@dataclass(frozen=True)
class Cleaned:
    """The project's scratch folder, its size in bytes, and whether it is a link, which alone is removed then."""

    path: Path
    bytes: int
    link: bool = False


def clean(project: str | Path = ".", *, dry_run: bool = False) -> Cleaned | None:
    """Remove ``target/``: staged rows, trained models, split sources, logs. Published tables stay.

    Returns None where there is nothing to remove.

    Raises:
        SynthError: something is being built; or a link below it leads out of the project.
    """
    from synthkit.files import bytes_of, remove
    from synthkit.project.containment import refuse_links_out
    from synthkit.project.project import find_project_root
    from synthkit.store.lock import every_target

    scratch = find_project_root(Path(project)) / "target"
    if not scratch.is_dir():
        return None
    if scratch.is_symlink():
        if not dry_run:
            scratch.unlink()
        return Cleaned(scratch, 0, link=True)
    refuse_links_out([scratch], scratch.parent)
    found = Cleaned(scratch, bytes_of(scratch))
    if not dry_run:
        with every_target(scratch):
            for entry in scratch.iterdir():
                if entry != scratch / "lock":
                    remove(entry)
    return found
