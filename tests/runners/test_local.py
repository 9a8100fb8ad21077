"""Worker processes: errors cross over as errors, a killed worker is named, nothing is left running."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil
import pytest

from synthkit.errors import BuildError
from synthkit.runners.jobs import QueryJob
from synthkit.runners.local import LocalExecutor
from synthkit.schema import Column, Schema


def query(tmp_path: Path, sql: str, root: Path | None = None) -> QueryJob:
    return QueryJob(
        root=root or tmp_path,
        model="m",
        sql=sql,
        relations={},
        schema=Schema((Column("n", "integer", "BIGINT"),)),
        stage_dir=tmp_path / "stage",
        sample="hash",
        seed=1,
        metadata={"a": "b"},
    )


def nothing(*_arguments: object) -> None:
    """Progress that nobody watches."""


def test_a_worker_is_used_again_and_ends_with_the_executor(tmp_path: Path) -> None:
    executor = LocalExecutor(1, tmp_path / "log")
    for _ in range(2):
        assert executor.run(query(tmp_path, "select 1 as n"), nothing).rows == 1
    children = [p for p in psutil.Process().children() if "synthkit.runners.worker" in " ".join(p.cmdline())]
    assert len(children) == 1
    executor.close()
    gone, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    assert gone


def test_an_error_in_a_job_comes_back_with_its_hint(tmp_path: Path) -> None:
    executor = LocalExecutor(1, tmp_path / "log")
    try:
        with pytest.raises(BuildError, match="nowhere") as raised:
            executor.run(query(tmp_path, "select * from nowhere"), nothing)
        assert raised.value.hint
        assert executor.run(query(tmp_path, "select 2 as n"), nothing).rows == 1  # and the worker goes on
    finally:
        executor.close()


def _slow(tmp_path: Path) -> QueryJob:
    return query(tmp_path, "select count(*) as n from range(1000000000) a, range(1000000) b")


def test_a_killed_worker_is_said_to_be_killed(tmp_path: Path) -> None:
    executor = LocalExecutor(1, tmp_path / "log")

    def kill() -> None:
        while not (found := [p for p in psutil.Process().children() if "runners.worker" in " ".join(p.cmdline())]):
            time.sleep(0.05)
        time.sleep(0.5)
        for process in found:
            process.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        with pytest.raises(BuildError, match="signal 9"):
            executor.run(_slow(tmp_path), nothing)
    finally:
        thread.join()
        executor.close()


def test_stopping_ends_a_running_job(tmp_path: Path) -> None:
    executor = LocalExecutor(1, tmp_path / "log")
    threading.Timer(0.7, executor.stop).start()
    with pytest.raises(BuildError, match="stopped"):
        executor.run(_slow(tmp_path), nothing)
    with pytest.raises(BuildError, match="stopped"):
        executor.run(query(tmp_path, "select 1 as n"), nothing)
    executor.close()
