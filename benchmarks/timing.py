"""Whole-process timing: medians, because these figures are taken on machines that do other things too."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SYNTH = (sys.executable, "-m", "synthkit")


def seconds(command: Sequence[str], cwd: Path, runs: int = 5) -> list[float]:
    """CPU seconds of each of ``runs`` runs after one that is not counted, children included. Raises if a run fails.

    As a user's Python does, these keep what they compiled of the package: a machine that tests code forbids it, and
    would count Python's compiler each time.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    taken = []
    for index in range(runs + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
        if index:
            taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return taken


def report(rows: Sequence[tuple[str, Sequence[float], float]], unit: str = "CPU s") -> None:
    """Print name, minimum, median and maximum, and the bar that the design sets."""
    print(f"| what | min {unit} | median {unit} | max {unit} | bar {unit} | |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for name, taken, bar in rows:
        median = statistics.median(taken)
        verdict = "within" if median <= bar else "OVER"
        print(f"| {name} | {min(taken):.2f} | {median:.2f} | {max(taken):.2f} | {bar:g} | {verdict} |")
