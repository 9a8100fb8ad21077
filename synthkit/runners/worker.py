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

from synthkit.runners.attempt import attempt
from synthkit.runners.telling import Events
from synthkit.runners.throttled import Throttled


def main() -> None:
    events = Events()
    jobs: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(jobs,), daemon=True).start()
    while True:
        _run(jobs.get(), events)


def _read(jobs: queue.Queue[str]) -> None:
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)


def _run(line: str, events: Events) -> None:
    events.say(attempt(json.loads(line), Throttled(lambda step: events.say({"progress": step}))))


if __name__ == "__main__":
    main()
