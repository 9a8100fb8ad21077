"""A made-up wide table of mixed types through `synth build` with default audits: peak memory and CPU seconds by phase.

Memory is what all processes of the build hold together (RSS). The bar, at the default 1,000 columns × 1,000 rows, is
2 GB. An SQL model of all columns follows.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil

from benchmarks.timing import SYNTH

EVERY = 0.05  # seconds between two looks at the processes
BAR_MB = 2_000.0
MB = 10**6
KINDS = ("number", "count", "kind", "flag", "day")
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
    """Numbers, whole numbers, categories, flags with gaps and dates by turns; every second one shares a factor."""
    rng = random.Random(7)
    for folder in ("models", "data"):
        (root / folder).mkdir(parents=True)
    (root / "synth_project.yml").write_text("name: wide\nseed: 7\n", "utf-8")
    (root / "models" / "models.yml").write_text(MODELS.replace("GENERATOR", generator), "utf-8")
    lines = [",".join(f"{KINDS[i % 5]}_{i}" for i in range(columns))]
    for _ in range(rows):
        latent = rng.gauss(0, 1)
        lines.append(",".join(_value(rng, KINDS[i % 5], rng.gauss(0, 1) + (i % 2) * latent) for i in range(columns)))
    (root / "data" / "wide.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _value(rng: random.Random, kind: str, x: float) -> str:
    if kind == "number":
        return f"{x:.3f}"
    if kind == "count":
        return str(int(abs(x) * 20))
    if kind == "kind":
        return "abcdefgh"[min(7, int(abs(x) * 3))]
    if kind == "flag":
        return "" if rng.random() < 0.1 else str(x > 0).lower()
    return f"2024-{1 + int(abs(x) * 4) % 12:02d}-{rng.randint(1, 28):02d}"


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
    parser.add_argument("--rows", type=int, default=1000)
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
