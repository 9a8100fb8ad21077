"""Executors that take many jobs at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, runtime_checkable

from synthkit.runners.jobs import Job, JobProgress

R = TypeVar("R")


@runtime_checkable
class ManyAtOnce(Protocol):
    """An executor that takes the partitions of a table all at once, and itself sees to how many run side by side."""

    def run_many(self, jobs: Sequence[Job[R]], progress: Sequence[JobProgress]) -> list[R]:
        """What the jobs came to, in their order. Raises as ``run`` does, of the first that failed."""
