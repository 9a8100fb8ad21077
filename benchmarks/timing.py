"""Whole-process timing: medians, because these figures are taken on machines that do other things too."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

SYNTH = (sys.executable, "-m", "synthkit")


def seconds(command: Sequence[str], cwd: Path, runs: int = 5) -> list[float]:
    """Wall seconds of each of ``runs`` runs after one that is not counted. Raises if a run fails."""
    taken = []
    for index in range(runs + 1):
        started = time.perf_counter()
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
        if index:
            taken.append(time.perf_counter() - started)
    return taken


def report(rows: Sequence[tuple[str, Sequence[float], float]]) -> None:
    """Print name, minimum, median and maximum, and the bar that the design sets."""
    print("| what | min s | median s | max s | bar s | |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for name, taken, bar in rows:
        median = statistics.median(taken)
        verdict = "within" if median <= bar else "OVER"
        print(f"| {name} | {min(taken):.2f} | {median:.2f} | {max(taken):.2f} | {bar:g} | {verdict} |")
