"""Runs that die without a word, and those that go on from there."""

from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from synthkit.llm.kept import RequestStore
from tests.llm.asking import billed, prompt, run
from tests.llm.standin import Standin, name_of


def start(folder: Path, url: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.llm.asking", str(folder), url, *map(str, arguments)])


def lines(folder: Path) -> list[str]:
    return (folder / "answers").read_text().splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "limit"), [("single", 1000.0), ("batch", 1000.0), ("single", 0.7)])
def test_killed_at_random_moments(tmp_path: Path, mode: str, limit: float) -> None:
    count, calm, killed, random = 200, tmp_path / "calm", tmp_path / "killed", Random(7)
    for folder in (calm, killed):
        folder.mkdir()
    with Standin(seed=2, batch_seconds=0.0) as server:
        run(calm, server.url, count, mode)
    with Standin(latency=0.04, faults=0.2, slow=0.1, seed=2, batch_seconds=0.1) as server:
        for _ in range(3):
            before = len(server.delivered)
            process = start(killed, server.url, count, mode, limit)
            while len(server.delivered) == before and process.poll() is None:
                time.sleep(0.005)
            time.sleep(random.uniform(0, 0.25))
            process.kill()
            process.wait(30)
            with RequestStore(killed) as store:
                kept = [name_of(prompt(n).payload()) for n in range(count) if store.get(prompt(n).key)]
            delivered = {name: server.delivered[name] for name in kept}
            assert set(kept) <= set(server.delivered)
        assert start(killed, server.url, count, mode, limit).wait(120) == 0
        assert kept
        assert {name: server.delivered[name] for name in kept} == delivered, "what is kept is never asked again"
        with RequestStore(killed) as store:
            assert store.spent() <= billed(server.billed) <= store.spent() + store.lost()
        assert billed(server.billed) <= Decimal(str(limit))
        if limit > 1:
            assert lines(killed) == lines(calm)
        else:
            assert len(lines(killed)) < count
            assert lines(killed) == lines(calm)[: len(lines(killed))]
