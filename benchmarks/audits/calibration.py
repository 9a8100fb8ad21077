"""How often audits fail real rows, and how often their 95 % intervals hold the truth.

Fails: "synthetic" rows are a fresh real sample, so a fail at the default limit is a false alarm; at most 5 % may be.
Coverage: "synthetic" rows are of another made-up population (and, as ``same``, of the real one). The truth is the same
audit's value on a sample so large that its own error is small. An audit whose parts (columns, pairs) decide one by one
is covered by part: picking the worst of several is not what an interval of one is made for. A value that depends on
how many rows there are (what a classifier can learn, how far the nearest row is) has no truth at infinity: of these
the mean over the repetitions is the truth, marked with *.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.audits.contexts import context_of, judged, run
from benchmarks.audits.populations import Population, populations
from synthkit.audits.contract import AuditResult

LARGE = 300_000  # rows a side for the truth
SHIFT = 0.5
# Values that depend on the number of rows, with what they are where all rows are of one distribution
SIZED = {"detection": 0.5, "alpha_precision": 1.0, "beta_recall": 1.0, "pair_trends": None}
BY_PART = ("correlation",)  # a mean over pairs that the rows themselves choose
UNSAID = ("utility", "privacy", "fairness")  # families whose truth depends on sizes, too


@dataclass
class Seen:
    """What one audit said over the repetitions."""

    statuses: Counter[str] = field(default_factory=Counter)
    intervals: dict[str, list[tuple[float, float, float]]] = field(default_factory=lambda: defaultdict(list))
    seconds: float = 0.0

    def add(self, name: str, result: AuditResult) -> None:
        self.statuses[result.status] += 1
        for part, interval in intervals(result, name in BY_PART).items():
            self.intervals[part].append(interval)


def intervals(result: AuditResult, by_part: bool) -> dict[str, tuple[float, float, float]]:
    """Value and interval's ends: of the parts where each decides for itself, else of the whole (named "")."""
    parts = [c for c in result.columns if c.ci_low is not None and c.value is not None]
    if parts and (by_part or result.details.get("combine") == "worst"):
        return {c.column: (c.value, c.ci_low, c.ci_high) for c in parts}  # type: ignore[misc]
    if result.value is None or result.ci_low is None or result.ci_high is None:
        return {}
    return {"": (result.value, result.ci_low, result.ci_high)}


def repeat(population: Population, repeats: int, names: list[str], shift: float) -> dict[str, Seen]:
    """Every audit on ``repeats`` fresh draws."""
    audits, left = judged(names, population.target)
    if left:
        print(f"left out, as they need more than a target: {', '.join(left)}\n")
    seen: dict[str, Seen] = {name: Seen() for name in audits}
    for index in range(repeats):
        rng = np.random.default_rng([index, 17])
        with tempfile.TemporaryDirectory() as directory:
            context = context_of(population.draw(population.sizes, rng, shift), Path(directory), index)
            for name, (found, params) in audits.items():
                started = time.perf_counter()
                seen[name].add(name, run(found, params, context))
                seen[name].seconds += time.perf_counter() - started
    return seen


def truths(population: Population, names: list[str], shift: float) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Value and interval of every audit on a very large sample."""
    audits, _ = judged(names, population.target)
    with tempfile.TemporaryDirectory() as directory:
        rows = population.draw((LARGE, LARGE, LARGE), np.random.default_rng(5), shift)
        context = context_of(rows, Path(directory), 1)
        sized = {n for n, (found, _) in audits.items() if n in SIZED or found.family in UNSAID}
        true = {
            n: intervals(run(found, p, context), n in BY_PART) for n, (found, p) in audits.items() if n not in sized
        }
        return true if shift else {**true, **{n: {"": (v, v, v)} for n, v in SIZED.items() if v is not None}}


def covered(seen: Seen, truth: Mapping[str, tuple[float, float, float]] | None) -> tuple[float, int] | None:
    """The share of intervals that hold the truth, and how many there were; None where there is none."""
    hits = total = 0
    for part, found in seen.intervals.items():
        true = float(np.mean([v for v, _, _ in found])) if truth is None else truth.get(part, (None,))[0]
        if true is None:
            continue
        hits += sum(low - 1e-9 <= true <= high + 1e-9 for _, low, high in found)
        total += len(found)
    return (hits / total, total) if total else None


def main(repeats: int, names: Sequence[str], tables: Sequence[str]) -> bool:
    """Print the tables; returns whether an audit fails real rows too often."""
    over = False
    for name, population in populations().items():
        if tables and name not in tables:
            continue
        print(f"\n### {name}: {repeats} repetitions of {' / '.join(f'{n:,}' for n in population.sizes)} rows\n")
        print("| audit | fail | inconclusive | pass | same: truth held | bent: truth held | s |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
        same = repeat(population, repeats, list(names), 0.0)
        bent = repeat(population, repeats, list(names), SHIFT) if population.known else {}
        true = {s: truths(population, list(names), s) if population.known else {} for s in (0.0, SHIFT)}
        for audit, seen in same.items():
            shares = {s: seen.statuses[s] / repeats for s in ("fail", "inconclusive", "pass")}
            over |= shares["fail"] > 0.05
            cells = [_cell(seen, true[0.0].get(audit), population.known)]
            cells.append(_cell(bent[audit], true[SHIFT].get(audit), known=True) if audit in bent else "–")
            shown = " | ".join(f"{v:.1%}" for v in shares.values())
            print(f"| `{audit}` | {shown} | {' | '.join(cells)} | {seen.seconds / repeats:.2f} |", flush=True)
    return over


def _cell(seen: Seen, truth: Any, known: bool) -> str:
    if not known:
        return "–"
    found = covered(seen, truth)
    return "–" if found is None else f"{found[0]:.1%}{'' if truth else '*'}"
