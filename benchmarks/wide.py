"""A made-up wide table of related columns through `synth build` with default audits: memory and CPU seconds by phase.

Memory is what all processes of the build hold together (RSS). The bar, at the default 1,000 columns × 10,000 rows, is
3 GB. An SQL model of all columns follows.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
from pyarrow import csv

from benchmarks.timing import SYNTH

EVERY = 0.05  # seconds between two looks at the processes
BAR_MB = 3_000.0
MB = 10**6
MODELS = """version: 1
sources:
  - {name: raw, tables: [{name: wide, path: data/wide.csv}]}
models:
  - name: fake
    description: Stand-in for a wide table
    source: "{{ source('raw', 'wide') }}"
    generator: GENERATOR
  - name: through_sql
    description: All of its columns, through SQL
    generator: {name: sql, query: "select * from {{ source('raw', 'wide') }}"}
"""


def write_project(root: Path, columns: int, rows: int, generator: str) -> None:
    for folder in ("models", "data"):
        (root / folder).mkdir(parents=True)
    (root / "synth_project.yml").write_text("name: wide\nseed: 7\n", "utf-8")
    (root / "models" / "models.yml").write_text(MODELS.replace("GENERATOR", generator), "utf-8")
    csv.write_csv(wide(columns, rows), root / "data" / "wide.csv")


def wide(columns: int, rows: int, seed: int = 7) -> pa.Table:
    """Groups of eleven columns about one thing each: a code, two answers on a scale, two measures, three amounts and
    their sum, a flag, a date or a count.

    A group's columns share a factor, its neighbours' factors are related, and a tenth of the groups were not asked of a
    third of the rows. Every fifth measure has gaps of its own.
    """
    rng = np.random.default_rng(seed)
    made: dict[str, pa.Array] = {}
    factor = rng.normal(size=rows)
    for group in range(-(-columns // 11)):
        factor = 0.7 * factor + 0.71 * rng.normal(size=rows)
        asked = rng.random(rows) < (0.67 if group % 10 == 9 else 1.0)
        gaps = rng.random(rows) < (0.1 if group % 5 == 0 else 0.0)
        for name, values in _group(rng, group, factor).items():
            missing = ~asked | gaps if name.startswith("measure") else ~asked
            made[f"{name}_{group}"] = pa.array(values, mask=missing)
    return pa.table(dict(list(made.items())[:columns]))


def _group(rng: np.random.Generator, group: int, factor: np.ndarray) -> dict[str, np.ndarray]:
    def near(share: float) -> np.ndarray:
        """A normal variable of which the factor explains this share."""
        own: np.ndarray = rng.normal(size=len(factor))
        return math.sqrt(share) * factor + math.sqrt(1 - share) * own

    codes = np.array([f"{group:02d}-{i:02d}" for i in range(5 + group % 26)])
    rank = np.clip(np.exp(0.8 * near(0.5)) * len(codes) / 6, 0, len(codes) - 1)
    parts = [np.round(np.exp(3 + 0.6 * near(0.4)) * (near(0.1) > cut), 2) for cut in (-2, -0.5, 0.5)]
    day = np.datetime64("2024-01-01") + np.clip(180 + 60 * near(0.3), 0, 365).astype(int)
    return {
        "code": codes[rank.astype(int)],
        "answer_a": np.clip(np.round(3 + near(0.6)), 1, 5).astype(int),
        "answer_b": np.clip(np.round(3 + near(0.6)), 1, 5).astype(int),
        "measure_a": np.round(50 + 10 * near(0.8), 1),
        "measure_b": np.round(np.exp(1 + 0.5 * near(0.5)), 3),
        "part_a": parts[0],
        "part_b": parts[1],
        "part_c": parts[2],
        "whole": np.round(sum(parts), 2),
        "flag": near(0.3) > 0.5,
        "day" if group % 2 else "count": day if group % 2 else rng.poisson(np.exp(1 + 0.4 * factor)),
    }


class Phases:
    """What a process and its children took, by what the build said it was doing."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.now = "start"
        self.peak: dict[str, float] = {}  # MB, of all processes
        self.cpu: dict[str, float] = {}  # seconds, of all processes
        self._process = process
        self._spent: dict[int, float] = {}

    def look(self) -> None:
        try:
            root = psutil.Process(self._process.pid)
            family = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        together = 0.0
        for one in family:
            try:
                times, held = one.cpu_times(), one.memory_info().rss / MB
            except psutil.NoSuchProcess:
                continue
            spent = times.user + times.system
            self.cpu[self.now] = self.cpu.get(self.now, 0.0) + spent - self._spent.get(one.pid, 0.0)
            together += held
            self._spent[one.pid] = spent
        self.peak[self.now] = max(self.peak.get(self.now, 0.0), together)

    def watch(self, ended: threading.Event) -> None:
        while not ended.wait(EVERY):
            self.look()


def measure(root: Path) -> Phases:
    """Build the project, a model at a time. Raises RuntimeError where the build broke off; an audit may fail."""
    command = [*SYNTH, "build", "--log-format", "json", "--threads", "1"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        phases, ended = Phases(process), threading.Event()
        lines: list[str] = []
        watcher = threading.Thread(target=phases.watch, args=(ended,))
        watcher.start()
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            phases.now = _phase(line, phases.now)
        ended.set()
        watcher.join()
    if process.returncode not in (0, 1):
        raise RuntimeError("the build broke:\n" + "\n".join(lines[-20:]))
    return phases


def _phase(line: str, now: str) -> str:
    """What the build is at after it wrote this line of its log: its model and phase, or the audit that begins."""
    try:
        event = json.loads(line)
    except ValueError:
        return now
    if event.get("event") == "ModelStarted":
        return f"{event['model']}: start"
    if event.get("event") == "ModelProgress":
        part = event["note"] if event["phase"] == "audit" else ""
        return f"{event['model']}: {event['phase']} {part}".strip()
    return now


def _verdicts(root: Path) -> list[str]:
    """What became of the models, and what broke in their audits."""
    results = json.loads((root / "target" / "run_results.json").read_text("utf-8"))["results"]
    said = [f"{r['model']}: {r['status']}" + (f", {r['message']}" if r["status"] == "error" else "") for r in results]
    return said + [f"{a['name']}: {a['message']}" for r in results for a in r["audits"] if a["status"] == "error"]


def main() -> bool:
    """Whether the build took more memory than the bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks wide", description=__doc__)
    parser.add_argument("--columns", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--generator", default="circuit", help="as under generator: in YAML")
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["wide"] else [])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "wide"
        write_project(root, given.columns, given.rows, given.generator)
        phases = measure(root)
        verdicts = _verdicts(root)
    most = max(phases.peak.values())
    print(f"{given.columns:,} columns × {given.rows:,} rows, {given.generator}; {'; '.join(verdicts)}\n")
    print("| phase | peak MB | CPU s |")
    print("| --- | ---: | ---: |")
    for name, peak in phases.peak.items():
        print(f"| {name} | {peak:,.0f} | {phases.cpu[name]:.1f} |")
    verdict = "within" if most <= BAR_MB else "OVER"
    print(f"| all (bar {BAR_MB:,.0f} MB: {verdict}) | {most:,.0f} | {sum(phases.cpu.values()):.1f} |")
    return most > BAR_MB


if __name__ == "__main__":
    sys.exit(main())
