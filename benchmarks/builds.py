"""What a whole `synth build` with the default audits takes: CPU seconds and peak memory by phase, on one thread.

Two made-up tables: ``bills``, 30,000 rows of 24 related columns (six months of bills, payments and arrears), and
``people``, fifteen columns beside a key, of as many rows as asked for. CPU seconds are of all processes of the build,
memory is that of one process at its highest.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.timing import SYNTH
from benchmarks.training import people
from synthkit.encoding.view import lay_down

BARS = {"bills": 14.0}  # CPU seconds of the build
MEMORY_MB = {"people": 2_000.0}  # of the largest process
BILLS, MONTHS = 30_000, 6
MODELS = """version: 1
sources:
  - {{name: raw, tables: [{{name: rows, path: rows.parquet{key}}}]}}
models:
  - name: fake
    source: "{{{{ source('raw', 'rows') }}}}"
"""


def bills(rows: int = BILLS, seed: int = 1) -> pa.RecordBatch:
    """Limits, what people are, and by month what they owe, what they pay of it and how late they are; who defaults."""
    rng = np.random.default_rng(seed)
    limit = np.minimum(10_000 * (1 + rng.gamma(1.6, 10, rows).astype(int)), 800_000)
    age = (21 + rng.gamma(3, 5, rows)).astype(int)
    columns: dict[str, Any] = {
        "limit": limit,
        "sex": rng.integers(1, 3, rows),
        "education": rng.choice([1, 2, 3, 4], rows, p=[0.35, 0.47, 0.16, 0.02]),
        "marriage": np.where(rng.random(rows) < 1 / (1 + np.exp((age - 34) / 6)), 2, 1),
        "age": age,
    }
    use, strain = rng.beta(0.7, 1.4, rows), rng.normal(size=rows)
    bill = use * limit
    late, owed, paid = [], [], []
    for _ in range(MONTHS):
        owed.append(np.round(bill).astype(int))
        whole = rng.random(rows) < 0.15 + 0.3 * (strain < -1)
        pay = np.where(whole, bill, bill * rng.beta(1, 15, rows))
        pay = np.where(rng.random(rows) < 0.1 + 0.1 * (strain > 1), 0, pay)
        paid.append(np.round(np.maximum(pay, 0)).astype(int))
        behind = np.maximum(0, np.round(strain + rng.normal(0, 0.6, rows))).astype(int)
        late.append(np.where(bill < 100, -2, np.where(whole, -1, behind)))
        bill = np.maximum(bill - pay, 0) + limit * rng.gamma(0.5, 0.05, rows)
    for name, months in (("late", late), ("bill", owed), ("paid", paid)):
        columns |= {f"{name}_{m + 1}": months[m] for m in range(MONTHS)}
    risk = 0.9 * late[0] + 0.4 * late[1] - limit / 300_000 - 1.5
    columns["default"] = (rng.random(rows) < 1 / (1 + np.exp(-risk))).astype(int)
    return pa.record_batch({name: pa.array(values) for name, values in columns.items()})


@dataclass(frozen=True)
class Built:
    """One build: its CPU seconds, and what its phases took: CPU seconds and the peak of one process in MB."""

    cpu: float
    wall: float
    phases: dict[str, tuple[float, float | None]]
    passed: int
    audits: int


def built(batches: Iterator[pa.RecordBatch], key: str, root: Path) -> Built:
    """Write a project with the rows, and build it. Raises RuntimeError where the build broke off; audits may fail."""
    (root / "models").mkdir(parents=True)
    (root / "synth_project.yml").write_text("name: built\nseed: 1\n", "utf-8")
    said = f", primary_key: {key}" if key else ""
    (root / "models/models.yml").write_text(MODELS.format(key=said), "utf-8")
    lay_down(batches, root / "rows.parquet")
    command = [*SYNTH, "build", "--threads", "1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=root, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"the build broke:\n{done.stdout}\n{done.stderr}")
    (result,) = json.loads((root / "target/run_results.json").read_text("utf-8"))["results"]
    phases: dict[str, tuple[float, float | None]] = {}
    wall = 0.0
    for part in result["consumed"]:
        cpu, peak = phases.get(part["phase"], (0.0, None))
        held = None if part["peak_memory"] is None else part["peak_memory"] / 1e6
        peak = max((p for p in (peak, held) if p is not None), default=None)
        phases[part["phase"]] = cpu + (part["cpu_seconds"] or 0.0), peak
        wall += part["seconds"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    phases = {"start, and what is no model's": (cpu - sum(c for c, _ in phases.values()), None), **phases}
    passed = sum(a["status"] == "pass" for a in result["audits"])
    return Built(cpu, wall, phases, passed, len(result["audits"]))


def main() -> bool:
    """Print what each build took; True where one takes more than its bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks builds", description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=("bills", "people"), default=("bills", "people"))
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="of people")
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["builds"] else [])
    over = False
    for table in given.tables:
        for rows in [BILLS] if table == "bills" else given.rows:
            with tempfile.TemporaryDirectory() as folder:
                batches = iter([bills(rows)]) if table == "bills" else people(rows)
                found = built(batches, "" if table == "bills" else "person", Path(folder) / table)
            over |= report(table, rows, found)
    return over


def report(table: str, rows: int, found: Built) -> bool:
    print(f"{table}: {rows:,} rows; {found.passed} of {found.audits} audits passed\n")
    print("| phase | CPU s | peak MB |\n| --- | ---: | ---: |")
    for name, (cpu, peak) in found.phases.items():
        print(f"| {name} | {cpu:.1f} | {'' if peak is None else f'{peak:,.0f}'} |")
    most = max(peak for _, peak in found.phases.values() if peak is not None)
    slow = found.cpu > BARS.get(table, float("inf"))
    large = most > MEMORY_MB.get(table, float("inf"))
    bars = [f"bar {BARS[table]:g} CPU s: {'OVER' if slow else 'within'}"] if table in BARS else []
    bars += [f"bar {MEMORY_MB[table]:,.0f} MB: {'OVER' if large else 'within'}"] if table in MEMORY_MB else []
    print(f"| all ({'; '.join(bars)}) | {found.cpu:.1f} | {most:,.0f} |\n")
    return slow or large
