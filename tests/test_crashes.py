"""Builds killed at any moment: no torn or unaudited table, no lost or doubled charge, recovery, and readers unharmed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.crashes import crashes, random_moments, reading, run

KILLS = 9


@pytest.mark.slow
def test_a_killed_build_of_a_private_table_can_be_ended_by_another(tmp_path: Path) -> None:
    with crashes(tmp_path) as over:
        over.next_turn()
        started = time.monotonic()
        whole = over.build()
        seconds = time.monotonic() - started
        assert whole.code == 0, whole.text
        assert len(whole.distinct) >= 35  # a build of this project touches files in that many places at least
        with reading(over.project.root) as reader:
            faults = run(over, random_moments(len(whole.steps), seconds, KILLS, seed=6))
        assert not faults, "\n\n".join(faults)
        assert over.counts["killed"] >= KILLS * 3 // 4
    assert reader.queries >= KILLS
    assert not reader.errors, reader.errors[:3]
