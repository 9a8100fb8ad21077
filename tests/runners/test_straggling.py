"""A part is late when most are done and it has taken some times as long as they did; it is said to be so once."""

from __future__ import annotations

import pytest

from synthkit.runners import straggling
from synthkit.runners.straggling import Pace


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(straggling.time, "monotonic", found)
    return found


def after(clock: Clock, done: int, seconds: float, parts: int = 4) -> Pace:
    """All parts began at once, and so many of them took so long."""
    pace = Pace(parts)
    for part in range(parts):
        pace.begin(part)
    clock.now = seconds
    for part in range(done):
        pace.end(part)
    return pace


def test_a_late_part_is_said_once(clock: Clock) -> None:
    pace = after(clock, 3, 100)
    clock.now = 199
    assert not pace.take_late(3)
    clock.now = 201
    assert pace.take_late(3)
    assert not pace.take_late(3)
    assert not pace.all_done
    pace.end(3)
    assert pace.all_done


def test_few_parts_say_nothing_and_short_ones_have_time(clock: Clock) -> None:
    pace = after(clock, 2, 100)
    clock.now = 10_000
    assert not pace.take_late(3)
    clock.now = 0
    pace = after(clock, 3, 0.1)
    clock.now = straggling.LEAST - 1
    assert not pace.take_late(3)
    clock.now = straggling.LEAST + 1
    assert pace.take_late(3)
    assert not pace.take_late(2)


def test_one_that_waits_to_begin_is_not_late(clock: Clock) -> None:
    pace = Pace(4)
    for part in range(3):
        pace.begin(part)
        pace.end(part)
    clock.now = 1_000
    assert not pace.take_late(3)
    pace.begin(3)  # and one whose worker was lost begins anew
    assert not pace.take_late(3)
