"""A runner that somebody else wrote: jobs in the process that builds, so that a test can look at them or step in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from synthkit.runners.actions import execute
from synthkit.runners.jobs import (
    IngestJob,
    Job,
    JobProgress,
    done_from_json,
    done_to_json,
    job_from_json,
    job_to_json,
)

R = TypeVar("R")


class InProcess:
    """An executor without processes; each job is written as JSON and read again, as one that travels is.

    Args:
        after: is called when a source has been read.
    """

    ran: list[str]

    def __init__(self, after: Callable[[], None] = lambda: None) -> None:
        self.after, self.ran = after, []

    def run(self, job: Job[R], progress: JobProgress) -> R:
        sent = json.loads(json.dumps(job_to_json(job)))
        self.ran.append(str(sent["kind"]))
        again = job_from_json(sent)
        found = json.dumps(done_to_json(again, execute(again, progress)))
        if isinstance(job, IngestJob):
            self.after()
        return done_from_json(job, json.loads(found))

    def stop(self) -> None: ...

    def close(self) -> None: ...


def runner(model_threads: int, log: Path) -> InProcess:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(f"one process, {model_threads} threads\n", "utf-8")
    return InProcess()
