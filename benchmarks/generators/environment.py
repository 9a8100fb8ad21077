"""What a figure was taken on: without it a figure is worth nothing."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from pathlib import Path
from typing import Any

from benchmarks.generators.measure import versions
from synthkit.errors import DISTRIBUTION

PACKAGES = (DISTRIBUTION, "torch", "sdv", "ctgan", "sdmetrics", "scikit-learn", "numpy", "pandas", "duckdb")


def environment(threads: int) -> dict[str, Any]:
    """Date, machine, versions and the command, JSON-able."""
    return {
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["python -m benchmarks.generators", *sys.argv[1:]]),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB, {platform.system()}",
        "load_average": [round(x, 2) for x in os.getloadavg()],
        "threads_per_fit": threads,
        "python": platform.python_version(),
        "versions": versions(*PACKAGES),
    }


def environment_text(found: dict[str, Any]) -> str:
    """The same as a paragraph."""
    named = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    return (
        f"`{found['command']}` on {found['date']}: {found['machine']}, load {found['load_average'][0]} at the start, "
        f"{found['threads_per_fit']} threads a fit; Python {found['python']}, {named}."
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text("utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def _memory_gib() -> float:
    import psutil

    return float(psutil.virtual_memory().total) / 2**30
