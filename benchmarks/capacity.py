"""How long a table takes on 1, 10 and 100 machines, by rates that are measured here, and what saturates first.

Builds at two sizes give what each phase costs, as a constant and by the row; two further ones, of twice the size, with
one worker and with two, say how far off that is. All of it in CPU seconds, as other things run on the machine, too:
time is then what the CPU seconds of the longest way are, with a core for each worker and storage that keeps up.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.partitions import build, project
from synthkit.stats.kept import read

DRAWN = "sample"  # the phase that partitions share out; all others are one job, one after the other
OWN = "coordinator"  # what the build's own processes take beside their jobs


@dataclass(frozen=True)
class Taken:
    """One build: CPU seconds by phase, bytes of its table."""

    rows: int
    phases: dict[str, float]
    bytes: int
    jobs: int

    @property
    def cpu(self) -> float:
        return sum(self.phases.values())


def taken(root: Path, rows: int, most: int, workers: int) -> Taken:
    """Build the table, whose model is trained already, and see what it took."""
    whole = build(root, rows, most, workers)
    entry = read(root / "target").used[-1]
    phases: dict[str, float] = {}
    for one in entry.consumed:
        phases[one.phase] = phases.get(one.phase, 0.0) + (one.cpu_seconds or 0.0)
    phases[OWN] = max(0.0, whole.cpu - sum(phases.values()))
    (file,) = (root / "warehouse").rglob("*.parquet")
    return Taken(rows, phases, file.stat().st_size, -(-rows // most))


@dataclass(frozen=True)
class Model:
    """CPU seconds of a phase: a constant, and by the row."""

    constant: dict[str, float]
    by_row: dict[str, float]

    def seconds(self, phase: str, rows: int) -> float:
        return self.constant[phase] + self.by_row[phase] * rows

    def cpu(self, rows: int) -> float:
        return sum(self.seconds(phase, rows) for phase in self.constant)

    def wall(self, rows: int, partitions: int, workers: int) -> tuple[float, float]:
        """Seconds of what is done one after the other, and of the drawing by so many workers."""
        apart = sum(self.seconds(phase, rows) for phase in self.constant if phase != DRAWN)
        rounds = math.ceil(partitions / workers)
        return apart, rounds * self.seconds(DRAWN, rows) / partitions


def fitted(small: Taken, large: Taken) -> Model:
    """A line through two sizes; nothing is cheaper by the row than for nothing."""
    by_row = {
        phase: max(0.0, (large.phases.get(phase, 0.0) - seconds) / (large.rows - small.rows))
        for phase, seconds in small.phases.items()
    }
    return Model({p: max(0.0, s - by_row[p] * small.rows) for p, s in small.phases.items()}, by_row)


def main() -> bool:
    """Print rates, the check and the plan; True where the check is off by more than the bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks capacity")
    parser.add_argument("--rows", type=int, default=500_000, help="of the smaller build; the others have 2 and 4 times")
    parser.add_argument("--most", type=int, default=250_000, help="rows of a partition")
    parser.add_argument("--planned", type=int, default=100_000_000)
    parser.add_argument("--cores", type=int, default=8, help="of each machine that is planned with")
    parser.add_argument("--bar", type=float, default=0.25, help="share that the check may be off by")
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["capacity"] else [])
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        root = project(Path(folder))
        os.chdir(root)
        try:
            build(root, 1_000, 1_000, 1)  # trains
            small, large = (taken(root, n * given.rows, given.most, 1) for n in (1, 2))
            checks = [(workers, taken(root, 4 * given.rows, given.most, workers)) for workers in (1, 2)]
        finally:
            os.chdir(before)
    model = fitted(small, large)
    print(
        "| phase | CPU s, whatever the rows | CPU s for a million rows | rows / CPU s |\n| --- | ---: | ---: | ---: |"
    )
    for phase in sorted(model.constant):
        rate = model.by_row[phase]
        by_row = f"{1 / rate:,.0f}" if rate else "–"
        print(f"| {phase} | {model.constant[phase]:.1f} | {1e6 * rate:.2f} | {by_row} |")
    print("\n| checked: rows | workers | CPU s predicted | measured | off by |\n| ---: | ---: | ---: | ---: | ---: |")
    wrong = False
    for workers, found in checks:
        said = model.cpu(found.rows)
        off = said / found.cpu - 1
        wrong |= abs(off) > given.bar
        print(f"| {found.rows:,} | {workers} | {said:.1f} | {found.cpu:.1f} | {off:+.0%} |")
    _plan(model, given.planned, given.cores, large.bytes / large.rows)
    return wrong


def _plan(model: Model, rows: int, cores: int, size: float) -> None:
    """What so many rows take on more machines, and what they then wait for."""
    partitions = -(-rows // 1_000_000)
    print(f"\n{rows:,} rows in {partitions} partitions, machines of {cores} cores, trained already\n")
    print("| machines | drawing s | the rest, one by one, s | together s | rows / s | writes MB / s | waits for |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for machines in (1, 10, 100):
        apart, drawing = model.wall(rows, partitions, machines * cores)
        idle = machines * cores > partitions
        waits = "partitions: fewer than cores" if idle and drawing > apart else "the drawing"
        if apart > drawing:
            waits = "what is done once: put together, audit, publish" + (", with cores idle" if idle else "")
        written = size * rows / drawing / 1e6
        print(
            f"| {machines} | {drawing:.0f} | {apart:.0f} | {apart + drawing:.0f} "
            f"| {rows / (apart + drawing):,.0f} | {written:,.0f} | {waits} |"
        )
