"""A worker that is killed while it puts a table's partitions together is replaced, and the bytes are the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from synthkit.building.build import Options, build
from synthkit.compiler import compile_project
from synthkit.planning.plan import make_plan
from synthkit.project.project import load_project
from synthkit.runners.jobs import AssembleJob, Executor, Job, JobProgress
from synthkit.runners.local import LocalExecutor
from tests.building.test_partitions import FILES, published
from tests.in_process import InProcess
from tests.synth import Project, copied, make_project

R = TypeVar("R")


class Killing(LocalExecutor):
    """Has a worker for the job that puts partitions together, and kills it once, when it has begun to write. All other jobs
    are done in this process."""

    def __init__(self, log: Path) -> None:
        super().__init__(1, log)
        self.left, self.killed, self.inner = 1, 0, InProcess()

    def run(self, job: Job[R], progress: JobProgress) -> R:
        return super().run(job, progress) if isinstance(job, AssembleJob) else self.inner.run(job, progress)

    def _exchange(self, worker: Any, job: Any, progress: JobProgress) -> Any:
        if isinstance(job, AssembleJob) and self.left:
            self.left, self.killed = self.left - 1, self.killed + 1
            stop = stopper(worker, job.stage_dir.parent)
            try:
                return super()._exchange(worker, job, progress)
            finally:
                stop()
        return super()._exchange(worker, job, progress)


def stopper(worker: Any, folder: Path) -> Callable[[], None]:
    """Kill the worker as soon as a temporary lies in the folder, until what is given back is called."""
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if any(folder.glob(".tmp*")):
                worker.kill()
                return
            over.wait(0.0005)

    thread = threading.Thread(target=watch)
    thread.start()

    def stop() -> None:
        over.set()
        thread.join()

    return stop


def built(project: Project, executor: Executor) -> bytes:
    manifest = compile_project(load_project(project.root))
    run = build(manifest, lambda: make_plan(manifest), options=Options(), executor=executor)
    assert [r.status for r in run.results] == ["pass"], run.results[0].message
    return published(project)


def test_a_worker_lost_in_putting_partitions_together_is_replaced(tmp_path: Path) -> None:
    whole = make_project(tmp_path / "whole", FILES)
    killed = copied(whole, tmp_path / "killed")
    wanted = built(whole, InProcess())
    executor = Killing(tmp_path / "killed.log")
    assert built(killed, executor) == wanted
    assert executor.killed == 1
    log = (tmp_path / "killed.log").read_text("utf-8")
    assert "Traceback" not in log
    assert not list((killed.root / "target").rglob(".tmp*"))
