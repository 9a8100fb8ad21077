"""What training on a large table costs: CPU seconds, memory of the largest process by kind of job, and how both grow.

A table of fifteen columns beside a key is written at each size, and built with few rows drawn and counted, so that what
reads its rows is what is measured: every job runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from benchmarks.generators.measure import measured
from synthkit.encoding.view import lay_down
from synthkit.runners.done import Failure
from synthkit.runners.environment import worker_variables
from synthkit.runners.failing import error_of
from synthkit.runners.jobs import Job, JobProgress, done_from_json, job_to_json

R = TypeVar("R")
SIZES = (1_000_000, 10_000_000)
BLOCK = 500_000  # rows that are made at once
GB = 2.0  # of a process, at most
EXPONENT = 1.0  # of CPU seconds in rows, at most
NOT_TRAINING = ("ingest", "audit")  # kinds of jobs
MODEL = """
version: 1
sources:
  - name: crm
    tables:
      - {{name: people, path: people.parquet, primary_key: person, holdout: 10%{declared}}}
models:
  - name: many
    source: "{{{{ source('crm', 'people') }}}}"
    generator: {generator}
    size: 1000{epsilon}
    materialized: parquet
    audits:
      - row_count: {{equals: 1000}}
"""
KINDS = {i: [f"kind {j}" for j in range(4 * (i + 1))] for i in range(4)}


def people(rows: int, seed: int = 1) -> Iterator[pa.RecordBatch]:
    """Fifteen columns beside a key: numbers that go together, categories, dates."""
    rng, start = np.random.default_rng(seed), 0
    while start < rows:
        n = min(BLOCK, rows - start)
        age = rng.integers(18, 90, n)
        columns = {"person": pa.array(np.arange(start + 1, start + n + 1)), "age": pa.array(age)}
        for i in range(5):
            columns[f"amount{i}"] = pa.array(np.round(rng.gamma(2, age * (i + 1)), 2))
        for i in range(4):
            columns[f"count{i}"] = pa.array(rng.poisson(age / (5 * (i + 1))))
        for i, kinds in KINDS.items():
            columns[f"kind{i}"] = pa.array(np.array(kinds)[(age // 7 + rng.integers(0, 3, n)) % len(kinds)])
        columns["joined"] = pa.array(rng.integers(10_000, 20_000, n).astype("int32")).cast(pa.date32())
        yield pa.record_batch(list(columns.values()), names=list(columns))
        start += n


@dataclass(frozen=True)
class Took:
    """One job: its kind, CPU seconds, and GB that its process held at most."""

    kind: str
    cpu: float
    memory: float


@dataclass
class Measured:
    """An executor that runs each job in a process of its own, and keeps what it took."""

    log: Path
    took: list[Took] = field(default_factory=list)

    def run(self, job: Job[R], progress: JobProgress) -> R:
        del progress
        sent = job_to_json(job)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.training"],
            input=json.dumps(sent),
            capture_output=True,
            text=True,
            env={**os.environ, **worker_variables(1, os.environ), "PYTHONPATH": str(Path(__file__).parent.parent)},
        )
        if done.returncode:
            raise RuntimeError(done.stderr or f"the process ended with status {done.returncode}")
        found = json.loads(done.stdout)
        self.took.append(Took(str(sent["kind"]), found["job_cpu_s"], found["job_peak_mib"] * 2**20 / 1e9))
        if "error" in found:
            raise error_of(Failure.from_json(found["error"]), self.log)
        return done_from_json(job, found["result"])

    def stop(self) -> None: ...

    def close(self) -> None: ...


def carry_out() -> None:
    """One job from stdin, and what it took, to stdout."""
    import torch  # as long-lived workers have it

    from synthkit.runners.attempt import attempt

    del torch
    sent = json.loads(sys.stdin.read())
    record: dict[str, Any] = {}
    with measured(record, "job"):
        found = attempt(sent, lambda *_: None)
    print(json.dumps({**record, **found}))


def declared(rows: int) -> str:
    """What a training under epsilon is told of the columns."""
    columns = ["name: person, type: id", "name: age, type: integer, bounds: [18, 90]"]
    columns += [f"name: amount{i}, type: decimal, decimals: 2, bounds: [0, {3_000 * (i + 1)}]" for i in range(5)]
    columns += [f"name: count{i}, type: integer, bounds: [0, 60]" for i in range(4)]
    columns += [f"name: kind{i}, type: categorical, values: [{', '.join(kinds)}]" for i, kinds in KINDS.items()]
    columns += ["name: joined, type: date, bounds: [1997-01-01, 2024-12-31]"]
    listed = ", ".join(f"{{{column}, nullable: false}}" for column in columns)
    return f", row_count: {rows}, columns: [{listed}]"


def trained(root: Path, rows: int, generator: str, threads: int) -> list[Took]:
    """Write a project with a table of so many rows, and build it: what each job took."""
    from synthkit.building.build import Options, build
    from synthkit.compiler import compile_project
    from synthkit.planning.plan import make_plan
    from synthkit.project.project import load_project

    private = generator == "aim"
    said = {"declared": declared(rows) if private else "", "epsilon": "\n    epsilon: 1" if private else ""}
    for folder in ("models", "target/logs"):
        (root / folder).mkdir(parents=True)
    (root / "synth_project.yml").write_text("name: large\nseed: 1\n", "utf-8")
    (root / "models/models.yml").write_text(MODEL.format(generator=generator, **said), "utf-8")
    lay_down(people(rows), root / "people.parquet")
    manifest = compile_project(load_project(root))
    executor = Measured(root / "target/logs/jobs.log")
    run = build(manifest, lambda: make_plan(manifest), options=Options(threads=threads), executor=executor)
    if [r.status for r in run.results] != ["pass"]:
        raise RuntimeError(run.results[0].message)
    return executor.took


def report(found: dict[int, list[Took]]) -> bool:
    """Print what each kind of job took; True where a training takes more memory or time than it may."""
    print("| rows | jobs | how many | CPU s of all | of the longest | largest process GB |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    seconds: dict[int, float] = {}
    wrong = False
    for rows, took in found.items():
        for kind in dict.fromkeys(t.kind for t in took):
            mine = [t for t in took if t.kind == kind]
            cpu, longest, memory = sum(t.cpu for t in mine), max(t.cpu for t in mine), max(t.memory for t in mine)
            print(f"| {rows:,} | {kind} | {len(mine)} | {cpu:.1f} | {longest:.1f} | {memory:.2f} |")
            wrong |= memory > GB
        seconds[rows] = sum(t.cpu for t in took if t.kind not in NOT_TRAINING)
    if len(seconds) > 1:
        first, last = min(seconds), max(seconds)
        exponent = math.log(seconds[last] / seconds[first]) / math.log(last / first)
        print(f"\nCPU seconds of the training grow with rows to the power of {exponent:.2f}")
        wrong |= exponent > EXPONENT
    return wrong


def main() -> bool:
    """Print the table; True where a process takes more than the bar, or the time grows faster than the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks training")
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--generator", choices=("circuit", "aim"), default="circuit")
    parser.add_argument("--threads", type=int, default=1)
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["training"] else [])
    found = {}
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as folder:
            found[rows] = trained(Path(folder) / "large", rows, given.generator, given.threads)
    print(f"{given.generator}, fifteen columns beside a key, a tenth of the rows held out\n")
    return report(found)


if __name__ == "__main__":
    carry_out()
