"""Progress of a job that is told over a wire: not more of it than somebody can read."""

from __future__ import annotations

import time
from collections.abc import Callable

PROGRESS_INTERVAL = 0.1  # seconds between two progress events of one phase

Step = tuple[str, int, int, str, str]  # phase, done, total, unit, note


class Throttled:
    """Progress that calls ``send`` at most every :data:`PROGRESS_INTERVAL` seconds, and with the last step always."""

    def __init__(self, send: Callable[[Step], None]) -> None:
        self._send, self._last, self._phase = send, 0.0, ""

    def __call__(self, phase: str, done: int, total: int, unit: str, note: str = "") -> None:
        now = time.monotonic()
        if phase == self._phase and done < total and now - self._last < PROGRESS_INTERVAL:
            return
        self._last, self._phase = now, phase
        self._send((phase, done, total, unit, note))
