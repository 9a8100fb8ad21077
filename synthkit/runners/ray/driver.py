"""The driver of a Ray cluster: jobs as JSON lines on stdin, events on stdout, until stdin closes.

In: how to start, then ``{"id": …, "job": …, "asks": …}`` a job, or ``{"cancel": id}``. Out: ``{"started": …}`` or
``{"failed": …}``, then ``{"id": …}`` with ``began``, ``progress``, ``result``, ``error``, ``lost`` or ``nowhere``. The
build's own process is another one, as Ray ends the process of a driver that has lost its cluster.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import ray
from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayError,
    RaySystemError,
    TaskCancelledError,
    WorkerCrashedError,
)

from synthkit.files import Json
from synthkit.runners.ray.task import carry
from synthkit.runners.telling import Events

LOST = (WorkerCrashedError, NodeDiedError, OutOfMemoryError, ObjectLostError, LocalRayletDiedError, RaySystemError)
OBJECT_STORE = 80_000_000  # bytes, about the least that Ray takes: rows go through the project's storage


class Driver:
    """A connected driver."""

    def __init__(self, start: Json) -> None:
        self.say = Events().say
        self._start, self._running, self._stopped = start, {}, False  # type: ignore[var-annotated]
        self._cancelled: set[int] = set()
        self._task = ray.remote(max_retries=0, num_returns="streaming")(carry)

    def connect(self) -> None:
        """Join the cluster, or start one on this machine."""
        address = self._start["address"]
        own: Any = {"include_dashboard": False, "object_store_memory": OBJECT_STORE} if address == "local" else {}
        if self._start["variables"]:
            own["runtime_env"] = {"env_vars": self._start["variables"]}
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="ERROR",
            **own,
        )
        self.say({"started": True})

    def run(self, id: int, job: Json, asks: Json) -> None:
        """A job, as often as its workers are lost and it may be run again."""
        nowhere = self._nowhere(asks)
        if nowhere is not None:
            self.say({"id": id, "nowhere": nowhere})
            return
        retries = self._start["retries"]
        for left in range(retries, -1, -1):
            try:
                for event in self._attempt(id, job, asks):
                    self.say({"id": id, **event})
                return
            except TaskCancelledError:
                return
            except LOST as error:
                if self._stopped or id in self._cancelled:
                    return
                why = _first_line(error)
                if left == 0:
                    self.say({"id": id, "lost": why, "times": retries + 1})
                    return
                self.say({"id": id, "progress": ("retry", retries - left + 1, retries, "retries", why)})
            except RayError as error:
                self.say({"id": id, "error": {"message": f"Ray cannot run the job: {_first_line(error)}"}})
                return
            finally:
                self._running.pop(id, None)

    def _nowhere(self, asks: Json) -> str | None:
        """What no machine of the cluster has, for which Ray would wait for ever.

        Where limits are declared, machines may come as they are asked for.
        """
        wanted = {"CPU": asks.get("num_cpus"), "GPU": asks.get("num_gpus"), "memory": asks.get("memory")}
        if "accelerator_type" in asks:
            wanted[f"accelerator_type:{asks['accelerator_type']}"] = 0.001
        wanted = {name: amount for name, amount in wanted.items() if amount}
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if self._start["grows"] or any(all(m.get(n, 0) >= a for n, a in wanted.items()) for m in machines):
            return None
        return ", ".join(f"{name} {amount:g}" for name, amount in wanted.items())

    def _attempt(self, id: int, job: Json, asks: Json) -> Iterator[dict[str, Any]]:
        where = self._start
        events = self._task.options(**asks).remote(job, where["root"] or job["root"], where["seen"], where["version"])
        self._running[id] = events
        if id in self._cancelled:
            ray.cancel(events, force=True)
        for event in events:
            yield ray.get(event)

    def cancel(self, id: int) -> None:
        """End a job that nobody waits for any more, as a copy of it was faster."""
        self._cancelled.add(id)
        events = self._running.get(id)
        if events is not None:
            ray.cancel(events, force=True)

    def stop(self) -> None:
        self._stopped = True
        for events in list(self._running.values()):
            ray.cancel(events, force=True)


def _first_line(error: Exception) -> str:
    cause = getattr(error, "cause", None)  # of what a task raised; Ray's own first line says which task it was
    if isinstance(cause, Exception):
        return f"{type(cause).__name__}: {_first_line(cause)}"
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]


def main() -> None:
    start = json.loads(sys.stdin.readline())
    driver = Driver(start)
    try:
        driver.connect()
    except Exception as error:
        driver.say({"failed": _first_line(error)})
        os._exit(1)
    for line in sys.stdin:
        message = json.loads(line)
        if "cancel" in message:
            driver.cancel(message["cancel"])
        else:
            threading.Thread(target=driver.run, kwargs=message, daemon=True).start()
    driver.stop()
    ray.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main()
