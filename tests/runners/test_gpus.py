"""Several GPUs, none of them real: one job on each, in processes that are shown no other."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

import synthkit
from synthkit.errors import BuildError, SynthError
from synthkit.project import machine
from synthkit.project.machine import this_machine, visible_gpus
from synthkit.project.resources import UNASKED, Resources
from synthkit.runners.gpus import VISIBLE, Gpus
from synthkit.runners.local import LocalExecutor
from tests.runners.test_local import nothing, partition, query
from tests.synth import SQL_PROJECT, make_project

SOON = 60.0  # seconds: a worker starts within them on a machine that does other things, too


class Noting(LocalExecutor):
    """Does no job, but notes what its worker is shown and which device the job names; holds it until told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(1, folder / "log")
        self.seen: list[tuple[str | None, str]] = []
        self.began, self.go_on = threading.Semaphore(0), threading.Event()

    def _exchange(self, worker: subprocess.Popen[str], job: Any, progress: Any) -> Any:
        while "PYTHONHASHSEED" not in (given := psutil.Process(worker.pid).environ()):  # it is there a moment later
            pass
        shown = given.get(VISIBLE)
        self.seen.append((shown, getattr(job, "device", "none")))
        self.began.release()
        assert self.go_on.wait(SOON)
        return worker.pid


@contextmanager
def noting(folder: Path) -> Iterator[Noting]:
    found = Noting(folder)
    try:
        yield found
    finally:
        found.go_on.set()
        found.close()


def asking(folder: Path, gpus: int | None, device: str | None = None) -> Any:
    job: Any = query(folder, "select 1 as n") if device is None else replace(partition(folder), device=device)
    return replace(job, resources=UNASKED if gpus is None else Resources(gpus=gpus))


def test_one_model_a_device_and_who_finds_none_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "4,7")
    with noting(tmp_path) as executor, ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(executor.run, asking(tmp_path, 1), nothing) for _ in range(4)]
        free = pool.submit(executor.run, asking(tmp_path, None), nothing)  # shares whatever there is, as ever
        for _ in range(3):
            assert executor.began.acquire(timeout=SOON)
        assert sorted(shown or "" for shown, _ in executor.seen) == ["4", "4,7", "7"]
        assert not executor.began.acquire(timeout=0.2)
        pool.submit(executor.run, asking(tmp_path, 0), nothing)  # there is nothing for it to wait for
        assert executor.began.acquire(timeout=SOON)
        assert executor.seen[3] == ("", "none")
        executor.go_on.set()
        workers = [future.result(SOON) for future in (*asked, free)]
        assert {shown for shown, _ in executor.seen[4:]} <= {"4", "7"}
        assert len(set(workers)) == 3  # a worker of the same device is used again


def test_a_device_by_its_number_is_that_one_and_none_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "4,7")
    with noting(tmp_path) as executor:
        executor.go_on.set()
        executor.run(asking(tmp_path, 1, "cuda:1"), nothing)
        executor.run(asking(tmp_path, 0, "auto"), nothing)
        executor.run(asking(tmp_path, None, "cuda:1"), nothing)
        assert executor.seen == [("7", "cuda"), ("", "auto"), ("4,7", "cuda:1")]
        with pytest.raises(BuildError, match="device cuda:2, and this machine has 2"):
            executor.run(asking(tmp_path, 1, "cuda:2"), nothing)


def test_a_worker_that_holds_memory_of_a_device_ends_before_another_works_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VISIBLE, "0,1")
    with noting(tmp_path) as executor:
        executor.go_on.set()
        alone: Any = executor.run(asking(tmp_path, 1), nothing)
        executor.run(asking(tmp_path, 2), nothing)
        assert [shown for shown, _ in executor.seen] == ["0", "0,1"]
        assert not psutil.pid_exists(alone)


def test_a_build_that_is_stopped_lets_nobody_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "0")
    with noting(tmp_path) as executor, ThreadPoolExecutor(2) as pool:
        pool.submit(executor.run, asking(tmp_path, 1), nothing)
        assert executor.began.acquire(timeout=SOON)
        waiting = pool.submit(executor.run, asking(tmp_path, 1), nothing)
        executor.stop()
        with pytest.raises(BuildError, match="stopped"):
            waiting.result(SOON)
        executor.go_on.set()


def test_devices_go_to_who_asked_first() -> None:
    gpus, order = Gpus(("a", "b")), list[str]()

    def take(name: str, count: int) -> None:
        with gpus.taken(count):
            order.append(name)

    with ThreadPoolExecutor(2) as pool:
        with gpus.taken(1) as first:
            assert first == ("a",)
            both = pool.submit(take, "both", 2)
            while not gpus._waiting:
                pass
            one = pool.submit(take, "one", 1)  # there is one, and somebody has waited for two for longer
            assert not order
        both.result(SOON)
        one.result(SOON)
    assert order == ["both", "one"]


def test_more_than_cuda_shows_is_a_fault_of_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The count is faked by folders, as the driver has them."""
    for number in range(3):
        folder = tmp_path / "gpus" / f"0000:0{number}:00.0"
        folder.mkdir(parents=True)
        (folder / "information").write_text("Model: \t\t NVIDIA A100-SXM4-80GB\n", "utf-8")
    monkeypatch.setattr(machine, "_GPUS", tmp_path / "gpus")
    monkeypatch.delenv(VISIBLE, raising=False)
    assert visible_gpus({}) == ("0", "1", "2")
    assert (this_machine().gpus, this_machine().accelerators) == (3, ("A100",))
    models = SQL_PROJECT["models/customers.yml"].replace(
        "          - name: by_tier\n", "          - name: by_tier\n            resources: {gpus: 2}\n"
    )
    shop = make_project(tmp_path / "shop", {**SQL_PROJECT, "models/customers.yml": models})
    assert synthkit.compile(shop.root)
    monkeypatch.setenv(VISIBLE, "1")
    with pytest.raises(SynthError, match="asks for 2 GPUs, and the largest machine has 1"):
        synthkit.compile(shop.root)
