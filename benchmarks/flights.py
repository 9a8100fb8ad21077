"""A family of 100,000 rows through ``synth build``: New York's flights by plane, carrier, and the hour's weather.

    python -m benchmarks flights [--rows 100000] [--seed 0]

Prints the seconds, the processor seconds and the peak memory of the build, and what a classifier tells (AUC; 0.5 is
nothing) of flights alone and of flights joined with their plane, carrier and weather, by the build's own audits. Bars:
10 minutes, 4 GB on one core. Carriers and weather are public; flights of no known plane name none. Without
``../shared`` nothing is run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.timing import SYNTH

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "nycflights13"
BARS = {"seconds": 600.0, "peak GB": 4.0}
MODELS = """
version: 1
sources:
  - name: nyc
    tables:
      - {name: airlines, path: data/airlines.parquet, primary_key: carrier, public: true}
      - {name: weather, path: data/weather.parquet, primary_key: [origin, time_hour], public: true}
      - {name: planes, path: data/planes.parquet, primary_key: tailnum}
      - name: flights
        path: data/flights.parquet
        primary_key: flight_id
        foreign_keys:
          - {column: tailnum, references: planes, owner: true}
          - {column: carrier, references: airlines}
          - {columns: [origin, time_hour], references: weather}
        order_by: departs
models:
  - name: drawn
    source: "{{ source('nyc') }}"
    generator: conditional
    audits: [references, {detection: {severity: warn}}, {joined_detection: {severity: warn}}]
    on_inconclusive: warn
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks flights")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given = sys.argv[sys.argv.index("flights") + 1 :] if "flights" in sys.argv else []
    wanted = parser.parse_args(given)
    if not DATA.exists():
        print("skipped: there is no shared/data/nycflights13 beside the checkout")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write(root, wanted.rows, wanted.seed)
        synth = [*SYNTH, "build", "--threads", "1", "--seed", str(wanted.seed)]
        one_core = {**os.environ, "OMP_NUM_THREADS": "1"}
        started = time.perf_counter()
        done = subprocess.run(synth, cwd=root, env=one_core, check=False, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = _audits(root)
    if not found:
        print(done.stdout[-3000:], done.stderr[-3000:])
    print("| what | measured | bar |")
    print("| --- | ---: | ---: |")
    print(f"| seconds of the build, with audits | {seconds:.0f} | {BARS['seconds']:.0f} |")
    print(f"| processor seconds | {used.ru_utime + used.ru_stime:.0f} | |")
    print(f"| peak GB of its largest process | {used.ru_maxrss / 1e6:.2f} | {BARS['peak GB']:.0f} |")
    for name, value in found.items():
        print(f"| {name} | {value} | |")


def _write(root: Path, rows: int, seed: int) -> None:
    import pandas as pd

    (root / "data").mkdir()
    (root / "models").mkdir()
    (root / "synth_project.yml").write_text("name: flights\n", "utf-8")
    (root / "models" / "nyc.yml").write_text(MODELS, "utf-8")
    flights = pd.read_parquet(DATA / "flights.parquet").sample(rows, random_state=seed).sort_index()
    weather = pd.read_csv(DATA / "weather.csv").drop_duplicates(["origin", "time_hour"])
    planes = pd.read_csv(DATA / "planes.csv")
    known = flights.tailnum.isin(planes.tailnum)
    flights["tailnum"] = flights.tailnum.where(known)
    hours = pd.MultiIndex.from_frame(weather[["origin", "time_hour"]])
    flights = flights[pd.MultiIndex.from_frame(flights[["origin", "time_hour"]]).isin(hours)]
    scheduled = flights.sched_dep_time // 100 * 60 + flights.sched_dep_time % 100
    day = pd.to_datetime(flights[["year", "month", "day"]])
    flights.insert(0, "departs", day + pd.to_timedelta(scheduled, unit="min"))
    flights.insert(0, "flight_id", range(1, len(flights) + 1))
    flights = flights.drop(columns=["year", "month", "day", "hour", "minute", "sched_dep_time"])
    for name, frame in {
        "airlines": pd.read_csv(DATA / "airlines.csv"),
        "weather": weather,
        "planes": planes,
        "flights": flights,
    }.items():
        frame.to_parquet(root / "data" / f"{name}.parquet", index=False)


def _audits(root: Path) -> dict[str, Any]:
    file = root / "target" / "run_results.json"
    if not file.exists():
        return {}
    found = {}
    for result in json.loads(file.read_text("utf-8"))["results"]:
        for audit in result["audits"]:
            if audit["value"] is not None:
                said = f"{audit['value']:.3f}" + ("" if audit["floor"] is None else f" (floor {audit['floor']:.3f})")
                found[f"{result['model']}: {audit['name']}"] = said
    return found
