"""What is let go is given back to the system: a worker has one job's memory at a time."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from synthkit.memory import give_back, one_verb, uncollected

SCRIPT = """
import sys
import pyarrow as pa
from synthkit.memory import give_back

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

pool = pa.default_memory_pool()
small = [bytes(20_000) for _ in range(10_000)]  # 200 MB in pieces that the C library keeps
stay = [bytes(20_000) for _ in range(10)]
arrays = [pa.array(range(100_000)) for _ in range(100)]  # 80 MB
full = resident()
del small, arrays
give_back()
print(full - resident())
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_what_was_let_go_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 200


def test_where_the_c_library_cannot_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    give_back()
    monkeypatch.setattr(sys, "platform", "darwin")
    give_back()


def test_cycles_are_not_searched_for_within_and_are_after() -> None:
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_a_library_call_made_is_still_looked_at() -> None:
    """A notebook compiles many times; the command line ends with its verb."""
    gc.unfreeze()
    with uncollected():
        pass
    assert gc.get_freeze_count() == 0
    with one_verb():
        with uncollected(held=False):
            pass
        assert gc.get_freeze_count() == 0
        with uncollected():
            pass
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0
