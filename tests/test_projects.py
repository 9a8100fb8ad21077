"""Whole projects come to what is written down beside them: manifest, plan, results, receipts, rows, messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import differences, names, run


@pytest.mark.parametrize("name", names())
def test_a_project_comes_to_what_is_expected(name: str, tmp_path: Path) -> None:
    found = differences(name, run(name, tmp_path))
    text = "\n\n".join(found)
    again = f"python -m tests.golden --write {name}   # if that is meant; then read the diff"
    assert not found, f"{text}\n\n{again}"
