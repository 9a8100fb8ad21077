"""Jobs of one table, run side by side by whatever of the build's threads have nothing else to do: its partitions, and
its columns before it is trained on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from synthkit.runners.jobs import Job, JobProgress, PartitionJob
from synthkit.runners.many import ManyAtOnce

if TYPE_CHECKING:
    from synthkit.building.context import RunContext
    from synthkit.compiler import ModelNode

R = TypeVar("R")


def draw_all(context: RunContext, model: ModelNode, jobs: Sequence[PartitionJob], progress: JobProgress) -> None:
    """Draw the partitions side by side. Raises as :func:`side_by_side`."""
    done = Together(sum(job.partition.rows(job.rows) for job in jobs), progress)
    side_by_side(
        context,
        model,
        jobs,
        [done.of(job.partition.index) for job in jobs],
        lambda number, found: done.finish(jobs[number].partition.index, found.rows),
    )


def side_by_side(
    context: RunContext,
    model: ModelNode,
    jobs: Sequence[Job[R]],
    progress: Sequence[JobProgress],
    finished: Callable[[int, R], None],
) -> None:
    """Run the jobs: one after the other in this thread, which has a slot, and beside it in as many as are free.

    Args:
        progress: of each job.
        finished: is told of each job by its number, and what it came to.

    Raises:
        BuildError: of the first of them that failed; no more are begun then, and those that run are waited for.
    """
    if isinstance(context.executor, ManyAtOnce) and jobs:  # they wait for one another there, not for threads here
        for done, found in enumerate(context.carry_out_many(context.executor, jobs, model, progress)):
            finished(done, found)
        return
    in_free_slots(
        context, len(jobs), lambda number: finished(number, context.carry_out(jobs[number], model, progress[number]))
    )


def in_free_slots(context: RunContext, count: int, call: Callable[[int], None]) -> None:
    """Call it with each number below ``count``, in this thread and beside it in as many as there are free slots.

    Raises what the call with the least number raised, of those that did; no more are begun then.
    """
    waiting = list(reversed(range(count)))
    failed: dict[int, Exception] = {}
    lock = threading.Lock()

    def next_job() -> int | None:
        with lock:
            return waiting.pop() if waiting and not failed else None

    def run(number: int) -> None:
        try:
            call(number)
        except Exception as error:
            with lock:
                failed[number] = error

    def beside(number: int) -> None:
        try:
            run(number)
        finally:
            context.slots.give_back()

    with ThreadPoolExecutor(max(1, count), thread_name_prefix="synth-partition") as pool:
        running: list[Future[None]] = []
        while (number := next_job()) is not None:
            while waiting and context.slots.take():
                other = next_job()
                if other is None:
                    context.slots.give_back()
                    break
                running.append(pool.submit(beside, other))
            run(number)
        for future in running:
            future.result()
    if failed:
        raise failed[min(failed)]


class Together:
    """Progress of jobs that run side by side as that of their table, of which they tell in the same ``unit``."""

    def __init__(self, total: int, progress: JobProgress, unit: str = "rows") -> None:
        self.total, self.progress, self.unit = total, progress, unit
        self.rows: dict[int, int] = {}
        self.lock = threading.Lock()

    def of(self, index: int) -> Callable[..., None]:
        def report(phase: str, done: int, total: int, unit: str, note: str = "") -> None:
            if unit == self.unit:
                self.tell(index, done, phase, unit, note)
            else:  # that its worker was lost, say
                self.progress(phase, done, total, unit, note)

        return report

    def finish(self, index: int, rows: int) -> None:
        self.tell(index, rows, "sample", "rows", "")

    def tell(self, index: int, rows: int, phase: str, unit: str, note: str) -> None:
        with self.lock:
            self.rows[index] = max(rows, self.rows.get(index, 0))
            done = sum(self.rows.values())
        self.progress(phase, min(done, self.total), self.total, unit, note)
