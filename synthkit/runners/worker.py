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
from typing import Any, TextIO

from synthkit.runners.attempt import attempt
from synthkit.runners.throttled import Throttled


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
    _send(events, attempt(json.loads(line), Throttled(lambda step: _send(events, {"progress": step}))))


def _send(events: TextIO, event: dict[str, Any]) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


if __name__ == "__main__":
    main()
