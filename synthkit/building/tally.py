"""What a model's jobs took, added up by phase and machine while they come in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from synthkit.records.consumption import Consumption
from synthkit.runners.done import Done, Drawn, FamilyMade, Made, Measured
from synthkit.runners.jobs import Job, RepeatJob
from synthkit.runners.metering import machine

UNKNOWN = "unknown"  # the machine of a job whose runner does not measure
GIB = 2**30


@dataclass
class _Sum:
    """The fields of a :class:`Consumption` while they grow."""

    jobs: int = 0
    rows: int = 0
    seconds: float = 0.0
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    core_seconds: float = 0.0
    memory_seconds: float = 0.0
    gpu_seconds: float = 0.0
    waited: float = 0.0


class Tally:
    """Of one model in one run. Safe for several threads."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], _Sum] = {}
        self._lock = threading.Lock()
        self.paid = Decimal(0)

    @contextmanager
    def watching(self, job: Job[Any]) -> Iterator[list[Any]]:
        """Around a job that is carried out elsewhere: what it came to is put into the list; one that failed counts."""
        started, done = time.perf_counter(), list[Any]()
        try:
            yield done
        except Exception as error:
            self._add(job, getattr(error, "measured", ()), 0, time.perf_counter() - started)
            raise
        found = done[0]
        measured = found.measured if isinstance(found, Done) else ()
        self._add(job, measured, _rows(found), time.perf_counter() - started)

    def many(self, jobs: Sequence[Job[Any]], done: Sequence[Any], handed_out: float) -> None:
        """Jobs that were handed out at once, at a time in seconds since 1970.

        When each of them was begun is known by the clock of its machine alone, so how long it waited is held to what
        is possible by the clock of this one.
        """
        elapsed = time.time() - handed_out
        for job, found in zip(jobs, done, strict=True):
            measured = found.measured if isinstance(found, Done) else ()
            busy = sum(m.seconds for m in measured)
            waited = measured[0].began - handed_out if measured else 0.0
            self._add(job, measured, _rows(found), busy + min(max(0.0, waited), max(0.0, elapsed - busy)))

    def failed(self, job: Job[Any], measured: Sequence[Measured]) -> None:
        """One of jobs that were handed out at once; of the others nobody here knows what they took."""
        if measured:
            self._add(job, measured, 0, sum(m.seconds for m in measured))

    def here(self, phase: str, seconds: float, cpu_seconds: float) -> None:
        """What the build's own process did for the model."""
        with self._lock:
            one = self._sums.setdefault((phase, machine()), _Sum())
            one.jobs += 1
            one.seconds += seconds
            one.cpu_seconds = (one.cpu_seconds or 0.0) + cpu_seconds
            one.core_seconds += cpu_seconds

    def consumed(self) -> tuple[Consumption, ...]:
        """By phase and machine, in the order in which they came."""
        with self._lock:
            return tuple(_consumption(phase, machine, one) for (phase, machine), one in self._sums.items())

    def _add(self, job: Job[Any], measured: Sequence[Measured], rows: int, elapsed: float) -> None:
        """One job; ``elapsed`` are the seconds from handing it out to its end."""
        asked = job.resources
        with self._lock:
            if not measured:
                one = self._sums.setdefault((_unmeasured(job), UNKNOWN), _Sum())
                one.jobs, one.rows, one.seconds = one.jobs + 1, one.rows + rows, one.seconds + elapsed
                one.core_seconds += elapsed * (asked.cpus or 0)
                one.memory_seconds += elapsed * (asked.memory or 0) / GIB
                one.gpu_seconds += elapsed * (asked.gpus or 0)
                return
            for number, part in enumerate(measured):
                last = number == len(measured) - 1
                one = self._sums.setdefault((part.phase, part.machine), _Sum())
                one.jobs += 1
                one.rows += rows if last else 0
                one.seconds += part.seconds
                one.cpu_seconds = (one.cpu_seconds or 0.0) + part.cpu_seconds
                one.peak_memory = max(one.peak_memory or 0, part.peak_memory)
                one.core_seconds += part.cpu_seconds if asked.cpus is None else asked.cpus * part.seconds
                one.memory_seconds += (part.peak_memory if asked.memory is None else asked.memory) / GIB * part.seconds
                one.gpu_seconds += (part.gpus if asked.gpus is None else asked.gpus) * part.seconds
                self.paid += Decimal(part.paid)
            first = self._sums[measured[0].phase, measured[0].machine]
            first.waited += max(0.0, elapsed - sum(part.seconds for part in measured))


def _rows(done: Any) -> int:
    """Of tables, that a job made; putting partitions together makes none."""
    if isinstance(done, FamilyMade):
        return sum(made.rows for made in done.members.values())
    if isinstance(done, Made):
        return 0 if "assemble" in done.seconds else done.rows
    return done.rows if isinstance(done, Drawn) and done.seconds else 0  # one that was there took no time


def _unmeasured(job: Job[Any]) -> str:
    """What the job is of, as far as its kind says it: trainings that an audit repeats are of the audit."""
    return "audit" if isinstance(job, RepeatJob) else str(getattr(job, "kind", "job"))


def _consumption(phase: str, machine: str, one: _Sum) -> Consumption:
    found: dict[str, Any] = {
        name: round(value, 3) if isinstance(value, float) else value for name, value in vars(one).items()
    }
    return Consumption(phase=phase, machine=machine, **found)
