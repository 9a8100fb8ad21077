"""``synth debug``: is everything that a build needs there?"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synthkit.cli.common import load, project_options

if TYPE_CHECKING:
    from synthkit.project import Project

PACKAGES = ("sdv", "torch", "duckdb", "pyarrow", "pandas", "numpy", "scipy", "scikit-learn", "pydantic", "jinja2")
SCARCE = 2_000_000_000  # bytes of free disk below which a warning is due


@click.command("debug")
@project_options
@click.pass_context
def command(ctx: click.Context, project_dir: Path | None, target: str | None, variables: str | None) -> None:
    """Check versions, device, project, targets, sources, lock and disk. Exits 1 if something is wrong."""
    bad = 0

    def check(name: str, run: Callable[[], str]) -> None:
        nonlocal bad
        from synthkit.errors import SynthError

        try:
            click.echo(f"ok     {name}: {run()}")
        except (SynthError, OSError, ImportError) as error:
            bad += 1
            click.echo(f"WRONG  {name}: {' '.join(str(error).split())}")

    click.echo(f"       synthkit {_version('synthkit')}, Python {sys.version.split()[0]}")
    for package in PACKAGES:
        check(package, lambda package=package: _version(package))  # type: ignore[misc]
    check("device", _device)
    project = load(project_dir, target, variables)
    check("project", lambda: _project(project))
    for name, run in _project_checks(project):
        check(name, run)
    if bad:
        click.echo(f"{bad} thing{'s' if bad > 1 else ''} to put right")
    ctx.exit(1 if bad else 0)


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        raise ImportError(f"not installed: pip install {package}") from None


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()})"
    return f"cpu, {torch.get_num_threads()} threads"


def _project(project: Project) -> str:
    from synthkit.compiler import compile_project

    manifest = compile_project(project)
    return f"{project.spec.name} in {project.root}, {len(manifest.models)} models, no faults"


def _project_checks(project: Project) -> Iterator[tuple[str, Callable[[], str]]]:
    yield f"target {project.target_name}", lambda: _writable(project.warehouse_dir)
    for source in project.sources:
        for table in source.tables:
            yield f"source {source.name}.{table.name}", lambda table=table: _source(project, table)  # type: ignore[misc]
    yield "lock", lambda: _lock(project)
    yield "disk", lambda: _disk(project.root)


def _writable(directory: Path) -> str:
    from synthkit.files import explained, temporary_beside

    probe = temporary_beside(directory / "probe")
    with explained(directory):
        directory.mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
    return f"{directory} is writable"


def _source(project: Project, table: object) -> str:
    from synthkit.sources.describe import describe
    from synthkit.spec.types import SourceTableSpec

    assert isinstance(table, SourceTableSpec)
    schema = describe(table, root=project.root, connections=project.spec.connections, cache=None)
    return f"{len(schema.columns)} columns"


def _lock(project: Project) -> str:
    from synthkit.store.lock import ProjectLock

    path = project.target_dir / "lock"
    holder = ProjectLock(path).holder() if path.exists() else None
    return "free" if holder is None else f"held by {holder}"


def _disk(root: Path) -> str:
    free = shutil.disk_usage(root).free
    if free < SCARCE:
        raise OSError(f"only {free / 1e9:.1f} GB free at {root}")
    return f"{free / 1e9:,.0f} GB free"
