"""What a Ray worker does: one job, whose progress and end it yields as it goes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import synthkit
from synthkit.files import Json
from synthkit.runners.attempt import attempt
from synthkit.runners.throttled import Throttled

PATIENCE = 10.0  # seconds that a shared file system may take to show a file
SOON = (
    0.2  # seconds: what ends before tells nothing but its end, as each event is a message that Ray sends and confirms
)


def carry(sent: Json, root: str, seen: str | None, version: str) -> Iterator[dict[str, Any]]:
    """Events of a job: ``{"began": True}``, ``{"progress": …}``, and last ``{"result": …}`` or ``{"error": …}``.

    Of a job that ends within :data:`SOON` the last alone.

    Args:
        sent: the job, as it travels.
        root: where the project lies here.
        seen: a file below it that the coordinator wrote, which shows that both look at one storage.
        version: of synthkit, that the coordinator has.
    """
    problem = _unlike(root, seen, version)
    if problem is not None:
        yield {"error": problem}
        return
    events: queue.Queue[dict[str, Any]] = queue.Queue()

    def run() -> None:
        events.put(attempt(sent, Throttled(lambda step: events.put({"progress": step})), Path(root)))

    threading.Thread(target=run, daemon=True).start()
    held, until = list[dict[str, Any]]([{"began": True}]), time.monotonic() + SOON
    while True:
        try:
            event = events.get(timeout=max(0.0, until - time.monotonic()) if held else None)
        except queue.Empty:
            for earlier in held:  # noqa: UP028 - Ray sends into the generator, which a list would be sent then
                yield earlier
            held = []
            continue
        if "progress" not in event:
            yield event
            return
        if held:
            held.append(event)
        else:
            yield event


def _unlike(root: str, seen: str | None, version: str) -> dict[str, Any] | None:
    """Why this machine cannot carry out a job of the coordinator's, as a failure."""
    import platform

    host = platform.node()
    if version != synthkit.__version__:
        message = f"{host} has synthkit {synthkit.__version__}, and this build is of {version}"
        return {"message": message, "hint": "install the same version on every machine of the cluster"}
    wanted = Path(root) / (seen or "synth_project.yml")
    until = time.monotonic() + PATIENCE
    while not wanted.exists():
        if time.monotonic() > until:
            message = f"{host} does not see the project: there is no {wanted}"
            hint = "put the project on storage that every machine mounts, and say where with the runner's option root"
            return {"message": message, "hint": hint}
        time.sleep(0.2)
    return None
