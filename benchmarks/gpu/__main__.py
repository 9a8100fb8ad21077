"""Our generators and SDV's on a GPU: ``python -m benchmarks gpu``, in ten minutes on a large one.

Trainings on Adult and on 10 and 100 times its rows, by turns on the CPU and on the GPU, beside SDV on the same GPU.
They are checked: losses and C2ST agree, no step waits for the device or copies back from it, memory is as declared; and
every test marked ``gpu`` runs. Whether a seed comes to the same bytes twice is told. What there is no time or no memory
for is left out, and said so; a training of ours that ends with an error is wrong. Without CUDA it says that it was not
run; ``--device cpu`` rehearses all of it without one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.generators.datasets import DATASETS, ROOT, SHARED, Rows, load, split
from benchmarks.generators.jobs import Bench, fit, say, train_file
from benchmarks.generators.knowledge import write_declared

MINUTES = 9.5
SIZES = (1, 10, 100)  # times Adult's training rows
STEPS = 1_000
DRAWN = 20_000
JUDGED = 3_000  # held-out rows of the C2ST
WATCHED = 20
SHARE = 0.4  # of the time that is left: a child takes no more
SHORTEST = 3.0  # seconds: with less nothing is begun
ORDER = (
    "ctgan",
    "sdv.ctgan",
    "tvae",
    "sdv.tvae",
    "circuit",
    "conditional",
    "ctgan under epsilon",
    "tvae under epsilon",
)
EPSILON = 3.0
HERE = ("conditional",)  # computes on the CPU, whatever the device

Record = dict[str, Any]
Carry = Callable[[Record, float], Iterator[Record]]  # a job, seconds at most


@dataclass
class Clock:
    """The time that a run has."""

    ends: float

    @property
    def left(self) -> float:
        return self.ends - time.monotonic()

    @property
    def share(self) -> float:
        return SHARE * self.left


def main(arguments: Sequence[str] | None = None, carry: Carry | None = None) -> bool:
    """Print the table; True where something is wrong.

    Args:
        carry: carries out a job; default: in a process of its own.
    """
    import torch

    given = _parser().parse_args(_own() if arguments is None else arguments)
    if given.device == "cuda" and not torch.cuda.is_available():
        print(f"not run on a GPU: torch {torch.__version__} finds no CUDA device (--device cpu rehearses the command)")
        return False
    if DATASETS["adult"].path(given.data) is None:
        print(f"not run: there is no {given.data / DATASETS['adult'].file} (--data names the folder of the tables)")
        return False
    from benchmarks.gpu import report

    clock = Clock(time.monotonic() + 60 * given.minutes)
    device = torch.device(given.device)
    print(f"{report.header(device, given.threads)}\n", flush=True)
    tests, failed = _tests(clock) if given.tests else ("The tests marked gpu are left out.", False)
    records: list[Record] = []
    for record in _trainings(given, clock, carry or _child):
        records.append(record)
        (given.work / "results.json").write_text(json.dumps(records, indent=1), "utf-8")
    report.check(records)
    print(f"{report.table(records)}\n{tests}", flush=True)
    return failed or any(r["wrong"] for r in records)


def _trainings(given: argparse.Namespace, clock: Clock, carry: Carry) -> Iterator[Record]:
    """Every training that there is time for, and a record for each that there is none for."""
    whole = load(DATASETS["adult"], given.data)
    rows = split(DATASETS["adult"], whole)
    given.work.mkdir(parents=True, exist_ok=True)
    for number, times in enumerate(given.sizes):
        count = round(times * len(rows.train))
        frame = rows.train if times == 1 else rows.train.sample(count, replace=times > 1, random_state=0)
        train = train_file(Bench(given.work), f"gpu_{count}", frame)
        write_declared(whole, train)
        for name in given.generators:
            about = {"size": count, "name": name}
            if clock.share < SHORTEST:
                yield {**about, "label": "–", "left_out": f"left out: the {given.minutes:g} minutes are over"}
                continue
            say(f"gpu: {name} on {count:,} rows, {clock.left:.0f} s left")
            if name.startswith("sdv."):
                yield _judged({**about, **_peer(name, train, count, given, clock)}, rows)
                continue
            job = _job(name, train, count, given, number)
            turns = {t["label"]: t for t in job["turns"]}
            for record in carry(job, clock.share):
                turn = turns.pop(record["label"], None)
                if turn is not None:
                    record["sample"] = turn["sample"]
                yield _judged({**about, **record}, rows)


def _job(name: str, train: Path, count: int, given: argparse.Namespace, number: int) -> Record:
    private = name.endswith("under epsilon")
    there = given.device
    if name in HERE:
        turns = [("cpu", "cpu", 0)]
    elif there == "cpu":  # another seed in the place of another device's random numbers
        turns = [("cpu", "cpu", 0), *([("cpu, another seed", "cpu", 1)] if name != "circuit" else [])]
    else:
        turns = [("cpu", "cpu", 0), (there, there, 0)]
        turns = turns if number % 2 == 0 else turns[::-1]
    if number == 0 and name not in HERE:
        turns.append((f"{there}, again", there, 0))
    folder = given.work.resolve()
    return {
        "generator": name.split()[0],
        "epsilon": EPSILON if private else None,
        "train": str(train.resolve()),
        "types": dict(DATASETS["adult"].types),
        "ingested": str(folder / "ingested"),
        "steps": given.steps,
        "drawn": min(DRAWN, count),
        "threads": given.threads,
        "watched": WATCHED if number == 0 else 0,
        "turns": [
            {"label": label, "device": device, "seed": seed, "sample": str(folder / f"gpu_{count}_{name}_{i}.parquet")}
            for i, (label, device, seed) in enumerate(turns)
        ],
    }


def _peer(name: str, train: Path, count: int, given: argparse.Namespace, clock: Clock) -> Record:
    """SDV's own, for one epoch, as its users call it."""
    bench = Bench(given.work, threads=given.threads, device=given.device, peer_epochs=1, limit=clock.share)
    outcome = fit(bench, replace(DATASETS["adult"], name=f"gpu_{count}"), train, name, 0, min(DRAWN, count))
    found = outcome.record
    record: Record = {"label": given.device, "seed": 0, "left_out": outcome.fault}
    if outcome.fault is None:
        steps = max(1, count // 500)
        record |= {"train_s": found["fit_s"], "rows": found["rows"], "draw_s": found["sample_s"]}
        record |= {"sample": str(outcome.sample), "peak": found.get("device_peak")}
        record["said"] = f"one epoch, {steps:,} steps; its encoding is in its time"
    elif "stopped" in outcome.fault:
        record["left_out"] = f"left out: {outcome.fault}, with {clock.left:.0f} s left for the rest"
    return record


def _judged(record: Record, rows: Rows) -> Record:
    """The record with the C2ST of what was drawn."""
    import pandas as pd

    from benchmarks.generators.metrics import c2st, conform
    from benchmarks.gpu import report

    sample = record.pop("sample", None)
    if sample is not None and report.finished(record):
        test = rows.test.sample(min(JUDGED, len(rows.test)), random_state=0)
        judge = Rows(rows.dataset, rows.train, test)
        record["judged"] = len(test)
        record["c2st"] = c2st(conform(pd.read_parquet(sample), test), judge, draws=1)
    return record


def _child(job: Record, limit: float) -> Iterator[Record]:
    """A job in a process of its own; what it had finished where it is stopped or killed, and why there is no more."""
    call = [sys.executable, "-m", "benchmarks.gpu.fits", json.dumps(job)]
    ended: Record = {}
    environment = {**os.environ, "OMP_NUM_THREADS": str(job["threads"]), "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            call, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=limit
        )
        out = done.stdout
        if done.returncode == -signal.SIGKILL:
            ended = {"left_out": "left out: its process was killed, most likely for lack of memory"}
        elif done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            ended = {"faults": [f"ended with status {done.returncode}: {said[-1] if said else 'no message'}"]}
    except subprocess.TimeoutExpired as error:
        out = error.stdout or ""
        ended = {"left_out": f"left out: stopped after {limit:.0f} s, so that others have time"}
    text = out.decode("utf-8", "replace") if isinstance(out, bytes) else out
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
    yield from found
    begun = {r["label"] for r in found}
    if ended:
        missing = [t["label"] for t in job["turns"] if t["label"] not in begun]
        yield from ({"label": label, **ended} for label in missing)


def _tests(clock: Clock) -> tuple[str, bool]:
    """Run every test marked ``gpu``; what pytest says at its end, and whether one failed."""
    files = [str(f) for f in sorted((ROOT / "tests").rglob("*.py")) if "mark.gpu" in f.read_text("utf-8")]
    call = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", *files]
    try:
        done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False, timeout=clock.share)
    except subprocess.TimeoutExpired:
        return "Tests marked gpu: left out, they took too long.", False
    last = [line for line in done.stdout.splitlines() if line.strip()][-1:]
    return f"Tests marked gpu: {''.join(last) or done.stderr.strip()}", done.returncode != 0


def _own() -> list[str]:
    """The options that follow the benchmark's name, where it was named first."""
    return sys.argv[2:] if sys.argv[1:2] == ["gpu"] else []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu", description=__doc__)
    add = parser.add_argument
    add("--device", default="cuda", help="cuda or cuda:N; cpu rehearses the command")
    add("--minutes", type=float, default=MINUTES, help="that it may take (default 9.5)")
    add("--sizes", type=float, nargs="+", default=SIZES, help="times Adult's training rows (default 1 10 100)")
    add("--generators", nargs="+", choices=ORDER, default=ORDER, metavar="NAME", help=f"of {', '.join(ORDER)}")
    add("--steps", type=int, default=STEPS, help="of each training of ours (default 1000)")
    add("--threads", type=int, default=os.cpu_count() or 1, help="on the CPU (default: its cores)")
    add("--data", type=Path, default=SHARED, help="folder of the tables")
    add("--work", type=Path, default=ROOT / "target" / "bench" / "gpu", help="folder of samples and results")
    add("--no-tests", dest="tests", action="store_false", help="leave out the tests marked gpu")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
