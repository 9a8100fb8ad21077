"""Declared tables for the tests of private generators, and releases that are played back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.generators.marginals.release import Releases
from synthkit.privacy.accounting.noise import Noise
from synthkit.schema import Column, Schema, Table

COLUMNS = (
    Column("age", "integer", "BIGINT", nullable=False, bounds=(0, 99)),
    Column("income", "float", "DOUBLE", bounds=(0.0, 50_000.0), decimals=2),
    Column("city", "categorical", "VARCHAR", values=("Bern", "Basel", "Chur")),
    Column("paid", "boolean", "BOOLEAN", nullable=False),
    Column("tier", "categorical", "VARCHAR", nullable=False, values=("a", "b", "c", "d")),
)
TYPES = {"age": pa.int64(), "income": pa.float64(), "city": pa.string(), "paid": pa.bool_(), "tier": pa.string()}


def declared(path: Path, rows: list[tuple[Any, ...]], columns: tuple[Column, ...] = COLUMNS) -> Table:
    """A table of these rows under the declaration."""
    path.mkdir(parents=True, exist_ok=True)
    arrays = {c.name: pa.array([r[i] for r in rows], TYPES[c.name], from_pandas=False) for i, c in enumerate(columns)}
    pq.write_table(pa.table(arrays), path / "rows.parquet")
    return Table(Schema(columns), (path / "rows.parquet",), len(rows))


def customers(path: Path, count: int = 4_000, seed: int = 0) -> Table:
    """Age decides income, income decides tier, city stands by itself; a tenth of the incomes is missing."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, count)
    income = np.round(np.where(rng.random(count) < 0.2, 0.0, age * 400 + rng.normal(0, 3_000, count).clip(-7_000)), 2)
    missing = rng.random(count) < 0.1
    tier = np.where(income > 20_000, rng.choice(["a", "b"], count), rng.choice(["c", "d"], count, p=[0.8, 0.2]))
    rows = [
        (int(a), None if m else float(i), str(c), bool(p), str(t))
        for a, i, m, c, p, t in zip(
            age, income, missing, rng.choice(["Bern", "Chur"], count, p=[0.7, 0.3]), age > 50, tier, strict=True
        )
    ]
    return declared(path, rows)


class Recorder(Releases):
    """Releases that keep both what they were asked and what they answered."""

    def __init__(self, seed: int) -> None:
        super().__init__(Noise.seeded(seed))
        self.asked: list[tuple[str, Any, float]] = []
        self.answers: list[Any] = []

    def histogram(self, counts: Any, sigma: float) -> Any:
        answer = super().histogram(counts, sigma)
        self.asked.append(("histogram", counts.copy(), sigma))
        self.answers.append(answer)
        return answer

    def choose_first(self, scores: Any, fits: Callable[[int], bool], epsilon: float, sensitivity: float) -> int | None:
        answer = super().choose_first(scores, fits, epsilon, sensitivity)
        self.asked.append(("choose", scores.copy(), sensitivity))
        self.answers.append(answer)
        return answer


class Replay(Recorder):
    """Releases that answer what another run was answered, whatever they are asked.

    Adaptive composition compares two data sets under the same earlier answers: this is that comparison.
    """

    def __init__(self, other: Recorder) -> None:
        super().__init__(0)
        self.script = iter(other.answers)

    def histogram(self, counts: Any, sigma: float) -> Any:
        super().histogram(counts, sigma)
        return next(self.script)

    def choose_first(self, scores: Any, fits: Callable[[int], bool], epsilon: float, sensitivity: float) -> int | None:
        super().choose_first(scores, lambda _: True, epsilon, sensitivity)
        answer: int | None = next(self.script)
        assert answer is None or fits(answer)
        return answer
