"""Columns that jobs have surveyed are put together, however many they are."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from synthkit.generators import survey
from synthkit.generators.cart.params import CartParams
from tests.generators.tables import table_of


def test_more_columns_than_a_process_may_hold_files_are_not_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns, room = 40, 20
    values = np.random.default_rng(0).integers(0, 9, (columns, 50))
    table = table_of(tmp_path, {f"c{i}": ("integer", pa.array(values[i])) for i in range(columns)})
    folder = tmp_path / "surveys"
    folder.mkdir()
    for column in range(columns):
        survey.survey(table, CartParams(), column, seed=0, directory=folder)
    expected = survey.encoded(table, CartParams(), 0, None)[1]
    monkeypatch.setattr(survey, "_look", lambda *_: pytest.fail("what is surveyed was looked at again"))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + room, before[1]))
    try:
        assert (survey.surveyed(table, CartParams(), 0, folder)[1] == expected).all()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
