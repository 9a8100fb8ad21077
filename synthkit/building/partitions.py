"""The partitions of one table, drawn side by side by whatever of the build's threads have nothing else to do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from synthkit.runners.jobs import JobProgress, PartitionJob
from synthkit.runners.many import ManyAtOnce

if TYPE_CHECKING:
    from synthkit.building.context import RunContext
    from synthkit.compiler import ModelNode


def draw_all(context: RunContext, model: ModelNode, jobs: Sequence[PartitionJob], progress: JobProgress) -> None:
    """Run the jobs: one after the other in this thread, which has a slot, and beside it in as many as are free.

    Raises:
        BuildError: of the first of them that failed; no more are begun then, and those that run are waited for.
    """
    done = _Done(sum(job.partition.rows(job.rows) for job in jobs), progress)
    if isinstance(context.executor, ManyAtOnce) and jobs:  # they wait for one another there, not for threads here
        context.carry_out_many(context.executor, jobs, model, [done.of(job.partition.index) for job in jobs])
        return
    waiting = list(reversed(jobs))
    failed: dict[int, Exception] = {}
    lock = threading.Lock()

    def next_job() -> PartitionJob | None:
        with lock:
            return waiting.pop() if waiting and not failed else None

    def run(job: PartitionJob) -> None:
        try:
            found = context.carry_out(job, model, done.of(job.partition.index))
        except Exception as error:
            with lock:
                failed[job.partition.index] = error
            return
        done.finish(job.partition.index, found.rows)

    def beside(job: PartitionJob) -> None:
        try:
            run(job)
        finally:
            context.slots.give_back()

    with ThreadPoolExecutor(max(1, len(jobs)), thread_name_prefix="synth-partition") as pool:
        running: list[Future[None]] = []
        while (job := next_job()) is not None:
            while waiting and context.slots.take():
                other = next_job()
                if other is None:
                    context.slots.give_back()
                    break
                running.append(pool.submit(beside, other))
            run(job)
        for future in running:
            future.result()
    if failed:
        raise failed[min(failed)]


class _Done:
    """Progress of all partitions as that of one table."""

    def __init__(self, total: int, progress: JobProgress) -> None:
        self.total, self.progress = total, progress
        self.rows: dict[int, int] = {}
        self.lock = threading.Lock()

    def of(self, index: int) -> Callable[..., None]:
        def report(phase: str, done: int, total: int, unit: str, note: str = "") -> None:
            if unit == "rows":
                self._tell(index, done, phase, unit, note)
            else:  # that its worker was lost, say
                self.progress(phase, done, total, unit, note)

        return report

    def finish(self, index: int, rows: int) -> None:
        self._tell(index, rows, "sample", "rows", "")

    def _tell(self, index: int, rows: int, phase: str, unit: str, note: str) -> None:
        with self.lock:
            self.rows[index] = max(rows, self.rows.get(index, 0))
            done = sum(self.rows.values())
        self.progress(phase, min(done, self.total), self.total, unit, note)
