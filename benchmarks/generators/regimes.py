"""Which private generator for which table: few and many rows and columns, at several ε, in one process.

Small tables, or few rows of a large one, are where a rule of ``generator: auto`` could pay. Each figure is a mean over
seeds; with ``secure`` noise no two runs print the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.generators import metrics
from benchmarks.generators.datasets import DATASETS, Dataset, Rows, ingested, load, split
from benchmarks.generators.jobs import Bench, say, train_file
from benchmarks.generators.knowledge import as_declared, declared_file, write_declared

GENERATORS = ("aim", "mst", "independent")
TABLES = ("heart", "german_credit", "churn", "randhie_full", "adult")


@dataclass(frozen=True)
class Point:
    """One generator on one table at one ε: means over the seeds."""

    dataset: str
    rows: int
    columns: int
    epsilon: float
    generator: str
    fit_s: float
    tstr: float
    c2st: float
    trends: float


def run(
    bench: Bench,
    generators: Sequence[str],
    datasets: Sequence[Dataset],
    epsilons: Sequence[float],
    seeds: Sequence[int],
    data: Path,
    after_each: Callable[[Sequence[Point]], None],
) -> list[Point]:
    """Every generator on every table at every ε; ``after_each`` of them it sees what there is."""
    found: list[Point] = []
    for dataset in datasets:
        rows, table = declared(bench, dataset, data)
        for epsilon in epsilons:
            for name in generators:
                say(f"{dataset.name}, epsilon {epsilon:g}: {name}")
                each = [once(name, table, rows, epsilon, bench, seed) for seed in seeds]
                means = [mean(values) for values in zip(*each, strict=True)]
                found.append(Point(dataset.name, len(rows.train), rows.train.shape[1], epsilon, name, *means))
                after_each(found)
    return found


def declared(bench: Bench, dataset: Dataset, data: Path) -> tuple[Rows, Any]:
    """A table's rows, and its training rows as a table of which everything is declared."""
    whole = load(dataset, data)
    rows = split(dataset, whole, bench.split_seed)
    train = train_file(bench, f"{dataset.name}_train_{bench.split_seed}", rows.train)
    write_declared(whole, train)
    return rows, as_declared(ingested(train, dataset.types, bench.work / "ingested"), declared_file(train))


def budget_of(bench: Bench, epsilon: float, rows: int) -> Any:
    """The budget of a fit on so many declared rows."""
    from synthkit.generators.base import Budget

    return Budget(epsilon, min(bench.delta, 0.1 / rows), rows=rows)


def scored(batches: Iterable[Any], rows: Rows) -> tuple[float, float, float]:
    """TSTR, C2ST and pair trends of drawn record batches."""
    import pyarrow as pa

    synthetic = metrics.conform(pa.Table.from_batches(list(batches)).to_pandas(), rows.test)
    _, trends = metrics.quality(synthetic, rows.test)
    return metrics.tstr(synthetic, rows), metrics.c2st(synthetic, rows, draws=1), trends


def once(name: str, table: Any, rows: Rows, epsilon: float, bench: Bench, seed: int) -> tuple[float, ...]:
    """Seconds of the fit, and TSTR, C2ST and trends of as many rows as were trained on."""
    from synthkit.generators import registry
    from synthkit.generators.base import silent

    generator = registry.trained(name)
    params = generator.params.model_validate(dict(bench.params.get(name, {})))
    budget = budget_of(bench, epsilon, table.rows)
    started = time.perf_counter()
    model = generator.fit(table, params, budget=budget, seed=seed, device=bench.device, progress=silent)
    seconds = time.perf_counter() - started
    drawn = generator.sample(model, table.rows, conditions=(), seed=seed + 1, progress=silent)
    return seconds, *scored(drawn, rows)


def table(points: Sequence[Point], seeds: int) -> str:
    """One line for each table and ε: TSTR / C2ST / pair trends, and the seconds, of each generator."""
    names = list(dict.fromkeys(p.generator for p in points))
    lines = [
        f"### Regimes: TSTR / C2ST / pair trends (seconds of the fit), means of {seeds} seeds",
        "",
        f"| table | rows × columns | ε | {' | '.join(f'`{n}`' for n in names)} |",
        f"| --- | --- | ---: |{' ---: |' * len(names)}",
    ]
    for key, group in _grouped(points):
        cells = {p.generator: f"{p.tstr:.3f} / {p.c2st:.3f} / {p.trends:.3f} ({p.fit_s:.1f})" for p in group}
        lines.append(f"| {key} | {' | '.join(cells.get(n, '–') for n in names)} |")
    return "\n".join(lines) + "\n"


def _grouped(points: Sequence[Point]) -> Iterator[tuple[str, list[Point]]]:
    for key in dict.fromkeys((p.dataset, p.epsilon) for p in points):
        group = [p for p in points if (p.dataset, p.epsilon) == key]
        first = group[0]
        yield f"{first.dataset} | {first.rows:,} × {first.columns} | {first.epsilon:g}", group


def to_json(points: Sequence[Point]) -> list[dict[str, Any]]:
    return [asdict(p) for p in points]


def known(names: Sequence[str]) -> tuple[str, ...]:
    """The tables that are asked for, else those of the regimes. Raises KeyError for an unknown one."""
    for name in names:
        DATASETS[name]
    return tuple(names) or TABLES
