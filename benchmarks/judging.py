"""Audits by one worker and spread over two: CPU seconds of each job of a table's audits, and how long two would take.

Wall time tells nothing of a machine that others use, so it is worked out: each job begins on the worker that is free
first, in the order of a build, by the CPU seconds that it took.
"""

from __future__ import annotations

import argparse
import heapq
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq

from benchmarks.partitions import SOURCES, people
from synthkit.building.build import Options, build
from synthkit.compiler import compile_project
from synthkit.planning.plan import make_plan
from synthkit.project.project import load_project
from synthkit.runners.jobs import AuditJob, Job, JobProgress, RepeatJob
from synthkit.runners.local import LocalExecutor
from tests.synth import Project

R = TypeVar("R")
BAR = 1.3  # of the CPU seconds of one job with all of them
MODEL = """
version: 1
models:
  - name: many
    source: "{{{{ source('crm', 'people') }}}}"
    generator: {{name: circuit, states: 2, max_steps: 20, min_steps: 20, refinements: 0}}
    size: {rows}
    materialized: parquet
    audits:
      - ks: {{max: 1}}
      - column_pairs: {{max: 1}}
      - dcr: {{max: 1}}
      - detection: {{max: 1}}
      - tstr: {{target: kind0, max: 1}}
      - augmentation: {{target: kind1, repeats: 3}}
"""


@dataclass
class Told:
    """An executor that keeps, of jobs that judge, their kind, their audits and their CPU seconds."""

    inner: LocalExecutor
    took: list[tuple[str, str, float]] = field(default_factory=list)

    def run(self, job: Job[R], progress: JobProgress) -> R:
        found: Any = self.inner.run(job, progress)
        if isinstance(job, AuditJob | RepeatJob):
            names = ", ".join(bound.name for bound in job.audits)
            self.took.append((job.kind, names, sum(m.cpu_seconds for m in found.measured)))
        return found  # type: ignore[no-any-return]

    def stop(self) -> None:
        self.inner.stop()

    def close(self) -> None:
        self.inner.close()


def judged(root: Path, threads: int) -> tuple[list[tuple[str, str, float]], list[dict[str, Any]]]:
    """What each job took, and what the audits found, times aside."""
    (root / "warehouse/dev/many.receipt.json").unlink(missing_ok=True)
    manifest = compile_project(load_project(root))
    executor = Told(LocalExecutor(1, root / "target/logs/jobs.log"))
    run = build(manifest, lambda: make_plan(manifest), options=Options(threads=threads), executor=executor)
    if run.results[0].status in ("error", "skipped"):
        raise RuntimeError(run.results[0].message)
    return executor.took, [{**record.to_json(), "seconds": 0} for record in run.results[0].audits]


def length(stages: Sequence[Sequence[float]], workers: int) -> float:
    """Seconds until jobs in stages are done, each begun where a worker is free first."""
    now = 0.0
    for stage in stages:
        free = [now] * workers
        for seconds in stage:
            heapq.heappush(free, heapq.heappop(free) + seconds)
        now = max(free)
    return now


def main() -> bool:
    """Print the tables; True where spreading costs more than the bar, or changes what is found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks judging")
    parser.add_argument("--rows", type=int, default=50_000)
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["judging"] else [])
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        project.write({"synth_project.yml": "name: large\nseed: 1\n", "models/sources.yml": SOURCES})
        (project.root / "models/models.yml").write_text(MODEL.format(rows=given.rows), "utf-8")
        pq.write_table(people().slice(0, given.rows), project.root / "people.parquet")
        judged(project.root, 1)  # trains and draws; the jobs that follow judge alone
        alone, found = judged(project.root, 1)
        spread, same = judged(project.root, 2)
    print("| workers | job | audits | CPU s |\n| ---: | --- | --- | ---: |")
    for workers, jobs in ((1, alone), (2, spread)):
        for kind, names, seconds in jobs:
            print(f"| {workers} | {kind} | {names} | {seconds:.1f} |")
    one, two = (sum(seconds for *_, seconds in jobs) for jobs in (alone, spread))
    repeats = {names for kind, names, _ in spread if kind == "repeat"}
    late = [s for kind, names, s in spread if kind == "audit" and names in repeats]
    early = [s for kind, names, s in spread if kind == "repeat" or names not in repeats]
    took = length([early, late], 2)
    print(f"\nCPU seconds of two workers, of one's: {two / one:.2f}; two would be done in {took / one:.2f} of its time")
    other = [a["name"] for a, b in zip(found, same, strict=True) if a != b]
    print(f"what the audits find: {'the same' if found == same else f'ANOTHER, of {other}'}")
    return two > BAR * one or found != same
