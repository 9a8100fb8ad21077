"""Under a budget: what each generator reaches at several ε, beside the peers that have differential privacy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.generators import compare, tables
from benchmarks.generators.compare import Results
from benchmarks.generators.datasets import DATASETS, load, rows_of
from benchmarks.generators.jobs import Bench, say, train_file
from benchmarks.generators.knowledge import write_declared
from benchmarks.generators.peers import Comparison

EPSILONS = (0.5, 1.0, 3.0, 8.0)


def run(
    bench: Bench,
    comparisons: Sequence[Comparison],
    seeds: Sequence[int],
    epsilons: Sequence[float],
    data: Path,
    after_each: Callable[[dict[float, Results]], None],
) -> dict[float, Results]:
    """Every comparison at every ε; each ε has a work folder of its own. ``after_each`` fit it sees what there is."""
    found: dict[float, Results] = {}
    for epsilon in epsilons:
        say(f"epsilon {epsilon:g}")
        brief = replace(bench, epsilon=epsilon, work=bench.work / f"epsilon-{epsilon:g}")
        for name in dict.fromkeys(d for c in comparisons for d in c.datasets):
            dataset = DATASETS[name]
            train = train_file(
                brief, f"{name}_train_{bench.split_seed}", rows_of(dataset, data, bench.split_seed).train
            )
            write_declared(load(dataset, data), train)

        def keep(results: Results, at: float = epsilon) -> None:
            found[at] = results
            after_each(found)

        found[epsilon] = compare.run(brief, comparisons, seeds, data, keep)
    return found


def table(found: dict[float, Results], comparisons: Sequence[Comparison], delta: float) -> str:
    """One Markdown table for each ε, comparison and table."""
    pages = [
        tables.comparison_table(results, comparison, dataset, f", ε = {epsilon:g}, δ = {delta:g}")
        for epsilon, results in found.items()
        for comparison in comparisons
        for dataset in comparison.datasets
    ]
    return "\n".join(pages)


def to_json(found: dict[float, Results]) -> dict[str, Any]:
    return {f"{epsilon:g}": results.to_json() for epsilon, results in found.items()}
