"""Rows per CPU second, and the memory of a million rows: ours streamed to Parquet, beside SDV's CTGAN.

What a network has learnt does not change how long it takes to draw from it, so the networks are trained for one epoch.
Ours are drawn by a process that has only read the model; SDV's peak holds its short fit, too.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.generators.datasets import DATASETS, rows_of
from benchmarks.generators.intervals import Estimate, middle, paired_ratio
from benchmarks.generators.jobs import Bench, Outcome, fit, say, train_file
from benchmarks.generators.peers import label

PEER = "sdv.ctgan"
ROWS = 1_000_000
FASTEST = 20.0  # times the peer's rows per CPU second: the design's bar
MOST_GB = 1.5  # for ROWS rows: the design's bar
EPOCHS = 1


@dataclass(frozen=True)
class Drawn:
    """Repeated draws of one generator, by seed."""

    generator: str
    outcomes: Mapping[int, Outcome]

    @property
    def rates(self) -> dict[int, float]:
        """Rows per CPU second (all threads), of the draws that succeeded: what others do on the machine counts less."""
        good = {s: o.record for s, o in self.outcomes.items() if o.fault is None and "sample_cpu_s" in o.record}
        return {seed: record["rows"] / record["sample_cpu_s"] for seed, record in good.items()}

    @property
    def peaks(self) -> list[float]:
        """Peak resident memory of the drawing process in GB."""
        peaks = [o.record.get("sample_peak_mib") for o in self.outcomes.values() if o.fault is None]
        return [p * 2**20 / 1e9 for p in peaks if p is not None]


def run(bench: Bench, generators: Sequence[str], repeats: Sequence[int], data: Path, rows: int = ROWS) -> list[Drawn]:
    """Draw ``rows`` Adult rows from each of ours and from the peer in turns, once per repeat."""
    train = train_file(bench, "sampling_train", rows_of(DATASETS["adult"], data, bench.split_seed).train)
    settings = _settings(bench, generators)
    found: dict[str, dict[int, Outcome]] = {name: {} for name in (*settings, PEER)}
    for name, (generator, params) in settings.items():
        folder = bench.work / f"sampling_{name}.model"
        if not bench.reuse:
            shutil.rmtree(folder, ignore_errors=True)
        say(f"sampling: {name} is fitted")
        brief = replace(bench, params={generator: params})
        outcome = fit(brief, replace(DATASETS["adult"], name=f"sampling_fit_{name}"), train, generator, 0, 0, folder)
        if outcome.fault is not None:
            say(f"  failed: {outcome.fault}")
            found[name][0] = outcome
    for repeat in repeats:
        for name in found:
            generator, params = settings.get(name, (PEER, {}))
            folder = bench.work / f"sampling_{name}.model"
            if name in settings and not (folder / "complete").exists():
                continue
            say(f"sampling: {rows:,} rows of {name}, repeat {repeat}")
            brief = replace(bench, peer_epochs=EPOCHS, params={generator: params})
            dataset = replace(DATASETS["adult"], name=f"sampling_{name}")
            found[name][repeat] = fit(brief, dataset, train, generator, repeat, rows, folder)
    return [Drawn(name, outcomes) for name, outcomes in found.items()]


def _settings(bench: Bench, generators: Sequence[str]) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is drawn from, by name: each generator, and the circuit without its refinement besides."""
    found = {name: (name, _brief(name, bench.params.get(name, {}))) for name in generators}
    if "circuit" in generators:
        found["circuit-unrefined"] = ("circuit", {**bench.params.get("circuit", {}), "refinements": 0})
    return found


def _brief(generator: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with one epoch, for a network; a circuit's structure depends on its training, so it is whole."""
    return {"epochs": EPOCHS, "min_steps": 1, **params} if generator in ("ctgan", "tvae") else dict(params)


def table(found: Sequence[Drawn], rows: int = ROWS) -> str:
    """Markdown: rows per CPU second (median, least, greatest), times the peer's, peak memory."""
    peer = next(d for d in found if d.generator == PEER)
    lines = [
        f"### Sampling: {rows:,} Adult rows to Parquet",
        "",
        f"| | rows/CPU s | × {label(PEER)} | bar {FASTEST:g} × | peak GB | bar {MOST_GB:g} GB |",
        "| --- | ---: | ---: | --- | ---: | --- |",
    ]
    for drawn in found:
        rates, ratio = middle(list(drawn.rates.values())), paired_ratio(drawn.rates, peer.rates)
        peak = middle(drawn.peaks)
        bars = ("", "") if drawn is peer else (_over(ratio), _under(peak))
        cells = [label(drawn.generator), rates.text(",.0f"), ratio.text(".1f"), bars[0], peak.text(".2f"), bars[1]]
        lines.append(f"| {' | '.join(cells)} |")
    faults = [f"- {label(d.generator)}: {o.fault}" for d in found for o in d.outcomes.values() if o.fault]
    return "\n".join([*lines, "", *faults])


def _over(ratio: Estimate) -> str:
    return "within" if ratio.value >= FASTEST else "UNDER"


def _under(peak: Estimate) -> str:
    return "within" if peak.value <= MOST_GB else "OVER"
