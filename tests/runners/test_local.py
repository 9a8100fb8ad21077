"""Worker processes: errors cross over as errors, a killed worker is named, nothing is left running."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from synthkit.errors import BuildError
from synthkit.project.partition import Partition
from synthkit.project.size import Size
from synthkit.runners import local
from synthkit.runners.jobs import PartitionJob, QueryJob
from synthkit.runners.local import LocalExecutor
from synthkit.schema import Column, Schema
from synthkit.store.parquet import write_parquet
from synthkit.store.partitions import PartitionFiles


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


def descriptors() -> int:
    """That this process has open."""
    return psutil.Process().num_fds()


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


class Deaths(LocalExecutor):
    """Loses the workers of the next ``left`` jobs."""

    left = 0

    def _exchange(self, worker: Any, job: Any, progress: Any) -> Any:
        if self.left:
            self.left -= 1
            worker.kill()
            worker.wait()
        return super()._exchange(worker, job, progress)


def partition(folder: Path) -> PartitionJob:
    """A partition that is there already: who carries the job out finds it, and no model is needed."""
    files = PartitionFiles(folder, "trained", "sample", 3, 1)
    rows = pa.record_batch({"n": [1, 2, 3]})
    files.record(0, write_parquet([rows], rows.schema, files.data(0), {}))
    return PartitionJob(
        root=folder,
        model="m",
        seed=1,
        generator="circuit",
        params={},
        split=folder,
        columns=(),
        model_dir=folder,
        checkpoint=folder,
        size=Size.parse("3"),
        conditions={},
        constraints={},
        rules={},
        rules_found=False,
        keys="own",
        device="cpu",
        budget=None,
        charge=None,
        partition=Partition(),
        rows=3,
        trained="trained",
        sample="sample",
        directory=folder,
        metadata={},
    )


def test_a_partition_whose_worker_is_lost_is_drawn_again_and_not_for_ever(tmp_path: Path) -> None:
    executor, told = Deaths(1, tmp_path / "log"), list[Any]()
    try:
        executor.left = 3
        assert executor.run(partition(tmp_path), lambda *step: told.append(step)).rows == 3
        assert [step[:4] for step in told] == [("retry", n, 3, "retries") for n in (1, 2, 3)]
        executor.left = 4
        with pytest.raises(BuildError, match="signal 9"):
            executor.run(partition(tmp_path), nothing)
        executor.left = 1
        with pytest.raises(BuildError, match="signal 9"):  # what may take long, or memory, is not made again
            executor.run(query(tmp_path, "select 1 as n"), nothing)
    finally:
        executor.close()


def test_a_worker_that_died_between_two_jobs_harms_none(tmp_path: Path) -> None:
    executor = LocalExecutor(1, tmp_path / "log")
    try:
        executor.run(query(tmp_path, "select 1 as n"), nothing)
        (worker,) = executor._idle
        before = descriptors()
        worker.kill()
        worker.wait()
        assert executor.run(query(tmp_path, "select 2 as n"), nothing).rows == 1
        assert descriptors() == before
        assert [*executor._shown] == executor._idle
    finally:
        executor.close()
    assert worker.stdout is not None
    assert worker.stdout.closed
    assert not executor._shown


def test_a_worker_that_holds_much_is_ended_unless_it_may_have_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "MOST_IDLE", 1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    executor, open_files = LocalExecutor(1, tmp_path / "log"), []
    started = list[Any]()
    start = executor._start
    monkeypatch.setattr(executor, "_start", lambda *given: started.append(start(*given)) or started[-1])
    try:
        for number in (1, 2, 3):
            assert executor.run(query(tmp_path, f"select {number} as n"), nothing).rows == 1
            assert not executor._idle
            open_files.append(descriptors())
        assert [worker.poll() is None for worker in started] == [False, False, False]
        assert not executor._shown
        assert len(set(open_files)) == 1  # of a build of thousands of parts none may be left of each
    finally:
        executor.close()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    executor = LocalExecutor(1, tmp_path / "log")
    try:
        executor.run(query(tmp_path, "select 1 as n"), nothing)
        assert len(executor._idle) == 1
    finally:
        executor.close()


def test_stopping_ends_a_running_job(tmp_path: Path) -> None:
    executor = LocalExecutor(1, tmp_path / "log")
    threading.Timer(0.7, executor.stop).start()
    before = descriptors()
    with pytest.raises(BuildError, match="stopped"):
        executor.run(_slow(tmp_path), nothing)
    assert descriptors() <= before
    with pytest.raises(BuildError, match="stopped"):
        executor.run(query(tmp_path, "select 1 as n"), nothing)
    executor.close()
