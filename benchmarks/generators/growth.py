"""How the time and the memory of a fit grow with its rows: Adult, drawn with replacement, at 10 k, 100 k and 1 M."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.generators.datasets import DATASETS, load
from benchmarks.generators.intervals import middle, slope
from benchmarks.generators.jobs import Bench, Outcome, fit, say, train_file
from benchmarks.generators.knowledge import write_declared
from benchmarks.generators.peers import label

SIZES = (10_000, 100_000, 1_000_000)
MOST_GB = 3.0  # at the largest size: the design's bar


@dataclass(frozen=True)
class Point:
    """One fit at one size."""

    rows: int
    outcome: Outcome

    @property
    def peak_gb(self) -> float:
        """Peak resident memory of the fitting process, its imports among it."""
        return float(self.outcome.record["fit_peak_mib"]) * 2**20 / 1e9


def run(bench: Bench, generators: Sequence[str], seeds: Sequence[int], sizes: Sequence[int], data: Path) -> list[Point]:
    """Fit every generator at every size with every seed; nothing is drawn."""
    whole = load(DATASETS["adult"], data)
    files = {}
    for size in sizes:
        drawn = whole.sample(size, replace=True, random_state=bench.split_seed).reset_index(drop=True)
        files[size] = train_file(bench, f"growth_train_{size}", drawn)
        if bench.epsilon is not None:
            write_declared(whole, files[size])
    points = []
    for seed in seeds:
        for size in sizes:
            for generator in generators:
                say(f"growth: {generator} on {size:,} rows, seed {seed}")
                dataset = replace(DATASETS["adult"], name=f"growth_{size}")
                outcome = fit(bench, dataset, files[size], generator, seed, 0)
                if outcome.fault is not None:
                    say(f"  failed: {outcome.fault}")
                points.append(Point(size, outcome))
    return points


def table(points: Sequence[Point], sizes: Sequence[int], epsilon: float | None = None) -> str:
    """Markdown: seconds and peak memory by size, and the exponent of the seconds."""
    titles = [*(f"{s:,} rows: s" for s in sizes), "exponent", f"peak GB at {max(sizes):,}", f"bar {MOST_GB:g} GB"]
    lines = [
        f"### Growth: fits on resampled Adult{'' if epsilon is None else f', ε = {epsilon:g}'}",
        "",
        f"| | {' | '.join(titles)} |",
        f"| --- |{' ---: |' * (len(sizes) + 2)} --- |",
    ]
    for generator in dict.fromkeys(p.outcome.generator for p in points):
        good = [p for p in points if p.outcome.generator == generator and p.outcome.fault is None]
        seconds = [middle([p.outcome.fit_seconds for p in good if p.rows == s]).text(".1f") for s in sizes]
        exponent = slope([p.rows for p in good], [p.outcome.fit_seconds for p in good])
        peak = middle([p.peak_gb for p in good if p.rows == max(sizes)])
        bar = "within" if peak.value < MOST_GB else "OVER"
        cells = [label(generator), *seconds, exponent.text(".2f"), peak.text(".2f"), bar]
        lines.append(f"| {' | '.join(cells)} |")
    faults = [
        f"- {label(p.outcome.generator)}, {p.rows:,} rows, seed {p.outcome.seed}: {p.outcome.fault}"
        for p in points
        if p.outcome.fault
    ]
    return "\n".join([*lines, "", *faults])
