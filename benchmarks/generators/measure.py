"""Time, processor time and peak memory of this process. Standard library only: peers' interpreters import it, too."""

from __future__ import annotations

import importlib.metadata
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MIB = 2**20


def peak_mib() -> float:
    """The most memory (MiB, resident) that this process has held so far."""
    # Not ru_maxrss where it can be avoided: on Linux a child inherits its parent's peak through fork and exec.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024


@contextmanager
def measured(record: dict[str, Any], phase: str) -> Iterator[None]:
    """Add ``<phase>_s`` (wall), ``<phase>_cpu_s`` (all threads) and ``<phase>_peak_mib`` to ``record``."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    record[f"{phase}_s"] = time.perf_counter() - wall
    record[f"{phase}_cpu_s"] = time.process_time() - cpu
    record[f"{phase}_peak_mib"] = peak_mib()


def versions(*names: str) -> dict[str, str]:
    """The installed versions of the named distributions; those that are not installed are left out."""
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def job_from_arguments() -> dict[str, Any]:
    """The job that the benchmark hands to a child process, as its only argument."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    return job


def write_record(path: str, record: dict[str, Any]) -> None:
    """Write the child's record: the sign that it got to its end."""
    Path(path).write_text(json.dumps(record, indent=1), "utf-8")
