"""Packages of macros and SQL audits, installed from Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.project.project import find_project_root

if TYPE_CHECKING:
    from synthkit.packages.install import Installed


def deps(project: str | Path = ".", *, locked: bool = False) -> tuple[Installed, ...]:
    """Install the packages that a project's ``packages.yml`` asks for; see ``docs/packages.md``.

    Args:
        project: its folder, or one inside it.
        locked: raise where ``package-lock.yml`` would have to change, as in CI.

    Returns:
        Each package with ``.name``, ``.source``, ``.revision``, ``.sha256``, what was done with it (``.change``), and
        what else it has that nobody takes (``.left``).

    Raises:
        SynthError: a package cannot be had, is pinned to no commit, is none, or is not what was locked.
    """
    from synthkit.packages.install import install

    return install(find_project_root(Path(project)), locked=locked)
