"""The GPUs of this machine, each kept for one job at a time: for those that ask for some under ``resources:``."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from synthkit.errors import BuildError

VISIBLE = "CUDA_VISIBLE_DEVICES"  # CUDA shows a process these devices alone, numbered anew from 0


class Gpus:
    """Hands out devices, in the order in which jobs asked.

    Args:
        names: as :data:`VISIBLE` has them: numbers or UUIDs.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._free = list(names)
        self._waiting: list[object] = []
        self._changed = threading.Condition()
        self._stopped: str | None = None

    @contextmanager
    def taken(self, count: int, device: str = "auto") -> Iterator[tuple[str, ...]]:
        """So many devices, as soon as they are free; ``device: cuda:N`` is one of them.

        Raises:
            BuildError: the machine has not so many, or not that one, or the build was stopped meanwhile.
        """
        first = self._named(count, device)
        found = self._take(count, first)
        try:
            yield found
        finally:
            with self._changed:
                self._free = [name for name in self.names if name in self._free or name in found]
                self._changed.notify_all()

    def stop(self, said: str) -> None:
        """Nobody gets one from now on; who waits is told why."""
        with self._changed:
            self._stopped = said
            self._changed.notify_all()

    def _named(self, count: int, device: str) -> str | None:
        """The device that ``cuda:N`` means. Raises BuildError as :meth:`taken`."""
        number = device.partition("cuda:")[2]
        most = int(number) + 1 if number.isdigit() else 0
        if max(count, most) > len(self.names):
            raise BuildError(
                f"a job asks for {f'device {device}' if most > count else f'{count} GPUs'}, "
                f"and this machine has {len(self.names)}",
                hint=f"ask for less under resources:, or see what {VISIBLE} leaves",
            )
        return self.names[most - 1] if most else None

    def _take(self, count: int, first: str | None) -> tuple[str, ...]:
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            try:
                while self._stopped is None and not (self._waiting[0] is turn and self._can(count, first)):
                    self._changed.wait()
                if self._stopped is not None:
                    raise BuildError(self._stopped)
                others = [name for name in self._free if name != first]
                found = (*([first] if first else []), *others)[:count]
                self._free = [name for name in self._free if name not in found]
                return found
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()

    def _can(self, count: int, first: str | None) -> bool:
        return len(self._free) >= count and (first is None or first in self._free)
