"""A child process: one generator trained on one table by turns on each device, and what each turn took and gave.

The job is a JSON object: ``generator``, ``epsilon`` (or null), ``train`` (a Parquet file), ``types``, ``ingested`` (a
folder), ``steps``, ``drawn`` (rows), ``turns`` (each ``{label, device, seed, sample}``), ``watched`` (steps that are
looked at before, 0: none). Each finished turn is a line of JSON on standard output, so that a child that is stopped or
killed has not been for nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from benchmarks.generators.datasets import ingested
from benchmarks.generators.knowledge import as_declared, declared_file
from benchmarks.gpu import steps
from benchmarks.gpu.memory import Held, declared
from benchmarks.gpu.watching import Watched, guarded
from synthkit.generators import registry
from synthkit.generators.base import Budget, Trained, silent
from synthkit.generators.devices import resolve
from synthkit.schema import Table
from synthkit.store.parquet import write_parquet

DELTA = 1e-8  # below one in the rows of the largest table
LOOKED = 2_000  # training rows whose likelihood is asked for
PLAIN = ("ctgan", "tvae")

Record = dict[str, Any]


def carry_out(job: Record) -> Iterator[Record]:
    """What is found, one thing after the other."""
    generator = registry.trained(job["generator"])
    budgeted = job["epsilon"] is not None
    table = ingested(Path(job["train"]), job["types"], Path(job["ingested"]))
    if budgeted:
        table = as_declared(table, declared_file(Path(job["train"])))
    if job["watched"]:
        yield _looked_at(job, table)
    params = generator.params.model_validate(_params(job))
    with _encoded_once("" if budgeted else job["generator"], table, params) as encoding:
        for turn in job["turns"]:
            record = {"label": turn["label"], "device": turn["device"], "seed": turn["seed"], **encoding}
            try:
                record |= _turn(generator, table, params, job, turn)
            except torch.OutOfMemoryError as error:
                record["left_out"] = out_of_memory(error)
                torch.cuda.empty_cache()
            except Exception as error:  # whatever it is, the other turns go on
                record["faults"] = [f"{type(error).__name__}: {(str(error) or 'no message').splitlines()[0]}"]
            yield record


def out_of_memory(error: torch.OutOfMemoryError) -> str:
    return f"out of memory: {str(error).splitlines()[0]}"


def _params(job: Record) -> Record:
    name, count = job["generator"], job["steps"]
    if name in PLAIN and job["epsilon"] is None:
        return {"min_steps": count, "max_steps": count, "looks": 1}
    if name in PLAIN:
        return {"max_steps": count}
    return {"min_steps": count, "max_steps": count} if name == "circuit" else {}


def _turn(generator: Trained, table: Table, params: Any, job: Record, turn: Record) -> Record:
    """Train and draw once."""
    device = resolve(turn["device"])
    clock = Clock(device, job["steps"] - 1)
    given: Record = {"seed": turn["seed"], "device": turn["device"], "progress": clock.progress}
    budget = None
    if job["epsilon"] is not None:
        budget = Budget(job["epsilon"], DELTA, rows=table.rows, insecure_seed=turn["seed"])
    elif job["generator"] in PLAIN:
        given["checkpoint"] = clock
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    started = time.perf_counter()
    model = generator.fit(table, params, budget=budget, **given)
    clock.synchronize()
    found: Record = {"train_s": time.perf_counter() - started, "step_ms": clock.milliseconds}
    if device.type == "cuda":
        found["peak"] = torch.cuda.max_memory_allocated(device)
        found["declared"] = declared(table.rows, len(table.schema.columns))
    found["losses"] = _losses(model, table)
    found["digest"] = _digest(generator, model)
    started = time.perf_counter()
    found["rows"] = _draw(generator, model, job["drawn"], turn["seed"] + 1, Path(turn["sample"]))
    found["draw_s"] = time.perf_counter() - started
    return found


class Clock:
    """Milliseconds of a step, by the loop's own checkpoint or by what it reports; the device is waited for.

    Args:
        last: after how many steps a loop that asks its checkpoint is read the last time: before the judge looks.
    """

    def __init__(self, device: torch.device, last: int) -> None:
        self.device, self.last = device, last
        self.read: list[tuple[int, float]] = []  # steps done, seconds
        self._asked = 0

    @property
    def milliseconds(self) -> float | None:
        if len(self.read) < 2 or self.read[-1][0] == self.read[0][0]:
            return None
        (first, began), (last, ended) = self.read[0], self.read[-1]
        return (ended - began) * 1000 / (last - first)

    def synchronize(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def progress(self, done: int, _total: int, unit: str, _note: str = "") -> None:
        if unit == "steps" and done and not self._asked:
            self._note(done)

    def load(self) -> None:
        return None

    def due(self) -> bool:
        self._asked += 1
        if self._asked in (1, self.last):
            self._note(self._asked)
        return False

    def save(self, state: Any) -> None:
        raise AssertionError(f"nothing was due, and here is {state}")

    def _note(self, done: int) -> None:
        self.synchronize()
        self.read.append((done, time.perf_counter()))


@contextmanager
def _encoded_once(name: str, table: Table, params: Any) -> Iterator[Record]:
    """Encodes the rows before the first turn, for all: a turn is a training. What that took is ``encode_s``.

    Under epsilon the encoding spends the budget, and belongs to the training.
    """
    from synthkit.generators import survey
    from synthkit.generators.neural import model

    place: Any = {"circuit": survey, **dict.fromkeys(PLAIN, model)}.get(name)
    if place is None:
        yield {}
        return
    real, kept = place.encoded, {}

    def once(*given: Any) -> Any:
        *same, last = given  # the device of a network; of a circuit None
        if "found" not in kept:
            kept["found"] = real(*same, "cpu" if place is model else last)
        encoder, found = kept["found"]
        return encoder, found.to(resolve(last)) if place is model else found

    started = time.perf_counter()
    place.encoded = once
    try:
        once(table, params, 0, "cpu" if place is model else None)
        yield {"encode_s": time.perf_counter() - started}
    finally:
        place.encoded = real


def _losses(model: Any, table: Table) -> dict[str, float]:
    """What the training says of itself at its end: losses and judgements of a network, a circuit's likelihood."""
    looks = model.record.get("looks") if hasattr(model, "record") else None
    if looks:
        return {k: v for k, v in looks[-1].items() if k not in ("step", "epoch")}
    if hasattr(model, "log_prob"):
        rows = next(table.batches([c.name for c in table.schema.columns], LOOKED))
        return {"log-likelihood": float(replace(model, refinement=None).log_prob(rows).mean())}
    return {}


