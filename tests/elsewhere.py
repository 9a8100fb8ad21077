"""A runner whose worker has the project under another path: while a job runs, there is nothing where it was planned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeVar

from synthkit.runners.environment import held_fixed
from synthkit.runners.jobs import Job, JobProgress, done_from_json, job_to_json

R = TypeVar("R")


class Elsewhere:
    """An executor that moves the project's folder away for each job, and back when it is done.

    Args:
        log: takes the kinds of the jobs, a line each, besides what workers print.
    """

    def __init__(self, model_threads: int, log: Path) -> None:
        self._environment = {**os.environ, **held_fixed(model_threads, os.environ), "PYTHONHASHSEED": "0"}
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log.open("a", encoding="utf-8")

    def run(self, job: Job[R], progress: JobProgress) -> R:
        sent = job_to_json(job)
        self._log.write(f"{sent['kind']}\n")
        self._log.flush()
        away = job.root.with_name("elsewhere") / "mounted"
        away.parent.mkdir(exist_ok=True)
        job.root.rename(away)
        try:
            result = self._exchange({**sent, "root": str(away)})
        finally:
            away.rename(job.root)
        assert str(away) not in json.dumps(result)
        return done_from_json(job, result)

    def _exchange(self, sent: dict[str, Any]) -> Any:
        command = [sys.executable, "-P", "-m", "synthkit.runners.worker"]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=self._log, env=self._environment, text=True, cwd="/"
        ) as worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(json.dumps(sent) + "\n")
            worker.stdin.flush()
            for line in worker.stdout:
                event = json.loads(line)
                if "progress" not in event:
                    worker.stdin.close()
                    return event["result"]
        raise AssertionError("the worker ended")

    def stop(self) -> None: ...

    def close(self) -> None:
        self._log.close()


def runner(model_threads: int, log: Path) -> Elsewhere:
    return Elsewhere(model_threads, log)
