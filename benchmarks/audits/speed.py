"""The suite on tables of 15 columns, beside SDMetrics' QualityReport and DiagnosticReport on the same files.

Each run is a process of its own, so that its peak memory is its own. ``same`` is the part of the suite that asks what
SDMetrics' reports ask (column shapes, pair trends, coverage), with intervals and floors that those do not have; the
ratio of ``same`` is the one at equal coverage. Processor seconds stand beside those of the clock, as other work on the
machine lengthens only the latter.

With the interpreter of an environment that has mostlyai-qa (``pip install torch mostlyai-qa``), its report stands
beside it, too, and ``same as mostlyai``: shapes, pairs, a classifier, copies and distances. It looks at three columns
together besides, which nothing here does, and draws its page, which is not timed here.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.audits.populations import made_up

if TYPE_CHECKING:
    import pyarrow as pa

ROOT = Path(__file__).resolve().parents[2]
ROWS = (10_000, 100_000, 1_000_000)
HELD_OUT = 4  # one held-out row for so many training rows
CLOCKS = ("all_s", "all_cpu_s")
WHAT = ("same", "fidelity", "sdmetrics")
MOSTLYAI = ("same as mostlyai", "mostlyai")
PEERS = {"same": "sdmetrics", "fidelity": "sdmetrics", "same as mostlyai": "mostlyai"}  # what each is held against


def wide(rows: int, seed: int) -> pa.Table:
    """Fifteen columns: the made-up table twice, the second time without its target."""
    rng = np.random.default_rng(seed)
    first, second = made_up(rows, rng), made_up(rows, rng)
    for name in second.column_names[:-1]:
        first = first.append_column(f"{name}_2", second[name])
    return first


def measure(
    what: str, sides: dict[str, str], directory: Path, timeout: float, python: str | None = None
) -> dict[str, Any] | None:
    """The record of one run; None where it failed or took too long. ``python``: the one that has mostlyai-qa."""
    record = directory / "record.json"
    record.unlink(missing_ok=True)
    job = json.dumps({"what": what, "sides": sides, "record": str(record)})
    command = [sys.executable, "-m", "benchmarks.audits.child", job]
    if what == "mostlyai":
        command = [str(python), "-m", "benchmarks.audits.child_mostlyai", job]
    try:
        done = subprocess.run(command, cwd=ROOT, timeout=timeout, capture_output=True, text=True, check=False)
    except subprocess.TimeoutExpired:
        return None
    if not record.exists():
        print(done.stderr[-2_000:], file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(record.read_text("utf-8"))
    return found


def main(rows: Sequence[int], runs: int, timeout: float, python: str | None = None) -> bool:
    """Print the table; returns whether 5 × faster at equal coverage, or 3 GB, was missed on the largest."""
    import pyarrow.parquet as pq

    missed = False
    print("| rows | what | median s | processor s | peak GiB | peer / it | processor |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    slowest: dict[str, float] = {}
    for count in rows:
        with tempfile.TemporaryDirectory() as made:
            directory = Path(made)
            sides = {"synthetic": count, "train": count, "holdout": count // HELD_OUT}
            paths = {}
            for seed, (name, size) in enumerate(sides.items()):
                paths[name] = str(directory / f"{name}.parquet")
                pq.write_table(wide(size, seed), paths[name])
            found: dict[str, list[dict[str, Any]]] = {w: [] for w in (*WHAT, *(MOSTLYAI if python else ()))}
            for _ in range(runs):
                for what, records in found.items():  # by turns, as the machine may change its pace
                    record = measure(what, paths, directory, timeout, python)
                    records += [] if record is None else [record]
        for what, records in found.items():
            if not records:
                print(f"| {count:,} | {what} | over {timeout:,.0f} | – | – | – | – |", flush=True)
                continue
            median, cpu = (statistics.median([r[k] for r in records]) for k in CLOCKS)
            peak = max(r["all_peak_mib"] for r in records)
            theirs = found.get(PEERS.get(what, ""), [])
            peer, peer_cpu = (statistics.median([r[k] for r in theirs]) if theirs else None for k in CLOCKS)
            ratios = ["–" if p is None else f"{p / m:.1f} ×" for p, m in ((peer, median), (peer_cpu, cpu))]
            shown = f"{median:.1f} | {cpu:.1f} | {peak / 1024:.2f} | {' | '.join(ratios)}"
            print(f"| {count:,} | {what} | {shown} |", flush=True)
            if count == max(rows):
                missed |= what in PEERS and peak > 3 * 1024
                missed |= what == "same" and peer is not None and peer < 5 * median
                slowest = records[0]["audits"] if what == "fidelity" else slowest
    if slowest:
        parts = ", ".join(f"{n} {s:.1f}" for n, s in sorted(slowest.items(), key=lambda p: -p[1]))
        print(f"\nSeconds by audit at {max(rows):,} rows: {parts}.")
    return missed