def _digest(generator: Trained, model: Any) -> str:
    """Of the model's files."""
    found = hashlib.sha256()
    with tempfile.TemporaryDirectory() as folder:
        generator.save(model, Path(folder))
        for file in sorted(Path(folder).rglob("*")):
            if file.is_file():
                found.update(file.read_bytes())
    return found.hexdigest()[:16]


def _draw(generator: Trained, model: Any, rows: int, seed: int, file: Path) -> int:
    """Stream rows to a file, the way a build does. Returns how many there are."""
    batches = iter(generator.sample(model, rows, conditions=(), seed=seed, progress=silent))
    first = next(batches)
    return write_parquet(chain([first], batches), first.schema, file, {}).rows


def _looked_at(job: Record, table: Table) -> Record:
    """Steps of the generator's loop on the device of the last turn: what waits, what is copied, and the memory held."""
    device = resolve(job["turns"][-1]["device"])
    kind = job["generator"] if job["epsilon"] is None else f"{job['generator']} under epsilon"
    budget = None if job["epsilon"] is None else Budget(job["epsilon"], DELTA, rows=table.rows, insecure_seed=0)
    record: Record = {"label": "steps", "watched": 0, "faults": []}
    if kind not in steps.TRAINED:
        return {**record, "left_out": "it computes on the CPU alone"}
    seen, held = Watched(device), Held()
    # A GPU counts its memory itself, turn by turn.
    with nullcontext() if device.type == "cuda" else held:
        try:
            record["watched"] = steps.run(kind, table, device, job["watched"], lambda: guarded(seen), budget)
        except torch.OutOfMemoryError as error:
            record["left_out"] = out_of_memory(error)
        except RuntimeError as error:  # what a synchronising operation is in that mode
            record["faults"] = [str(error).splitlines()[0]]
    if held.most:
        record |= {"peak": held.most, "declared": declared(table.rows, len(table.schema.columns))}
    return {**record, "faults": [*record["faults"], *seen.faults], "sent": sum(seen.sent.values())}


def main() -> None:
    job = json.loads(sys.argv[1])
    torch.set_num_threads(job["threads"])
    for record in carry_out(job):
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
