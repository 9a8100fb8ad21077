"""What it costs not to give single people's numbers and dates out again: fidelity and re-emission, with and without.

Each table is fitted twice: with ``min_count: 1``, which keeps every value that a training row holds, and with the
generator's default. Beside the scores of :mod:`benchmarks.generators.metrics` stand, over all numeric and temporal
columns, the share of published values that fewer than ``k`` training rows hold, and the same share of held-out rows:
what chance gives.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.generators.datasets import Dataset, Rows, ingested, load, split

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("adult", "churn", "telco_churn", "randhie", "german_credit", "default", "storms")
GENERATORS = ("circuit", "ctgan", "tvae")  # those that have the parameter
MOST_ROWS = 8_000  # of a table: a sample of it, so that the part takes minutes
FEW = 5  # a value that fewer training rows hold is theirs


@dataclass(frozen=True)
class Point:
    """One fit of one generator on one table."""

    table: str
    generator: str
    params: Mapping[str, Any]
    seed: int
    scores: Mapping[str, float]
    published: float
    held_out: float
    seconds: float


def run(
    generators: Sequence[str],
    datasets: Sequence[Dataset],
    seeds: Sequence[int],
    data: Path,
    settings: Sequence[Mapping[str, Any]] = ({"min_count": 1}, {}),
    done: Callable[[Point], None] = lambda _: None,
) -> list[Point]:
    """Fit and score every combination, one after the other."""
    from benchmarks.generators.metrics import score

    points = []
    for dataset in datasets:
        frame = load(dataset, data)
        frame = frame.sample(min(MOST_ROWS, len(frame)), random_state=0).reset_index(drop=True)
        rows = split(dataset, frame)
        for name in generators:
            for params in settings:
                for seed in seeds:
                    drawn, seconds = _drawn(name, params, rows, seed)
                    shares = [reused(rows.train, other) for other in (drawn, rows.test)]
                    found = score(drawn, rows).to_json()
                    points.append(Point(dataset.name, name, params, seed, found, *shares, seconds))
                    done(points[-1])
    return points


def _drawn(name: str, params: Mapping[str, Any], rows: Rows, seed: int) -> tuple[pd.DataFrame, float]:
    """As many synthetic rows as training rows, and the seconds of the fit."""
    import pyarrow as pa

    from synthkit.generators import registry
    from synthkit.generators.base import silent

    generator = registry.trained(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.parquet"
        rows.train.to_parquet(path, index=False)
        table = ingested(path, rows.dataset.types, Path(folder) / "ingested")
        started = time.perf_counter()
        chosen = generator.params.model_validate(dict(params))
        model = generator.fit(table, chosen, budget=None, seed=seed, device="cpu", progress=silent)
        seconds = time.perf_counter() - started
        batches = generator.sample(model, len(rows.train), conditions=(), seed=seed + 1, progress=silent)
        return pa.Table.from_batches(list(batches)).to_pandas(), seconds


def reused(train: pd.DataFrame, other: pd.DataFrame) -> float:
    """The share of the numbers and moments of ``other`` that at least one and fewer than ``FEW`` training rows hold."""
    from benchmarks.generators.metrics import conform, kind_of

    other, total, met = conform(other, train), 0, 0
    for name in train.columns:
        if kind_of(train[name]) == "category":
            continue
        counts = train[name].value_counts()
        values = other[name].dropna()
        total += len(values)
        met += int(values.isin(counts.index[counts < FEW]).sum())
    return met / max(1, total)


def table(points: Sequence[Point], seeds: int) -> str:
    """Means over the seeds, as Markdown."""
    keys = ("tstr", "c2st", "c2st_forest", "shapes", "trends", "nearest")
    head = ("table", "generator", "parameters", *keys, f"published that < {FEW} rows hold", "held out", "fit in s")
    lines = [
        f"## Values of single rows ({seeds} seeds, at most {MOST_ROWS:,} rows of a table)\n",
        f"| {' | '.join(head)} |",
        "| --- | --- | --- |" + " ---: |" * (len(head) - 3),
    ]
    groups: dict[tuple[str, str, str], list[Point]] = {}
    for point in points:
        shown = ", ".join(f"{k}: {v}" for k, v in point.params.items()) or "default"
        groups.setdefault((point.table, point.generator, shown), []).append(point)
    for names, group in groups.items():
        figures = [sum(p.scores[k] for p in group) / len(group) for k in keys]
        shares = [sum(s) / len(group) for s in zip(*((p.published, p.held_out) for p in group), strict=True)]
        seconds = sum(p.seconds for p in group) / len(group)
        shown = [f"{f:.4f}" for f in figures] + [f"{s:.1%}" for s in shares] + [f"{seconds:.1f}"]
        lines.append(f"| {' | '.join([*names, *shown])} |")
    return "\n".join(lines) + "\n"
