"""What drawing a table by partitions costs beside drawing it whole: CPU time by turns, and the largest process.

The model is trained once and kept; each build draws, stages, audits (counts alone) and publishes. Whole is a partition
of as many rows as the table has, which is drawn as it always was.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.timing import SYNTH

REAL = 20_000  # rows that the model learns
BAR = 1.05  # of the CPU time of a table that is drawn whole
MEMORY = 1.5  # GB of the largest process, where a table of ten million rows is drawn by partitions
MODEL = """
version: 1
models:
  - name: many
    source: "{{{{ source('crm', 'people') }}}}"
    generator: circuit
    size: {rows}
    partition_rows: {most}
    materialized: parquet
    audits:
      - row_count: {{equals: {rows}}}
"""
SOURCES = """
version: 1
sources:
  - name: crm
    tables:
      - {name: people, path: people.parquet, primary_key: person}
"""


@dataclass(frozen=True)
class Ran:
    """One build: CPU seconds of all its processes, wall seconds, GB of the largest of them, the table's name."""

    cpu: float
    wall: float
    memory: float
    file: str


def people() -> pa.Table:
    """Fifteen columns beside a key: numbers that go together, categories, dates."""
    rng = np.random.default_rng(1)
    age = rng.integers(18, 90, REAL)
    columns = {"person": pa.array(range(1, REAL + 1)), "age": pa.array(age)}
    for i in range(5):
        columns[f"amount{i}"] = pa.array(np.round(rng.gamma(2, age * (i + 1)), 2))
    for i in range(4):
        columns[f"count{i}"] = pa.array(rng.poisson(age / (5 * (i + 1))))
    for i in range(4):
        of = np.array([f"kind {j}" for j in range(4 * (i + 1))])
        columns[f"kind{i}"] = pa.array(of[(age // 7 + rng.integers(0, 3, REAL)) % len(of)])
    columns["joined"] = pa.array(rng.integers(10_000, 20_000, REAL).astype("int32")).cast(pa.date32())
    return pa.table(columns)


def build(root: Path, rows: int, most: int, threads: int) -> Ran:
    """Draw the table anew."""
    for left in ("warehouse", "target/staging", "target/previous"):
        shutil.rmtree(root / left, ignore_errors=True)
    (root / "models/models.yml").write_text(MODEL.format(rows=rows, most=most), "utf-8")
    os.sync()
    started = time.perf_counter()
    log = (root / "build.log").open("w")
    command = [*SYNTH, "build", "--threads", str(threads)]
    pid = os.posix_spawn(
        command[0],
        command,
        {**os.environ, "PWD": str(root)},
        file_actions=[(os.POSIX_SPAWN_DUP2, log.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)],
    )
    _, status, used = os.wait4(pid, 0)
    log.close()
    if status:
        raise RuntimeError((root / "build.log").read_text("utf-8"))
    (file,) = (root / "warehouse").rglob("*.parquet")
    wall = time.perf_counter() - started
    return Ran(used.ru_utime + used.ru_stime, wall, used.ru_maxrss * 1024 / 1e9, file.name)


def project(root: Path) -> Path:
    """The folder as a project that has no model yet."""
    (root / "models").mkdir()
    (root / "synth_project.yml").write_text("name: large\nseed: 1\n", "utf-8")
    (root / "models/sources.yml").write_text(SOURCES, "utf-8")
    pq.write_table(people(), root / "people.parquet")
    return root


def main() -> bool:
    """Print the table; True where partitions cost more than the bar, take more memory, or give other bytes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks partitions")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--most", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--no-whole", action="store_true")
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["partitions"] else [])
    found: dict[tuple[str, int], list[Ran]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = project(Path(folder))
        before = Path.cwd()
        os.chdir(root)
        try:
            build(root, 1_000, 1_000, 1)
            for _ in range(given.turns):
                if not given.no_whole:
                    found.setdefault(("whole", 1), []).append(build(root, given.rows, given.rows, 1))
                for most in given.most:
                    for threads in (1, 2):
                        name = f"partitions of {most:,} rows"
                        found.setdefault((name, threads), []).append(build(root, given.rows, most, threads))
        finally:
            os.chdir(before)
    return report(given.rows, given.turns, found)


def report(rows: int, turns: int, found: dict[tuple[str, int], list[Ran]]) -> bool:
    print(f"{rows:,} rows of 16 columns, medians of {turns} turns\n")
    print("| what | threads | CPU s | of whole | wall s | largest process GB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    wrong = False
    files: dict[str, set[str]] = {}
    whole = found.get(("whole", 1))
    for (name, threads), runs in found.items():
        files.setdefault(name, set()).update(r.file for r in runs)
        share = 1.0
        if whole is not None:
            share = statistics.median(r.cpu / w.cpu for r, w in zip(runs, whole, strict=True))
        memory = max(r.memory for r in runs)
        cpu, wall = (statistics.median(getattr(r, what) for r in runs) for what in ("cpu", "wall"))
        print(f"| {name} | {threads} | {cpu:.1f} | {share:.3f} | {wall:.1f} | {memory:.2f} |")
        if name != "whole":
            wrong |= memory > MEMORY or (threads == 1 and share > BAR)
    other = [name for name, names in files.items() if len(names) > 1]
    print(f"\nbytes that depend on threads or turns: {', '.join(other) or 'none'}")
    return wrong or bool(other)
