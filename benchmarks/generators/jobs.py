"""Run fits in processes of their own, one at a time, each with the same number of threads and a wall clock.

The rows of each fit and a record of what it took lie in the work folder as ``<table>_<generator>_<seed>.parquet`` and
``.json``, so that they can be scored again without fitting (``reuse``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.generators.datasets import ROOT, Dataset
from benchmarks.generators.knowledge import declared_file
from benchmarks.generators.peers import ARGN, PEERS, command

if TYPE_CHECKING:
    import pandas as pd

THREADS = 2
LIMIT = 3 * 3600.0  # seconds of one fit: CTGAN's 300 epochs take an hour on a busy machine
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Bench:
    """What all fits of one run share."""

    work: Path
    threads: int = THREADS
    device: str = "cpu"
    split_seed: int = 0
    peer_epochs: int | None = None  # fewer epochs for the peers: shows that all runs, measures nothing
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of synthkit's generators, by name
    pythons: Mapping[str, str] = field(default_factory=dict)  # of the peers in environments of their own
    epsilon: float | None = None  # of every fit; what it may know beside it is the table's declaration
    delta: float = 1e-5
    reuse: bool = False
    limit: float = LIMIT


@dataclass(frozen=True)
class Outcome:
    """One fit: where its rows are, and the child's record; ``fault`` says why there are none.

    The record is empty where only the rows of an earlier run were found.
    """

    dataset: str
    generator: str
    seed: int
    sample: Path
    record: Mapping[str, Any] = field(default_factory=dict)
    fault: str | None = None

    @property
    def fit_seconds(self) -> float:
        """nan where it is not known."""
        return float(self.record.get("fit_s", "nan"))

    def to_json(self) -> dict[str, Any]:
        """JSON-able: the record without the paths of this machine."""
        return {
            "dataset": self.dataset,
            "generator": self.generator,
            "seed": self.seed,
            "fault": self.fault,
            "record": {k: v for k, v in self.record.items() if k != "job"},
        }


def train_file(bench: Bench, name: str, frame: pd.DataFrame) -> Path:
    """The training rows as every child reads them, as ``name`` in the work folder."""
    path = bench.work / f"{name}.parquet"
    bench.work.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    frame.to_parquet(temporary, index=False)
    temporary.replace(path)
    return path


def fit(
    bench: Bench, dataset: Dataset, train: Path, generator: str, seed: int, rows: int, model: Path | None = None
) -> Outcome:
    """Fit ``generator`` on the file ``train`` in a child process, and draw ``rows`` rows (0: none).

    With ``model``, one of ours is kept in that folder, or taken from there in place of the fit.
    """
    sample = bench.work / f"{dataset.name}_{generator}_{seed}.parquet"
    job = _job(bench, dataset, train, generator, seed, rows, sample)
    if model is not None and generator not in PEERS:
        job["model"] = str(model.resolve())
    earlier = Outcome(dataset.name, generator, seed, sample, _read(sample.with_suffix(".json")))
    there = sample.exists() if rows else bool(earlier.record)
    if bench.reuse and there and (not earlier.record or _same(earlier.record, job)):
        return earlier
    for stale in (sample, sample.with_suffix(".json")):
        stale.unlink(missing_ok=True)
    record, fault = _run_child([*command(generator, bench.pythons), json.dumps(job)], bench, Path(job["record"]))
    return Outcome(dataset.name, generator, seed, sample, record, fault)


def _job(
    bench: Bench, dataset: Dataset, train: Path, generator: str, seed: int, rows: int, sample: Path
) -> dict[str, Any]:
    job = {
        "generator": generator,
        "train": str(train.resolve()),
        "seed": seed,
        "device": bench.device,
        "threads": bench.threads,
        "rows": rows,
        "sample": str(sample.resolve()),
        "record": str(sample.with_suffix(".json").resolve()),
    }
    if bench.epsilon is not None:
        job |= {"epsilon": bench.epsilon, "delta": bench.delta, "declared": str(declared_file(train).resolve())}
    if generator == ARGN:
        job["workspace"] = str((bench.work / f"{sample.stem}.argn").resolve())
    if generator in PEERS:
        return {**job, "epochs": bench.peer_epochs}
    params = dict(bench.params.get(generator, {}))
    return {**job, "types": dict(dataset.types), "params": params, "ingested": str((bench.work / "ingested").resolve())}


def _run_child(call: list[str], bench: Bench, record: Path) -> tuple[dict[str, Any], str | None]:
    """Run a child to its end; returns its record and what went wrong, if anything did."""
    environment = {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(bench.threads)), "PYTHONWARNINGS": "ignore"}
    started = time.perf_counter()
    try:
        done = subprocess.run(
            call, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=bench.limit
        )
    except subprocess.TimeoutExpired:
        return {}, f"it was stopped after {bench.limit:,.0f} s"
    if done.returncode != 0 or not record.exists():
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        return {}, lines[-1] if lines else f"it ended with status {done.returncode}"
    return {**_read(record), "process_s": time.perf_counter() - started}, None


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return record


def _same(record: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    """Whether an earlier record is of the same job, wherever its files lay."""
    asked = record.get("job", {})
    decides = ("generator", "seed", "device", "threads", "rows", "epochs", "params", "types")
    same_rows = Path(asked.get("train", "")).name == Path(job["train"]).name
    return same_rows and all(asked.get(k) == job.get(k) for k in decides)


def say(text: str) -> None:
    """Progress goes to standard error: standard output is the report."""
    print(text, file=sys.stderr, flush=True)
