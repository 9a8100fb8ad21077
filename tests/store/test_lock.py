"""One build at a time: a second one waits or is told who holds the lock; a dead holder's is free."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synthkit.errors import SynthError
from synthkit.store.lock import ProjectLock

HOLDER = """
import sys, time
from pathlib import Path
from synthkit.store.lock import ProjectLock
with ProjectLock(Path(sys.argv[1])).held():
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(path: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_one_is_refused_and_told_who(tmp_path: Path) -> None:
    process = hold(tmp_path / "lock", 30)
    try:
        with pytest.raises(SynthError, match=f"process {process.pid} "), ProjectLock(tmp_path / "lock").held():
            pass
        assert f"process {process.pid}" in str(ProjectLock(tmp_path / "lock").holder())
    finally:
        process.kill()
        process.wait()


def test_a_second_one_waits_if_it_may(tmp_path: Path) -> None:
    process = hold(tmp_path / "lock", 1.0)
    said: list[str] = []
    with ProjectLock(tmp_path / "lock", wait=20).held(said.append):
        assert process.wait(timeout=5) == 0
    assert len(said) == 1
    assert str(process.pid) in said[0]


def test_a_killed_holders_lock_is_free(tmp_path: Path) -> None:
    process = hold(tmp_path / "lock", 60)
    process.kill()
    process.wait()
    time.sleep(0.1)
    assert ProjectLock(tmp_path / "lock").holder() is None
    with ProjectLock(tmp_path / "lock").held():
        assert str(os.getpid()) in (tmp_path / "lock").read_text()
