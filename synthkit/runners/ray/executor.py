"""The build's side of a Ray cluster: starts its driver, hands it jobs, and says in words what became of them."""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, TypeVar

import synthkit
from synthkit.errors import BuildError
from synthkit.project.resources import UNKNOWN
from synthkit.runners.done import Failure
from synthkit.runners.environment import worker_variables
from synthkit.runners.failing import error_of
from synthkit.runners.jobs import STOPPED, Job, JobProgress, PartitionJob, done_from_json, job_to_json
from synthkit.runners.ray.options import RayOptions
from synthkit.runners.straggling import Pace

R = TypeVar("R")
Event = dict[str, Any]

TRIES = 5  # of starting Ray, as long as there is time: on a busy machine its own parts may not find one another
EVERY = 1.0  # seconds between two looks at whether a part is late
ENDING = 10.0  # seconds that a driver has to end by itself


class RayExecutor:
    """Runs jobs as tasks of a Ray cluster, which is joined (or started) with the first of them.

    Args:
        model_threads: CPU threads of each job's linear algebra, which is also how many a job asks for.
        log: file that takes what the driver prints, and tracebacks.
        options: of the cluster.
    """

    def __init__(self, model_threads: int, log: Path, options: RayOptions) -> None:
        self._threads, self._options, self.log_path = model_threads, options, log
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        self._driver: subprocess.Popen[str] | None = None
        self._failed: BuildError | None = None
        self._starting, self._lock = threading.Lock(), threading.Lock()
        self._waiting: dict[int, queue.SimpleQueue[Event | None]] = {}
        self._number, self._stopped = 0, False
        self._paces: dict[Path, Pace] = {}

    def run(self, job: Job[R], progress: JobProgress) -> R:
        driver = self._started(job, progress)
        events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        pace, part = self._pace(job), job.partition.index if isinstance(job, PartitionJob) else 0
        running = {self._sent(driver, job, events)}  # a copy is a second one
        sent = set(running)
        try:
            while True:
                try:
                    event = events.get(timeout=None if pace is None else EVERY)
                except queue.Empty:
                    if pace is not None and pace.take_late(part):
                        running.add(self._sent(driver, job, events))
                        sent |= running
                    continue
                if event is None:
                    break
                if "began" in event and pace is not None and len(running) == 1:
                    pace.begin(part)
                elif "progress" in event:
                    phase, done, total, unit, note = event["progress"]
                    progress(phase, done, total, unit, note)
                elif "result" in event:
                    running.discard(event["id"])
                    if pace is not None:
                        pace.end(part)
                    return done_from_json(job, event["result"])
                elif "lost" in event or "nowhere" in event or "error" in event:
                    running.discard(event["id"])
                    if not running or "error" in event:
                        raise self._ended(event)
        finally:
            with self._lock:
                for number in sent:
                    self._waiting.pop(number, None)
            if not self._stopped:
                for number in running:
                    self._send(driver, {"cancel": number})
        raise BuildError(STOPPED) if self._stopped else self._gone()

    def _sent(self, driver: subprocess.Popen[str], job: Job[Any], events: queue.SimpleQueue[Event | None]) -> int:
        """The number of a job that is sent to the driver, and whose events come into the queue."""
        with self._lock:
            if self._stopped:
                raise BuildError(STOPPED)
            self._number += 1
            number = self._number
            self._waiting[number] = events
        self._send(driver, {"id": number, "job": job_to_json(job), "asks": self._asks(job)})
        return number

    def _pace(self, job: Job[Any]) -> Pace | None:
        """Of a table's partitions."""
        if not isinstance(job, PartitionJob):
            return None
        with self._lock:
            return self._paces.setdefault(job.directory, Pace(job.partition.of))

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            driver, waiting = self._driver, list(self._waiting.values())
        for events in waiting:
            events.put(None)
        if driver is not None:
            _end(driver)

    def close(self) -> None:
        self.stop()

    def _asks(self, job: Job[Any]) -> dict[str, Any]:
        """What the job asks of Ray, with the names that Ray has for it. One that trains on CUDA asks for a GPU."""
        asked, gpus = job.resources, job.resources.gpus
        if gpus is None and str(getattr(job, "device", "")).startswith("cuda"):
            gpus = 1
        asks = {
            "num_cpus": asked.cpus or self._threads,
            "num_gpus": gpus,
            "memory": asked.memory,
            "accelerator_type": asked.accelerator,
        }
        return {name: value for name, value in asks.items() if value is not None}

    # -- the driver --------------------------------------------------------------------------------

    def _started(self, job: Job[Any], progress: JobProgress) -> subprocess.Popen[str]:
        """The driver of the cluster. What it fails of is found out once, and said of each job."""
        with self._starting:
            if self._stopped:
                raise BuildError(STOPPED)
            if self._failed is not None:
                raise self._failed
            if self._driver is None:
                try:
                    self._driver = self._start(job, progress)
                except BuildError as error:
                    self._failed = error
                    raise
            return self._driver

    def _start(self, job: Job[Any], progress: JobProgress) -> subprocess.Popen[str]:
        address = self._options.address or os.environ.get("RAY_ADDRESS") or "local"
        if "://" in address:
            message = f"RAY_ADDRESS is {address}, and a build joins a cluster itself, not through a Ray Client"
            raise BuildError(message, hint="give host:6379, as `ray start --head` prints it, on one of its machines")
        until = time.monotonic() + self._options.start_seconds
        why = "it said nothing"
        for number in range(1, TRIES + 1):
            progress("ray", number - 1, TRIES, "tries", "starting" if address == "local" else f"joining {address}")
            driver = self._launched(address, job)
            first = self._first_event(driver, until)
            if "started" in first:
                threading.Thread(target=self._read, args=(driver,), daemon=True).start()
                return driver
            _end(driver, patience=0)
            if self._stopped:
                raise BuildError(STOPPED)
            why = first.get("failed", why)
            if time.monotonic() >= until:
                break
        seconds = f"{self._options.start_seconds:g} s"
        if address == "local":
            message = f"Ray did not start within {seconds} and {number} tries: {why}"
            hint = (
                "the machine may be busy: give it longer with the runner's option start_seconds, or take --runner local"
            )
        else:
            message = f"the Ray cluster at {address} did not answer within {seconds} and {number} tries: {why}"
            hint = "is it reached from here, with its versions of Ray and Python, and its token (RAY_AUTH_TOKEN)?"
        raise BuildError(message, hint=f"{hint}; see {self.log_path}")

    def _launched(self, address: str, job: Job[Any]) -> subprocess.Popen[str]:
        environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}
        environment.pop("RAY_ADDRESS", None)
        given = {name: os.environ[name] for name in self._options.variables if name in os.environ}
        variables = {**worker_variables(self._threads, os.environ), **given}
        if address == "local":
            # Ray's own is 15, with which a build's workers starve on a machine that is busy.
            environment.setdefault("RAY_worker_niceness", "0")
            # Its workers have them from the cluster's start; else Ray prepares them anew for each job.
            environment, variables = {**environment, **variables}, {}
        if address == "local" and "RAY_AUTH_MODE" not in environment:  # Ray would leave a token in the user's home
            environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        with self.log_path.open("a", encoding="utf-8") as log:
            driver = subprocess.Popen(
                [sys.executable, "-m", "synthkit.runners.ray.driver"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C reaches the build alone, which then stops the rest in order
            )
        seen = self.log_path.relative_to(job.root).as_posix() if self.log_path.is_relative_to(job.root) else None
        start = {
            "address": address,
            "root": self._options.root,
            "retries": self._options.retries,
            "grows": self._options.limits != UNKNOWN,
            "seen": seen,
            "version": synthkit.__version__,
            "variables": variables,
        }
        self._send(driver, start)
        return driver

    def _first_event(self, driver: subprocess.Popen[str], until: float) -> Event:
        """What the driver says of its start; nothing where it ended, or time ran out."""
        found: queue.SimpleQueue[str] = queue.SimpleQueue()
        assert driver.stdout is not None
        read = driver.stdout.readline
        threading.Thread(target=lambda: found.put(read()), daemon=True).start()
        while not self._stopped and (left := until - time.monotonic()) > 0:
            try:
                line = found.get(timeout=min(left, 0.2))
            except queue.Empty:
                continue
            event: Event = json.loads(line) if line else {}
            return event
        return {}

    def _send(self, driver: subprocess.Popen[str], message: Event) -> None:
        assert driver.stdin is not None
        try:
            with self._lock:
                driver.stdin.write(json.dumps(message) + "\n")
                driver.stdin.flush()
        except (BrokenPipeError, ValueError):
            return  # it has ended: who waits for it is told by its output's end

    def _read(self, driver: subprocess.Popen[str]) -> None:
        assert driver.stdout is not None
        for line in driver.stdout:
            if not line.endswith("\n"):
                break  # it was killed as it wrote
            event = json.loads(line)
            with self._lock:
                waiting = self._waiting.get(event["id"])
            if waiting is not None:
                waiting.put(event)
        with self._lock:
            self._failed = self._failed or self._gone()
            left = list(self._waiting.values())
        for events in left:
            events.put(None)

    # -- words -------------------------------------------------------------------------------------

    def _gone(self) -> BuildError:
        hint = f"look at its head, and build what is left with synth retry; what Ray said is in {self.log_path}"
        return BuildError("the Ray cluster is gone: its head, or this machine's part of it, ended", hint=hint)

    def _ended(self, event: Event) -> BuildError:
        """Why a job came to nothing."""
        if "error" in event:
            return error_of(Failure.from_json(event["error"]), self.log_path)
        if "nowhere" in event:
            return BuildError(
                f"no machine of the Ray cluster has what the job asks for: {event['nowhere']}",
                hint="ask for less under resources:, or add such a machine",
            )
        times = "once" if event["times"] == 1 else f"{event['times']} times"
        return BuildError(
            f"the job's worker was lost {times}, most likely for lack of memory: {event['lost']}",
            hint="build with fewer --threads, train on fewer rows, or give the machines more memory",
        )


def _end(driver: subprocess.Popen[str], patience: float = ENDING) -> None:
    """Ask, then insist. Ray ends the tasks of a driver that has gone, and a cluster that it started with it."""
    if driver.poll() is None and patience > 0 and driver.stdin is not None:
        try:
            driver.stdin.close()
            driver.wait(timeout=patience)
        except (OSError, subprocess.TimeoutExpired):
            pass
    if driver.poll() is None:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
