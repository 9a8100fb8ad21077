"""Which parts of a table are late. They are carried out twice, side by side; whichever is whole first counts.

The rule is that of Spark's speculative execution (``spark.speculation``): most parts are done, and this one has taken
some times as long as their median.
"""

from __future__ import annotations

import statistics
import threading
import time

QUANTILE = 0.75  # of the parts must be done
MULTIPLIER = 2.0  # times their median
LEAST = 30.0  # seconds that a part may take in any case


class Pace:
    """How long the parts of one table take; safe to use from many threads.

    Args:
        parts: how many there are.
    """

    def __init__(self, parts: int) -> None:
        self._parts = parts
        self._began: dict[int, float] = {}
        self._took: dict[int, float] = {}
        self._copied: set[int] = set()
        self._lock = threading.Lock()

    def begin(self, part: int) -> None:
        """It runs; a second time where its worker was lost."""
        with self._lock:
            self._began[part] = time.monotonic()

    def end(self, part: int) -> None:
        with self._lock:
            if part not in self._took:
                self._took[part] = time.monotonic() - self._began.get(part, time.monotonic())

    @property
    def all_done(self) -> bool:
        with self._lock:
            return len(self._took) == self._parts

    def done(self, part: int) -> bool:
        with self._lock:
            return part in self._took

    def take_late(self, part: int) -> bool:
        """Whether the part is late and nobody was told so before."""
        with self._lock:
            if part in self._copied or part in self._took or part not in self._began:
                return False
            if len(self._took) < QUANTILE * self._parts:
                return False
            patience = max(LEAST, MULTIPLIER * statistics.median(self._took.values()))
            if time.monotonic() - self._began[part] <= patience:
                return False
            self._copied.add(part)
            return True
