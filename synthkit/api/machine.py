"""Is everything that a build needs there? Checks of the machine and of one project, each by itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.api.project import load
from synthkit.errors import ConfigurationError, SynthError, install
from synthkit.extras import BRINGS, TRAIN, absent, installed
from synthkit.planning.fingerprint import ABSENT, package_version

if TYPE_CHECKING:
    from synthkit.project.project import Project
    from synthkit.project.types import SourceTableSpec

PACKAGES = ("duckdb", "pyarrow", "pydantic", "jinja2")
LEARNING = ("torch", "numpy", "scipy", "scikit-learn", "pandas")  # whose versions decide rows, where they are there
SCARCE = 2_000_000_000  # bytes of free disk below which a warning is due


@dataclass(frozen=True)
class Check:
    """One thing that a build needs: whether it is there, and what was found or is wrong."""

    name: str
    good: bool
    found: str


def debug(
    project: str | Path = ".", *, target: str | None = None, vars: Mapping[str, object] | None = None
) -> Iterator[Check]:
    """Check versions, device, project, targets, sources, lock and disk, one after the other. Raises nothing."""
    for package in (*PACKAGES, *(p for p in LEARNING if package_version(p) != ABSENT)):
        yield _checked(package, lambda package=package: _version(package))  # type: ignore[misc]
    yield Check("extras", True, _extras())
    yield _checked("device", _device)
    found: list[Project] = []

    def compiles() -> str:
        found.append(load(project, target=target, vars=vars))
        return _compiled(found[0])

    yield _checked("project", compiles)
    if found:
        yield from _project_checks(found[0])


def _checked(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except ConfigurationError as error:
        return Check(name, False, f"{error.message}: synth compile lists them")
    except SynthError as error:
        return Check(name, False, " ".join(str(error).split()))
    except Exception as error:  # a driver that crashes is a finding too, and the other checks still run
        return Check(name, False, f"{type(error).__name__}: {' '.join(str(error).split())}")


def _version(package: str) -> str:
    found = package_version(package)
    if found == ABSENT:
        raise SynthError("not installed", hint=f"pip install {package}")
    return found


def _extras() -> str:
    here = [extra for extra in BRINGS if absent(extra, extra) is None]
    return ", ".join(here) or f"none: what builds comes by {install(TRAIN)}"


def _to_build(project: Project) -> str:
    from synthkit.compiler import compile_project
    from synthkit.planning.needs import lacking

    manifest = compile_project(project)
    for fault in lacking(manifest, dict.fromkeys(manifest.models, True)):
        raise SynthError(fault.message, fault.where, fault.hint)
    return "all is installed"


def _device() -> str:
    if not installed("torch"):
        return "not known, as torch is not installed"
    import torch

    if torch.cuda.is_available():
        return f"auto is cuda ({torch.cuda.get_device_name()})"
    return f"auto is cpu ({torch.get_num_threads()} threads)"


def _compiled(project: Project) -> str:
    from synthkit.compiler import compile_project

    manifest = compile_project(project)
    return f"{project.spec.name} in {project.root}, {len(manifest.models)} models, no faults"


def _project_checks(project: Project) -> Iterator[Check]:
    for name, spec in project.spec.targets.items():
        there = replace(project, target_name=name, target=spec)
        yield _checked(f"target {name}", lambda there=there: _ready(there))  # type: ignore[misc]
    for source in project.sources:
        for table in source.tables:
            name = f"source {source.name}.{table.name}"
            yield _checked(name, lambda table=table: _source(project, table))  # type: ignore[misc]
    yield _checked("to build", lambda: _to_build(project))
    yield _checked("lock", lambda: _lock(project))
    yield _checked("disk", lambda: _disk(project.root))


def _ready(project: Project) -> str:
    from synthkit.store.targets import target_of

    return target_of(project).ready()


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
    free = shutil.disk_usage(root).free
    if free < SCARCE:
        raise SynthError(f"only {free / 1e9:.1f} GB free at {root}", hint="synth clean removes scratch")
    return f"{free / 1e9:,.0f} GB free"
