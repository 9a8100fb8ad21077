"""The benchmark of families says what it lacks where the scorer is not beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import relations


def test_without_the_scorer_it_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(relations, "SHARED", tmp_path / "shared")
    monkeypatch.setattr("sys.argv", ["benchmarks", "relations"])
    relations.main()
    assert capsys.readouterr().out.startswith("skipped: there is no shared/score beside the checkout")
