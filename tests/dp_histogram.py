"""A small private generator that tests register as a third party's: a noisy histogram of one categorical column.

Environment variables let a test look at a build from outside: ``DP_MARK`` is a file that gets a line when a training
has started to read rows; ``DP_HANG`` makes it wait there, ``DP_HOLD`` as long as there is a file of that name;
``DP_KILL`` kills the coordinator while it charges: ``write`` in the middle of the line, ``fsync`` before it is on disk;
``DP_CHEAT`` trains with less noise than was declared.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from synthkit.generators.base import Budget, Params, Trained
from synthkit.privacy.accounting.mechanisms import Gaussian, Mechanism
from synthkit.schema import Schema

IN_A_WORKER = "PYTHONSAFEPATH"  # is set in workers alone


class HistogramParams(Params):
    factor: float = 1.0  # of the noise; below 1 it declares more than the budget


def mechanisms(params: HistogramParams, budget: Budget, schema: Schema) -> tuple[Mechanism, ...]:
    """ρ-zCDP implies (ρ + 2·√(ρ ln 1/δ), δ)-DP (Bun & Steinke 2016, proposition 1.3), and ρ = 1/(2σ²)."""
    tail = math.log(1 / budget.delta)
    rho = (math.sqrt(budget.epsilon + tail) - math.sqrt(tail)) ** 2
    noise = 1 / math.sqrt(2 * rho)
    cheat = 0.5 if os.environ.get("DP_CHEAT") and IN_A_WORKER in os.environ else 1.0
    return (Gaussian(noise * params.factor * cheat),)


def fit(table: Any, params: HistogramParams, *, budget: Budget, seed: int, device: str, progress: Any) -> Any:
    """Noisy counts of the declared values of the first column: one row changes one count by 1, a unit's k rows by k."""
    import numpy as np

    if "DP_MARK" in os.environ:
        with Path(os.environ["DP_MARK"]).open("a") as file:
            file.write(f"{os.getpid()}\n")
    while "DP_HANG" in os.environ or Path(os.environ.get("DP_HOLD", "/nothing")).exists():
        time.sleep(0.1)
    (gaussian,) = mechanisms(params, budget, table.schema)
    assert isinstance(gaussian, Gaussian)
    column = table.schema.columns[0]
    rows = table.to_arrow([column.name])[column.name].to_pylist()
    rng = np.random.default_rng(budget.insecure_seed)  # without a seed: from the system's entropy
    values = list(column.values or ())
    counts = np.array([rows.count(v) for v in values], dtype=float)
    counts += rng.normal(0, gaussian.noise_multiplier * budget.max_rows_per_unit, len(values))
    return {"column": column.name, "values": values, "weights": np.maximum(counts, 0.01).tolist()}


def sample(model: Any, rows: int, *, conditions: Any, seed: int, progress: Any) -> Iterator[Any]:
    import numpy as np
    import pyarrow as pa

    weights = np.array(model["weights"])
    drawn = np.random.default_rng(seed).choice(len(weights), rows, p=weights / weights.sum())
    yield pa.RecordBatch.from_pydict({model["column"]: [model["values"][i] for i in drawn]})


def save(model: Any, directory: Path) -> None:
    import json

    (directory / "model.json").write_text(json.dumps(model), "utf-8")


def load(directory: Path) -> Any:
    import json

    return json.loads((directory / "model.json").read_text("utf-8"))


def _kill_while_charging(at: str) -> None:
    """Arrange for this process to die when it writes the ledger, as in a power cut."""

    def ledger(handle: int) -> bool:
        return Path(f"/proc/self/fd/{handle}").resolve().name == "ledger.jsonl"

    write, sync = os.write, os.fsync

    def dying_write(handle: int, data: bytes) -> int:
        if at == "write" and ledger(handle):
            write(handle, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(handle, data)

    def dying_sync(handle: int) -> None:
        if at == "fsync" and ledger(handle):
            os.kill(os.getpid(), signal.SIGKILL)
        sync(handle)

    os.write, os.fsync = dying_write, dying_sync


if "DP_KILL" in os.environ:
    _kill_while_charging(os.environ["DP_KILL"])

HISTOGRAM = Trained(
    name="dp.histogram",
    version=1,
    params=HistogramParams,
    fit=fit,
    sample=sample,
    save=save,
    load=load,
    supports_conditions=False,
    mechanisms=mechanisms,
)
