"""What a job costs beside its work on this machine's processes and on Ray, and what a second worker of Ray brings.

A job that finds its partition drawn does nothing; so its time is what handing it out takes. Start is not in it. Of the
second worker, CPU seconds of the same drawing by one and by two of them, by turns: what they take more is lost.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from benchmarks.partitions import MODEL, SOURCES, people
from synthkit.runners.jobs import Executor
from synthkit.runners.local import LocalExecutor
from synthkit.stats.kept import read
from tests.runners.test_local import nothing, partition
from tests.synth import Project

BAR_MS = 50.0
BAR_TIMES = 1.7


def executors(root: Path) -> dict[str, Executor]:
    """One of each runner that is installed."""
    found: dict[str, Executor] = {"local": LocalExecutor(1, root / "local.log")}
    try:
        from synthkit.runners.ray.executor import RayExecutor
        from synthkit.runners.ray.options import RayOptions
    except ImportError:
        return found
    return {**found, "ray": RayExecutor(1, root / "ray.log", RayOptions(start_seconds=600))}


def cpu_seconds() -> float:
    """Of this process and all below it, a cluster's among them, as long as none has ended."""
    here = psutil.Process()
    times = [one.cpu_times() for one in (here, *here.children(recursive=True))]
    return sum(t.user + t.system for t in times)


def overheads(executor: Executor, root: Path, jobs: int) -> tuple[list[float], float]:
    """Milliseconds of each job, one after the other, the first ones left out; and milliseconds of CPU of one."""
    job: Any = partition(root)
    found, before = [], 0.0
    for number in range(jobs + 5):
        before = cpu_seconds() if number == 5 else before
        started = time.perf_counter()
        executor.run(job, nothing)
        if number >= 5:
            found.append(1000 * (time.perf_counter() - started))
    return found, 1000 * (cpu_seconds() - before) / jobs


def drawn(project: Project, workers: int) -> tuple[float, float]:
    """CPU and wall seconds of the drawing of all partitions by so many workers of Ray."""
    project.ok("build", "--runner", "ray", "--threads", str(workers), "--full-refresh")
    entry = read(project.root / "target").used[-1]
    cpu = sum(one.cpu_seconds or 0.0 for one in entry.consumed if one.phase == "sample")
    return cpu, float(project.results()["many"]["seconds"]["sample"])


def main() -> bool:
    """Print both tables; True where a job costs more than the bar, or a second worker brings less."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks jobs")
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=2)
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["jobs"] else [])
    wrong = False
    print("| runner | jobs | least ms | median ms | CPU ms |\n| --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "synth_project.yml").write_text("name: shop\n", "utf-8")
        for name, executor in executors(Path(folder)).items():
            try:
                taken, cpu = overheads(executor, Path(folder), given.jobs)
            finally:
                executor.close()
            wrong |= min(taken) > BAR_MS
            print(
                f"| {name} | {given.jobs} | {min(taken):.1f} | {statistics.median(taken):.1f} | {cpu:.1f} |", flush=True
            )
    if not given.rows or given.turns < 1:
        return wrong
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        model = MODEL.format(rows=given.rows, most=-(-given.rows // 4))
        project.write({"synth_project.yml": "name: large\nseed: 1\n", "models/sources.yml": SOURCES})
        (project.root / "models/models.yml").write_text(model, "utf-8")
        pq.write_table(people(), project.root / "people.parquet")
        os.environ.pop("RAY_ADDRESS", None)
        os.environ["SYNTH_TEST_SECONDS"] = "3000"  # of a build: a busy machine takes longer than tests are given
        one, two = zip(*((drawn(project, 1), drawn(project, 2)) for _ in range(given.turns)), strict=True)
    print("\n| rows | workers of Ray | CPU s | wall s |\n| ---: | ---: | ---: | ---: |")
    medians = []
    for workers, found in ((1, one), (2, two)):
        cpu, wall = (statistics.median(f[i] for f in found) for i in (0, 1))
        medians.append(cpu)
        print(f"| {given.rows:,} | {workers} | {cpu:.2f} | {wall:.1f} |")
    times = 2 * medians[0] / medians[1]
    print(f"\nrows per CPU second of two, against one: {times:.2f} times (a core for each)")
    return wrong or times < BAR_TIMES
