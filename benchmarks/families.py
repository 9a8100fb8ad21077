"""What drawing a family takes as it grows: CPU time of its drawing, and the most memory of the process that draws it.

People and their orders, an owner tree: `conditional` draws it in blocks of the root, each with all that hangs on it.
Each size is a build of its own by one worker, with no audit but a count.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.synth import Project

PEOPLE, ORDERS = 2_000, 6_000  # rows that the model learns
GROWTH = 1.25  # of the memory of the smallest size, that the largest may take
PROJECT = """
    version: 1
    sources:
      - name: crm
        tables:
          - {{name: people, path: people.parquet, primary_key: person}}
          - name: orders
            path: orders.parquet
            primary_key: number
            foreign_keys: [{{column: person, references: people, owner: true}}]
    models:
      - name: shop
        source: "{{{{ source('crm') }}}}"
        generator: conditional
        size: {size}
        tables: [{{table: people}}, {{table: orders}}]
        audits: [row_count: {{min: 1}}]
"""


def written(root: Path, size: int) -> Project:
    """The project, with people who have a few orders each."""
    project = Project(root).write(
        {"synth_project.yml": "name: families\nseed: 1\n", "models/models.yml": PROJECT.format(size=size)}
    )
    rng = np.random.default_rng(1)
    people = {
        "person": np.arange(PEOPLE) + 1,
        "age": rng.integers(18, 90, PEOPLE),
        "tier": rng.choice(["basic", "plus", "pro"], PEOPLE),
    }
    orders = {
        "number": np.arange(ORDERS) + 1,
        "person": rng.integers(1, PEOPLE + 1, ORDERS),
        "paid": np.round(rng.gamma(2, 20, ORDERS), 2),
        "how": rng.choice(["card", "cash", "invoice"], ORDERS),
    }
    for name, columns in (("people", people), ("orders", orders)):
        pq.write_table(pa.table(columns), root / f"{name}.parquet")
    return project


def drawn(root: Path, size: int) -> tuple[int, float, float]:
    """Rows of both tables, CPU seconds of their drawing, and MB of the process at its most meanwhile."""
    project = written(root, size)
    # A new Python: a fork of one that has everything imported would be larger than a user's worker.
    project.ok("build", "--threads", "1", env={"PYTHONHASHSEED": "0"})
    results = json.loads((root / "target/run_results.json").read_text("utf-8"))["results"]
    (phase,) = [one for result in results for one in result["consumed"] if one["phase"] == "sample"]
    return sum(result["rows"] for result in results), phase["cpu_seconds"], phase["peak_memory"] / 1e6


def main() -> bool:
    """Print the table; True where memory grows with the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks families")
    parser.add_argument("--roots", type=int, nargs="+", default=[25_000, 250_000])
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["families"] else [])
    os.environ["OMP_NUM_THREADS"] = "1"
    found = []
    print("| people | rows of both tables | CPU s of drawing | rows / CPU s | largest MB |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for size in given.roots:
        with tempfile.TemporaryDirectory() as folder:
            rows, cpu, memory = drawn(Path(folder), size)
        found.append(memory)
        print(f"| {size:,} | {rows:,} | {cpu:.1f} | {rows / cpu:,.0f} | {memory:,.0f} |", flush=True)
    return max(found) > GROWTH * found[0]
