"""Runs that die without a word, and those that go on from there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from synthkit.teacher.kept import RequestStore
from tests.teacher.asking import billed, prompt, run
from tests.teacher.standin import Standin, name_of


def start(folder: Path, url: str, count: int, mode: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.teacher.asking", str(folder), url, str(count), mode])


@pytest.mark.parametrize("mode", ["single", "batch"])
def test_killed_at_random_moments(tmp_path: Path, mode: str) -> None:
    count, kills = 200, 3
    with Standin(seed=2, batch_seconds=0.0) as calm:
        (tmp_path / "calm").mkdir()
        run(tmp_path / "calm", calm.url, count, mode == "batch")
    folder, random, kept_before = tmp_path / "killed", Random(7), 0
    folder.mkdir()
    with Standin(latency=0.04, faults=0.2, slow=0.1, seed=2, batch_seconds=0.1) as server:
        for _ in range(kills):
            process = start(folder, server.url, count, mode)
            while len(server.delivered) <= kept_before and process.poll() is None:
                time.sleep(0.005)
            time.sleep(random.uniform(0, 0.25))
            process.kill()
            process.wait(30)
            with RequestStore(folder) as store:
                kept = [n for n in range(count) if store.get(prompt(n).key)]
                assert kept_before <= len(kept) <= server.delivered.total()
                delivered = {n: server.delivered[name_of(prompt(n).payload())] for n in kept}
                kept_before = len(server.delivered)
        last = start(folder, server.url, count, mode)
        assert last.wait(120) == 0
        for number, times in delivered.items():
            assert server.delivered[name_of(prompt(number).payload())] == times, "what is kept is never asked again"
        assert (folder / "answers").read_text() == (tmp_path / "calm" / "answers").read_text().replace("\r", "")
        with RequestStore(folder) as store:
            assert store.count() == count
            possible = store.spent() + sum((store.lost(prompt(n).key) for n in range(count)), Decimal(0))
            assert store.spent() <= billed(server.billed) <= possible
        assert len(json.loads((folder / "answers").read_text().splitlines()[0])) == 5
