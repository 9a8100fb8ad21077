from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from synthkit.llm import retrying
from synthkit.llm.kept import RequestStore
from tests.llm.standin import Standin


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key of the provider's")
    monkeypatch.setenv("ANTHROPIC_API_KEY_127_0_0_1", "test-key")
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.01)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RequestStore]:
    with RequestStore(tmp_path / "kept") as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running
