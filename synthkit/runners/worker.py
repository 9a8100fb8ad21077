"""A worker process: one job a line on stdin, events a line on stdout, until stdin closes.

``{"progress": …}`` while a job runs, then ``{"result": …}`` or ``{"error": …}``. Whatever libraries print
goes to stderr, so that it cannot be taken for an event. When the coordinator dies, stdin closes and the
worker ends at once, so that no orphan goes on training.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from dataclasses import asdict
from typing import Any, TextIO

from synthkit.errors import SynthError
from synthkit.runners.actions import execute
from synthkit.runners.done import Failure
from synthkit.runners.jobs import done_to_json, job_from_json

PROGRESS_INTERVAL = 0.1  # seconds between two progress events of one phase


def main() -> None:
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    jobs: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(jobs,), daemon=True).start()
    while True:
        _run(jobs.get(), events)


def _read(jobs: queue.Queue[str]) -> None:
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)


def _run(line: str, events: TextIO) -> None:
    try:
        job = job_from_json(json.loads(line))
        done = execute(job, _Throttled(events))
        _send(events, {"result": done_to_json(job, done)})
    except SynthError as error:
        where = None if error.where is None else str(error.where)
        _fail(events, Failure(error.message, error.hint, where))
    except MemoryError:
        hint = "train on fewer rows, or give the machine more memory"
        _fail(events, Failure("out of memory", hint))
    except Exception as error:
        _fail(events, Failure(f"{type(error).__name__}: {error}", trace=traceback.format_exc()))


def _fail(events: TextIO, failure: Failure) -> None:
    _send(events, {"error": asdict(failure)})


class _Throttled:
    """Sends progress at most every :data:`PROGRESS_INTERVAL` seconds, and always the last step."""

    def __init__(self, events: TextIO) -> None:
        self.events, self.last, self.phase = events, 0.0, ""

    def __call__(self, phase: str, done: int, total: int, unit: str, note: str = "") -> None:
        now = time.monotonic()
        if phase == self.phase and done < total and now - self.last < PROGRESS_INTERVAL:
            return
        self.last, self.phase = now, phase
        _send(self.events, {"progress": [phase, done, total, unit, note]})


def _send(events: TextIO, event: dict[str, Any]) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


if __name__ == "__main__":
    main()
