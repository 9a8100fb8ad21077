"""Second copies of partitions that are late, each a Job of one part beside the one that all parts belong to.

Other jobs are not alike, so that none of them is late for taking longer; and of two copies of audits either would empty
the folder of failing rows that the other one writes to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from synthkit.runners.jobs import Job, PartitionJob
from synthkit.runners.kubernetes.handed import Handed
from synthkit.runners.straggling import Pace

INDEX = "batch.kubernetes.io/job-completion-index"  # where a pod says which part it is


def part_of(pod: Any) -> int:
    return int((pod.metadata.annotations or {}).get(INDEX, "0"))


class Copies:
    """Of the parts of one Job.

    Args:
        name: of the Job.
        jobs: its parts.
        apply: applies a Job of that name and jobs, and gives the folder that they are handed out in; None where it
            cannot be applied.
        delete: deletes it again.
    """

    def __init__(
        self,
        name: str,
        jobs: Sequence[Job[Any]],
        apply: Callable[[str, Sequence[Job[Any]]], Handed | None],
        delete: Callable[[str, Handed], None],
    ) -> None:
        self._name, self._jobs, self._apply, self._delete = name, jobs, apply, delete
        self._pace = Pace(len(jobs))
        self._running: dict[int, tuple[str, Handed]] = {}
        self._seen: set[str] = set()

    def look(self, pods: Sequence[Any], handed: Handed) -> bool:
        """Begin copies of what is late, and take what they came to; whether all parts are done.

        Args:
            pods: of the Job.
            handed: where its parts leave what they came to.
        """
        for pod in pods:
            part, phase = part_of(pod), pod.status.phase
            if phase in ("Running", "Succeeded") and pod.metadata.name not in self._seen:
                self._seen.add(pod.metadata.name)
                self._pace.begin(part)
            if phase == "Succeeded":
                self._pace.end(part)
        for part, (_, copy) in list(self._running.items()):
            end = copy.ended(0)
            if end is not None and "result" in end:
                handed.end(part, end)
                self._pace.end(part)
            if self._pace.done(part):
                self._forget(part)
        for part, job in enumerate(self._jobs):
            if isinstance(job, PartitionJob) and self._pace.take_late(part):
                name = f"{self._name}-c{part}"
                applied = self._apply(name, [job])
                if applied is not None:
                    self._running[part] = (name, applied)
        return self._pace.all_done

    def close(self) -> None:
        for part in list(self._running):
            self._forget(part)

    def _forget(self, part: int) -> None:
        self._delete(*self._running.pop(part))
