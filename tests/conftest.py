"""Fixtures that many tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import COPULA_PROJECT, Project, make_project


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """A project of two SQL models over one source: builds in about a second."""
    return make_project(tmp_path / "shop")


@pytest.fixture
def copula_shop(tmp_path: Path) -> Project:
    """A project with a trained model and an SQL model downstream of it."""
    return make_project(tmp_path / "shop", COPULA_PROJECT)
