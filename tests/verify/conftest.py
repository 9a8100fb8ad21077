"""The committed project, a fresh copy for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.verify.shop import OPEN_FILES, Shop, build_shop


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return build_shop(tmp_path_factory.mktemp("built") / "shop")


@pytest.fixture
def shop(built: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(built.root, tmp_path / "shop")
    return Shop(tmp_path / "shop")


@pytest.fixture(scope="session")
def built_open(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return build_shop(tmp_path_factory.mktemp("built_open") / "shop", OPEN_FILES)


@pytest.fixture
def open_shop(built_open: Shop, tmp_path: Path) -> Shop:
    """The project without a budget: its receipts hold their figures."""
    shutil.copytree(built_open.root, tmp_path / "open_shop")
    return Shop(tmp_path / "open_shop")


@pytest.fixture
def whole_shop(shop: Shop, built: Shop) -> Shop:
    """The same with the private data beside it, so that it can be built."""
    shutil.copytree(built.root.parent / "data", shop.root / "data")
    return shop
