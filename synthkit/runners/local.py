"""The local executor: one long-lived worker process per concurrent job, on this machine.

Processes, not threads: SDV and others draw from global random states, so two trainings in one process would
disturb each other's rows; and a process can be stopped.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, TypeVar, cast

from synthkit.errors import BuildError
from synthkit.memory import held_by
from synthkit.project.machine import visible_gpus
from synthkit.runners.done import Failure
from synthkit.runners.environment import worker_variables
from synthkit.runners.failing import error_of
from synthkit.runners.gpus import VISIBLE, Gpus
from synthkit.runners.jobs import STOPPED, Job, JobProgress, done_from_json, job_to_json
from synthkit.runners.momentary import AGAIN

R = TypeVar("R")
# Bytes that a worker may hold between two jobs: libraries, and what the C library keeps in pieces of what was let go.
# One that holds more is ended, and the next job starts without it, for a CPU second. Not where it may have a GPU, as
# opening that takes many.
MOST_IDLE = 560_000_000
RETRIES = 3  # of a part or of audits whose worker was lost; a training would most likely be lost again, after as long


class _LostError(BuildError):
    """The worker ended, and its job with it."""


class LocalExecutor:
    """Runs jobs in worker processes.

    Args:
        model_threads: CPU threads of each worker's linear algebra: fixed, as sums of floats depend on it.
        log: file that takes whatever the workers' libraries print, and tracebacks.
    """

    def __init__(self, model_threads: int, log: Path) -> None:
        self._environment = {**os.environ, **worker_variables(model_threads, os.environ)}
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log.open("a", encoding="utf-8")
        self.log_path = log
        self._gpus = Gpus(visible_gpus(os.environ))
        self._shown: dict[subprocess.Popen[str], tuple[str, ...] | None] = {}  # GPUs of each worker; None: all
        self._idle: list[subprocess.Popen[str]] = []
        self._busy: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, job: Job[R], progress: JobProgress) -> R:
        retries = RETRIES if isinstance(job, AGAIN) else 0
        for number in range(1, retries + 1):
            try:
                return self._run(job, progress)
            except _LostError as error:
                progress("retry", number, retries, "retries", error.message)
        return self._run(job, progress)

    def _run(self, job: Job[R], progress: JobProgress) -> R:
        count = job.resources.gpus
        if not count:  # nothing that another may have meanwhile, so nothing to wait for
            return self._run_on(None if count is None else (), job, progress)
        named = str(getattr(job, "device", "auto"))
        with self._gpus.taken(count, named) as gpus:
            # In a process that is shown no other, cuda:N is the first.
            return self._run_on(gpus, _on_first(job) if named.startswith("cuda:") else job, progress)

    def _run_on(self, gpus: tuple[str, ...] | None, job: Job[R], progress: JobProgress) -> R:
        worker = self._take(gpus)
        try:
            result = self._exchange(worker, job, progress)
        except BaseException:
            self._give_back(worker)
            raise
        self._give_back(worker)
        return result

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            busy, idle, self._idle = [*self._busy], self._idle, []
        self._gpus.stop(STOPPED)
        for worker in busy:
            _end(worker)  # forgotten by the thread that reads of it, which finds it ended
        for worker in idle:
            self._forget(worker)

    def close(self) -> None:
        self.stop()
        self._log.close()

    def _take(self, gpus: tuple[str, ...] | None) -> subprocess.Popen[str]:
        with self._lock:
            if self._stopped:
                raise BuildError(STOPPED)
            idle = [worker for worker in self._idle if worker.poll() is None]
            dead = [worker for worker in self._idle if worker not in idle]  # killed meanwhile
            alike = [worker for worker in idle if self._shown[worker] == gpus]
            # An idle worker holds memory of the GPUs that it has worked on: on these another is to work now.
            ended = [] if alike else [worker for worker in idle if set(self._shown[worker] or ()) & set(gpus or ())]
            worker = alike[-1] if alike else self._start(self._log, {**self._environment, **_shown(gpus)})
            self._shown[worker] = gpus
            self._idle = [other for other in idle if other is not worker and other not in ended]
            self._busy.add(worker)
        for other in (*dead, *ended):
            self._forget(other)
        return worker

    def _give_back(self, worker: subprocess.Popen[str]) -> None:
        full = not self._gpus.names and held_by(worker.pid) > MOST_IDLE
        with self._lock:
            self._busy.discard(worker)
            kept = worker.poll() is None and not self._stopped and not full
            if kept:
                self._idle.append(worker)
        if not kept:
            self._forget(worker)

    def _forget(self, worker: subprocess.Popen[str]) -> None:
        """End a worker that no thread has a job on any more, and give back the two descriptors that it held here."""
        _end(worker)
        with self._lock:
            self._shown.pop(worker, None)
        for pipe in (worker.stdin, worker.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was not written yet finds no reader
                pipe.close()

    def _start(self, log: TextIO, environment: Mapping[str, str]) -> subprocess.Popen[str]:
        # A session of its own: Ctrl-C reaches the coordinator alone, which then stops the workers in order.
        return subprocess.Popen(
            [sys.executable, "-m", "synthkit.runners.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def _exchange(self, worker: subprocess.Popen[str], job: Job[R], progress: JobProgress) -> R:
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            worker.stdin.write(json.dumps(job_to_json(job)) + "\n")
            worker.stdin.flush()
        except BrokenPipeError:
            raise self._death(worker) from None
        for line in worker.stdout:
            if not line.endswith("\n"):
                break  # it was killed as it wrote
            event = json.loads(line)
            if "progress" in event:
                phase, done, total, unit, note = event["progress"]
                progress(phase, done, total, unit, note)
            elif "result" in event:
                return done_from_json(job, event["result"])
            else:
                raise error_of(Failure.from_json(event["error"]), self.log_path)
        raise self._death(worker)

    def _death(self, worker: subprocess.Popen[str]) -> BuildError:
        code = worker.wait()
        if self._stopped:
            return BuildError(STOPPED)
        if code == -signal.SIGKILL:
            return _LostError(
                "the worker process was killed (signal 9), most likely for lack of memory",
                hint="build with --threads 1, or train on fewer rows",
            )
        return _LostError(f"the worker process ended with status {code}", hint=f"see {self.log_path}")


def _shown(gpus: tuple[str, ...] | None) -> dict[str, str]:
    """What makes CUDA show a process these GPUs and no other; nothing where it may see all."""
    return {} if gpus is None else {VISIBLE: ",".join(gpus)}


def _on_first(job: Job[R]) -> Job[R]:
    """The job on the first GPU that its process is shown."""
    return replace(job, **cast("dict[str, Any]", {"device": "cuda"}))


def _end(worker: subprocess.Popen[str]) -> None:
    """Ask, then insist: a trained model that is half written is under a temporary name anyway."""
    if worker.poll() is not None:
        return
    worker.terminate()
    try:
        worker.wait(timeout=2)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
