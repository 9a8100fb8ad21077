"""How many jobs of a build run at once, whichever models they are of."""

from __future__ import annotations

import threading


class Slots:
    """How many jobs may run at once, over all models of a build: whoever runs one holds a slot."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = threading.Semaphore(count)

    def take(self) -> bool:
        """Take one, if one is free."""
        return self._free.acquire(blocking=False)

    def give_back(self) -> None:
        self._free.release()
