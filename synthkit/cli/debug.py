"""``synth debug``: is everything that a build needs there?"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synthkit import __version__
from synthkit.cli.common import load, project_options

if TYPE_CHECKING:
    from synthkit.project.project import Project
    from synthkit.project.types import SourceTableSpec

PACKAGES = ("sdv", "torch", "duckdb", "pyarrow", "pandas", "numpy", "scipy", "scikit-learn", "pydantic", "jinja2")
SCARCE = 2_000_000_000  # bytes of free disk below which a warning is due
Check = tuple[str, Callable[[], str]]


@click.command("debug")
@project_options
@click.pass_context
def command(ctx: click.Context, project_dir: Path | None, target: str | None, variables: str | None) -> None:
    """Check versions, device, project, targets, sources, lock and disk. Exits 1 if something is wrong."""
    click.echo(f"       synthkit {__version__}, Python {sys.version.split()[0]} at {sys.executable}")
    bad = sum(not _passes(*check) for check in _machine_checks())
    found: list[Project] = []

    def project() -> str:
        found.append(load(project_dir, target, variables))
        return _compiled(found[0])

    bad += not _passes("project", project)
    if found:
        bad += sum(not _passes(*check) for check in _project_checks(found[0]))
    if bad:
        click.echo(f"{bad} thing{'s' if bad > 1 else ''} to put right")
    ctx.exit(1 if bad else 0)


def _passes(name: str, check: Callable[[], str]) -> bool:
    """Run one check and print what came of it."""
    from synthkit.errors import ConfigurationError, SynthError

    try:
        click.echo(f"ok     {name}: {check()}")
    except ConfigurationError as error:
        click.echo(f"WRONG  {name}: {error.message}: synth compile lists them")
        return False
    except SynthError as error:
        click.echo(f"WRONG  {name}: {' '.join(str(error).split())}")
        return False
    except Exception as error:  # a driver that crashes is a finding too, and the other checks still run
        click.echo(f"WRONG  {name}: {type(error).__name__}: {' '.join(str(error).split())}")
        return False
    return True


def _machine_checks() -> Iterator[Check]:
    for package in PACKAGES:
        yield package, lambda package=package: _version(package)  # type: ignore[misc]
    yield "device", _device


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    from synthkit.errors import SynthError

    try:
        return version(package)
    except PackageNotFoundError:
        raise SynthError("not installed", hint=f"pip install {package}") from None


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"auto is cuda ({torch.cuda.get_device_name()})"
    return f"auto is cpu ({torch.get_num_threads()} threads)"


def _compiled(project: Project) -> str:
    from synthkit.compiler import compile_project

    manifest = compile_project(project)
    return f"{project.spec.name} in {project.root}, {len(manifest.models)} models, no faults"


def _project_checks(project: Project) -> Iterator[Check]:
    from dataclasses import replace

    for name, spec in project.spec.targets.items():
        there = replace(project, target_name=name, target=spec)
        yield f"target {name}", lambda there=there: _writable(there.warehouse_dir)  # type: ignore[misc]
    for source in project.sources:
        for table in source.tables:
            yield f"source {source.name}.{table.name}", lambda table=table: _source(project, table)  # type: ignore[misc]
    yield "lock", lambda: _lock(project)
    yield "disk", lambda: _disk(project.root)


def _writable(directory: Path) -> str:
    """Looks without leaving anything behind: no folder is made."""
    from synthkit.errors import SynthError

    standing = next(p for p in (directory, *directory.parents) if p.exists())
    if not standing.is_dir():
        raise SynthError(f"{standing} is a file where a folder should be", hint="move it out of the way")
    if not os.access(standing, os.W_OK | os.X_OK):
        raise SynthError(f"{standing} may not be written", hint="give yourself the right, or choose another target")
    return f"{directory} {'is writable' if standing == directory else 'can be made'}"


def _source(project: Project, table: SourceTableSpec) -> str:
    from synthkit.sources.describe import describe

    schema = describe(table, root=project.root, connections=project.spec.connections, cache=None)
    return f"{len(schema.columns)} columns"


def _lock(project: Project) -> str:
    from synthkit.store.lock import ProjectLock

    path = project.target_dir / "lock"
    holder = ProjectLock(path).holder() if path.exists() else None
    return "free" if holder is None else f"held by {holder}"


def _disk(root: Path) -> str:
    from synthkit.errors import SynthError

    free = shutil.disk_usage(root).free
    if free < SCARCE:
        raise SynthError(f"only {free / 1e9:.1f} GB free at {root}", hint="synth clean removes scratch")
    return f"{free / 1e9:,.0f} GB free"
