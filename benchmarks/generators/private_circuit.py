"""Would a circuit with a budget beat ``aim`` somewhere? A hidden Chow-Liu tree by noisy EM, made as strong as can be.

Every E-step releases the expected counts of all states, cells and pairs of states, with Gaussian noise (DP-EM; Park,
Foulds, Choudhary & Welling 2017). One row adds at most 1 in L2 norm to each column's cells and to each of the tree's
edges, so that a release of d columns has sensitivity √(2d − 1), and T of them together the noise that the budget asks
for times √T. The noisy counts are brought back to the nearest counts that are none below zero and add up.

This circuit is given for nothing what ``aim`` pays for, or what none may have: each column's cells and shares (of a fit
of ``independent`` with a whole budget of its own), the Chow-Liu tree of the exact rows, and of all states and steps
those with the best score on the held-out rows, measure by measure. So where it loses, the honest one would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from benchmarks.generators import regimes
from benchmarks.generators.datasets import Dataset, Rows
from benchmarks.generators.jobs import Bench, say

if TYPE_CHECKING:
    import torch

    from synthkit.generators.circuit.em import Counts
    from synthkit.generators.circuit.tree import HiddenTree

TABLES = ("adult", "telco_churn", "randhie", "flights")
STATES = (2, 4, 8, 16)
STEPS = (3, 10, 30)


@dataclass(frozen=True)
class Trial:
    """``aim``, or a circuit of so many states after so many steps: means over the seeds."""

    dataset: str
    epsilon: float
    states: int  # 0: aim
    steps: int
    tstr: float
    c2st: float
    trends: float


def run(
    bench: Bench,
    datasets: Sequence[Dataset],
    epsilons: Sequence[float],
    seeds: Sequence[int],
    data: Path,
    after_each: Callable[[Sequence[Trial]], None],
) -> list[Trial]:
    """``aim`` and all circuits on every table at every ε; ``after_each`` of them it sees what there is."""
    found: list[Trial] = []
    for dataset in datasets:
        rows, table = regimes.declared(bench, dataset, data)
        for epsilon in epsilons:
            say(f"{dataset.name}, epsilon {epsilon:g}: aim")
            each = [regimes.once("aim", table, rows, epsilon, bench, s)[1:] for s in seeds]
            found.append(Trial(dataset.name, epsilon, 0, 0, *_means(each)))
            for states in STATES:
                for steps in STEPS:
                    say(f"{dataset.name}, epsilon {epsilon:g}: {states} states, {steps} steps")
                    each = [_once(table, rows, epsilon, bench, s, states, steps) for s in seeds]
                    found.append(Trial(dataset.name, epsilon, states, steps, *_means(each)))
                    after_each(found)
    return found


def _means(each: Sequence[Sequence[float]]) -> list[float]:
    return [mean(values) for values in zip(*each, strict=True)]


def _once(
    table: Any, rows: Rows, epsilon: float, bench: Bench, seed: int, states: int, steps: int
) -> tuple[float, float, float]:
    """TSTR, C2ST and trends of as many rows as were trained on."""
    import numpy as np
    import torch

    from synthkit.generators.base import silent
    from synthkit.generators.circuit.sampling import sampler_of
    from synthkit.generators.marginals.generator import INDEPENDENT
    from synthkit.generators.marginals.params import IndependentParams

    budget = regimes.budget_of(bench, epsilon, table.rows)
    assert INDEPENDENT.fit is not None
    columns = INDEPENDENT.fit(table, IndependentParams(), budget=budget, seed=seed, device="cpu", progress=silent)
    positions = columns.encoder.encode_table(table)
    codes = [cut.codes(p) for cut, p in zip(columns.cuts, positions, strict=True)]
    tables, homes = columns.model.tables, columns.model.tree.cliques
    shares = {c: np.asarray(t, dtype=float) for (c,), t in zip(homes, tables, strict=True)}
    marginals = [torch.from_numpy((s / s.sum()).astype(np.float32)) for _, s in sorted(shares.items())]
    stacked = torch.from_numpy(np.column_stack(codes).astype(np.int64))
    tree = noisy_em(stacked, marginals, states, steps, budget.epsilon, budget.delta, seed)
    sampler = sampler_of(tree, None)
    generator = torch.Generator().manual_seed(seed)

    class Drawn:
        def draw(self, count: int, _: Any) -> Any:
            return sampler.draw(count, generator).t().numpy().astype(np.int64)

    batch = columns.rows(Drawn(), table.rows, np.random.default_rng(seed))
    return regimes.scored([batch], rows)


def noisy_em(
    codes: torch.Tensor,
    marginals: Sequence[torch.Tensor],
    states: int,
    steps: int,
    epsilon: float,
    delta: float,
    seed: int,
) -> HiddenTree:
    """A tree after ``steps`` full E-steps, each with its share of the budget.

    Args:
        codes: cells, int64, shape (rows, columns).
        marginals: the share of each cell, one tensor per column.
    """
    import torch

    from synthkit.generators.circuit.em import expected_counts, maximised, start_tree
    from synthkit.generators.circuit.structure import chow_liu, mutual_information
    from synthkit.privacy.accounting.accountant import calibrate
    from synthkit.privacy.accounting.mechanisms import Gaussian

    sizes = [len(m) for m in marginals]
    rows, columns = codes.shape
    structure = chow_liu(mutual_information(codes.numpy(), sizes))
    flat = torch.cat(list(marginals))
    tree = start_tree(structure, sizes, states, flat, seed)
    multiplier = calibrate(lambda noise: (Gaussian(noise),), epsilon, delta)
    scale = multiplier * math.sqrt(steps * (2 * columns - 1))
    noise = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for _ in range(steps):
            counts = _summed(tree, codes, expected_counts)
            tree = maximised(tree, _noisy(counts, sizes, structure.order[0], rows, scale, noise), flat, 1e-6, 1e-6)
    return tree


def _summed(tree: HiddenTree, codes: torch.Tensor, expected_counts: Any, block: int = 20_000) -> Counts:
    """Mean expected counts over all rows, block by block."""
    from synthkit.generators.circuit.em import Counts

    parts = [(len(p), expected_counts(tree, p)[0]) for p in codes.split(block)]
    root, pairs, cells = (sum(n * getattr(c, k) for n, c in parts) / len(codes) for k in ("root", "pairs", "cells"))
    return Counts(root, pairs, cells)


def _noisy(
    counts: Counts, sizes: Sequence[int], first: int, rows: int, scale: float, generator: torch.Generator
) -> Counts:
    """The counts with noise, each table of them brought back to the nearest one of shares that add up to 1."""
    import torch

    from synthkit.generators.circuit.em import Counts

    def told(table: torch.Tensor) -> torch.Tensor:
        noised = table + torch.randn(table.shape, generator=generator) * (scale / rows)
        return nearest_shares(noised.flatten()).reshape(table.shape)

    cells = [told(block) for block in torch.split(counts.cells, list(sizes))]
    pairs = torch.stack([told(p) if p.any() else p for p in counts.pairs])
    return Counts(cells[first].sum(0), pairs, torch.cat(cells))


def nearest_shares(values: torch.Tensor) -> torch.Tensor:
    """The projection on the simplex (Duchi, Shalev-Shwartz, Singer & Chandra 2008); shape (cells,)."""
    import torch

    ordered = values.sort(descending=True).values
    excess = (ordered.cumsum(0) - 1) / torch.arange(1, len(values) + 1)
    kept = int((ordered > excess).sum())
    return (values - excess[max(kept, 1) - 1]).clamp_min(0)


def table(trials: Sequence[Trial], seeds: int) -> str:
    """A line per table and ε: what ``aim`` reaches, and the best circuit by each measure, with its states and steps."""
    lines = [
        f"### A circuit with a budget, at its very best, beside `aim`: means of {seeds} seeds",
        "",
        "| table | ε | TSTR: `aim` | best circuit | C2ST: `aim` | best circuit | pair trends: `aim` | best circuit |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for key in dict.fromkeys((t.dataset, t.epsilon) for t in trials):
        (aim, *circuits) = sorted((t for t in trials if (t.dataset, t.epsilon) == key), key=lambda t: t.states > 0)
        cells = []
        for measure, sign in (("tstr", 1), ("c2st", -1), ("trends", 1)):
            best = max(circuits, key=lambda t, m=measure, s=sign: s * getattr(t, m), default=None)
            cells.append(f"{getattr(aim, measure):.3f}")
            known = None if best is None else f"{getattr(best, measure):.3f} ({best.states} states, {best.steps} steps)"
            cells.append(known or "–")
        lines.append(f"| {key[0]} | {key[1]:g} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def to_json(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    return [asdict(t) for t in trials]
