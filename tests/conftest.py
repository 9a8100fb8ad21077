"""Fixtures that many tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.durations import pytest_configure  # noqa: F401
from tests.families import FamilyProject, copy_of, family_project
from tests.synth import COPULA_PROJECT, Project, copied, make_project

# The same cases in every run, as a gate must not flake; HYPOTHESIS_PROFILE=search looks for new ones. How long a case
# takes depends on what else the machine does, and fails nothing.
for name, same in (("fixed", True), ("search", False)):
    settings.register_profile(name, derandomize=same, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """A project of two SQL models over one source: builds in about a second."""
    return make_project(tmp_path / "shop")


@pytest.fixture(scope="session")
def shop_built_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("built") / "shop")
    project.ok("build")
    return project


@pytest.fixture
def built_shop(shop_built_once: Project, tmp_path: Path) -> Project:
    """A copy of the shop as one build left it; built once in each process that runs tests."""
    return copied(shop_built_once, tmp_path / "shop")


@pytest.fixture
def shop_family(tmp_path: Path) -> Project:
    """Customers, their orders, the orders' lines, products: and a family of all four (tests/projects/shop_family)."""
    shutil.copytree(Path(__file__).parent / "projects" / "shop_family" / "project", tmp_path / "shop")
    return Project(tmp_path / "shop")


@pytest.fixture(scope="session")
def family_built_once(tmp_path_factory: pytest.TempPathFactory) -> FamilyProject:
    project = family_project(tmp_path_factory.mktemp("family") / "shop")
    project.ok("build")
    return project


@pytest.fixture
def built_family(family_built_once: FamilyProject, tmp_path: Path) -> FamilyProject:
    """A copy of the family, drawn by whole entities, as one build left it; built once as the shop is."""
    return copy_of(family_built_once, tmp_path / "shop")


@pytest.fixture
def copula_shop(tmp_path: Path) -> Project:
    """A project with a trained model and an SQL model downstream of it."""
    return make_project(tmp_path / "shop", COPULA_PROJECT)
