"""Fit ours and the peer one after the other, seed by seed, and judge what they draw by the held-out rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.generators.datasets import DATASETS, Rows, rows_of
from benchmarks.generators.jobs import Bench, Outcome, fit, say, train_file
from benchmarks.generators.metrics import Scores, score
from benchmarks.generators.peers import Comparison


@dataclass(frozen=True)
class Judged:
    """One fit and what its rows are worth; ``scores`` is None where the fit failed."""

    outcome: Outcome
    scores: Scores | None

    def to_json(self) -> dict[str, Any]:
        return {**self.outcome.to_json(), "scores": None if self.scores is None else self.scores.to_json()}


@dataclass
class Results:
    """Everything a run has found so far: the floor of each table, and every fit."""

    floors: dict[str, Scores] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)  # training rows, held-out rows
    judged: list[Judged] = field(default_factory=list)

    def of(self, dataset: str, generator: str) -> list[Judged]:
        """The fits of one generator on one table, by seed."""
        found = [j for j in self.judged if (j.outcome.dataset, j.outcome.generator) == (dataset, generator)]
        return sorted(found, key=lambda j: j.outcome.seed)

    def to_json(self) -> dict[str, Any]:
        return {
            "tables": {
                name: {"training_rows": train, "held_out_rows": test, "floor": self.floors[name].to_json()}
                for name, (train, test) in self.sizes.items()
                if name in self.floors
            },
            "fits": [j.to_json() for j in self.judged],
        }


def run(
    bench: Bench,
    comparisons: Sequence[Comparison],
    seeds: Sequence[int],
    data: Path,
    after_each: Callable[[Results], None],
) -> Results:
    """Run every comparison with every seed; ``after_each`` fit it sees the results so far."""
    results = Results()
    tables: dict[str, tuple[Rows, Path]] = {}
    for seed, dataset, generator in _order(comparisons, seeds):
        if dataset not in tables:
            rows = rows_of(DATASETS[dataset], data, bench.split_seed)
            tables[dataset] = rows, train_file(bench, f"{dataset}_train_{bench.split_seed}", rows.train)
            results.sizes[dataset] = (len(rows.train), len(rows.test))
            results.floors[dataset] = _judge(rows)
        rows, train = tables[dataset]
        say(f"{dataset}: {generator}, seed {seed}")
        outcome = fit(bench, rows.dataset, train, generator, seed, len(rows.train))
        results.judged.append(_judged(outcome, rows))
        after_each(results)
    return results


def _order(comparisons: Sequence[Comparison], seeds: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    """Seed, table and generator of each fit. Ours and the peer follow each other, and take turns in going first."""
    seen = set()
    for turn, seed in enumerate(seeds):
        for comparison in comparisons:
            both = [comparison.ours, *([comparison.peer] if comparison.peer else [])]
            for dataset in comparison.datasets:
                for generator in both if turn % 2 == 0 else reversed(both):
                    step = (seed, dataset, generator)
                    if step not in seen:
                        seen.add(step)
                        yield step


def _judged(outcome: Outcome, rows: Rows) -> Judged:
    import pandas as pd

    if outcome.fault is not None:
        say(f"  failed: {outcome.fault}")
        return Judged(outcome, None)
    try:
        scores = _judge(rows, pd.read_parquet(outcome.sample))
    except ValueError as error:  # rows that cannot be judged are the generator's fault, not the end of the run
        say(f"  not judged: {error}")
        return Judged(replace(outcome, fault=str(error)), None)
    figures = ", ".join(f"{k} {v:.4f}" for k, v in scores.to_json().items())
    say(f"  fit {outcome.fit_seconds:.1f} s; {figures}")
    return Judged(outcome, scores)


def _judge(rows: Rows, synthetic: Any = None) -> Scores:
    """Scores of synthetic rows, or of the real training rows: the floor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return score(rows.train if synthetic is None else synthetic, rows)
