"""Everything of a build but the drawing of partitions, which is handed out through the project's storage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from synthkit.errors import BuildError
from synthkit.runners.jobs import Executor, Job, JobProgress, PartitionJob
from synthkit.runners.kubernetes.handed import Handed

R = TypeVar("R")


class HandingOut:
    """An executor whose partitions are others' to draw: it writes their jobs down, and ends what waits for them.

    Args:
        inner: carries out all other jobs.
        folder: of the run; each model has one in it.
    """

    def __init__(self, inner: Executor, folder: Path) -> None:
        self._inner, self._folder = inner, folder
        self.models: set[str] = set()

    def run(self, job: Job[R], progress: JobProgress) -> R:
        return self._inner.run(job, progress)

    def run_many(self, jobs: Sequence[Job[R]], progress: Sequence[JobProgress]) -> list[R]:
        """Raises BuildError of partitions: what becomes of them is found when the project is built again."""
        if not isinstance(jobs[0], PartitionJob):
            return [self._inner.run(job, told) for job, told in zip(jobs, progress, strict=True)]
        model = jobs[0].model
        Handed(self._folder / model).write(jobs)
        self.models.add(model)
        raise BuildError(f"{len(jobs)} partitions are handed out", hint="build again when they are drawn")

    def stop(self) -> None:
        self._inner.stop()

    def close(self) -> None:
        self._inner.close()
