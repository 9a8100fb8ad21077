"""What a job takes of the machine that it runs on, phase by phase, measured there in its own process."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from decimal import Decimal
from pathlib import Path

from synthkit.memory import give_back
from synthkit.runners.done import Measured

EVERY = 0.05  # seconds between two looks at the memory, where the kernel does not keep its peak
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_PEAK = re.compile(rb"^VmHWM:\s*(\d+) kB", re.MULTILINE)


def machine() -> str:
    """What the machine of this process is called: ``SYNTH_MACHINE``, where a runner knows better than the system."""
    import platform

    return os.environ.get("SYNTH_MACHINE") or platform.node() or "unknown"


class Meter:
    """Adds up a job's phases. What is measured is the whole process, which a worker has for one job at a time.

    Args:
        phase: the first one.
    """

    def __init__(self, phase: str) -> None:
        self._found: dict[str, Measured] = {}
        self._phase, self._paid = phase, Decimal(0)
        self._peak = _Peak()
        self._begin()

    def enter(self, phase: str) -> None:
        """From now on it is another phase, which has what the one before let go."""
        self._end()
        give_back()
        self._phase = phase
        self._begin()

    def paid(self, usd: Decimal) -> None:
        """Somebody was paid so much just now."""
        self._paid += usd

    def measured(self) -> tuple[Measured, ...]:
        """The phases until now, in the order of their beginnings."""
        self._end()
        self._begin()
        return tuple(self._found.values())

    def close(self) -> None:
        self._peak.close()

    def _begin(self) -> None:
        self._peak.begin()
        self._at, self._clock, self._cpu = time.time(), time.perf_counter(), _cpu_seconds()

    def _end(self) -> None:
        seconds, cpu, peak = time.perf_counter() - self._clock, _cpu_seconds() - self._cpu, self._peak.end()
        before = self._found.get(self._phase) or Measured(self._phase, machine(), began=self._at)
        self._found[self._phase] = Measured(
            phase=self._phase,
            machine=before.machine,
            began=before.began,
            seconds=before.seconds + max(0.0, seconds),
            cpu_seconds=before.cpu_seconds + max(0.0, cpu),
            peak_memory=max(before.peak_memory, peak),
            gpus=max(before.gpus, _gpus()),
            paid=str(Decimal(before.paid) + self._paid),
        )
        self._paid = Decimal(0)


_current: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metering(phase: str) -> Iterator[Meter]:
    """A meter for a job, which :func:`enter` and :func:`paid` speak to; the one that is there already, if there is."""
    there = _current.get()
    if there is not None:
        yield there
        return
    meter = Meter(phase)
    token = _current.set(meter)
    try:
        yield meter
    finally:
        _current.reset(token)
        meter.close()
        give_back()  # what this job let go is none of the next one's


def enter(phase: str) -> None:
    """The running job goes on to another phase; nothing where none is measured."""
    meter = _current.get()
    if meter is not None:
        meter.enter(phase)


def paid(usd: Decimal) -> None:
    """The running job paid somebody."""
    meter = _current.get()
    if meter is not None:
        meter.paid(usd)


def _cpu_seconds() -> float:
    """Of all threads of this process, and of its processes that have ended."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def _gpus() -> int:
    """How many CUDA devices this process works on; a worker takes one."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return 1 if cuda is not None and cuda.is_initialized() else 0


class _Peak:
    """The most memory (resident, bytes) that this process has between ``begin`` and ``end``.

    Linux keeps it, and lets a process set it back (proc(5), clear_refs 5). Elsewhere a thread looks every
    :data:`EVERY` seconds, and may miss what is there for less.
    """

    def __init__(self) -> None:
        self._seen, self._kept, self._stopped = 0, False, threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        self._seen = 0
        try:
            _CLEAR.write_bytes(b"5")
            self._kept = _PEAK.search(_STATUS.read_bytes()) is not None
        except OSError:
            self._kept = False
        if not self._kept:
            self._look()
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="synth-memory", daemon=True)
                self._thread.start()

    def end(self) -> int:
        if self._kept:
            with suppress(OSError):
                found = _PEAK.search(_STATUS.read_bytes())
                if found is not None:
                    return int(found[1]) * 1024
        self._look()
        return self._seen

    def close(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(EVERY):
            self._look()

    def _look(self) -> None:
        import psutil

        self._seen = max(self._seen, psutil.Process().memory_info().rss)
