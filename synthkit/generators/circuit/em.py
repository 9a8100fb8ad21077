"""Expectation-maximisation for the hidden Chow-Liu tree, in mini-batches.

Stepwise EM (Cappé and Moulines 2009; Liang and Klein 2009): the expected counts are a moving average over
mini-batches, and every step sets the parameters to the maximum of them, so there is no learning rate to tune and no
gradient. With one batch of all rows and a rate of 1 it is the classical algorithm, under which the likelihood never
falls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.generators.circuit.structure import Structure
from synthkit.generators.circuit.tree import HiddenTree, block_offsets
from synthkit.generators.devices import sent

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Args:
        steps: mini-batches in all.
        batch: rows of one.
        first_rate, last_rate: weight of a new batch in the moving average, falling geometrically.
        transition_smoothing: pseudo-rows spread evenly over each table of transitions.
        emission_smoothing: pseudo-rows per state with the column's own marginal distribution.
    """

    steps: int
    batch: int = 250
    first_rate: float = 0.3
    last_rate: float = 0.02
    transition_smoothing: float = 0.02
    emission_smoothing: float = 0.5


@dataclass
class Counts:
    """Expected counts per row: of the root's states, of pairs of states, of cells with states."""

    root: torch.Tensor
    pairs: torch.Tensor
    cells: torch.Tensor


def start_tree(
    structure: Structure, cardinalities: Sequence[int], states: int, marginals: torch.Tensor, seed: int
) -> HiddenTree:
    """A random tree whose every column has about its own marginal distribution (``marginals``, one under the other)."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    d, device = len(cardinalities), marginals.device
    transitions = torch.rand(d, states, states, generator=generator) ** 3 + 0.02
    noise = torch.rand(int(sum(cardinalities)), states, generator=generator).to(device)
    emissions = _normalised(noise * marginals[:, None], cardinalities)
    root = torch.full((states,), 1.0 / states, device=device)
    transitions = (transitions / transitions.sum(2, keepdim=True)).to(device)
    offsets = block_offsets(cardinalities).to(device)
    return HiddenTree(structure, tuple(cardinalities), root, transitions, emissions, offsets)


def marginal_counts(codes: torch.Tensor, cardinalities: Sequence[int]) -> torch.Tensor:
    """The share of rows in each cell, the columns one under the other, shape (sum of cardinalities,)."""
    import torch

    parts = [torch.bincount(codes[:, j].long(), minlength=c).float() for j, c in enumerate(cardinalities)]
    return torch.cat(parts) / max(1, len(codes))


def expected_counts(tree: HiddenTree, codes: torch.Tensor) -> tuple[Counts, torch.Tensor]:
    """The E-step over whole rows (int64): mean expected counts, and the mean log-likelihood in nats (a scalar)."""
    import torch

    inside, told, likelihood = tree.upward(codes, whole=True)
    first, rows = tree.structure.order[0], len(codes)
    posterior: list[torch.Tensor] = [tree.root] * len(tree.cardinalities)
    top = inside[first] * tree.root
    posterior[first] = top / top.sum(1, keepdim=True).clamp_min_(1e-30)
    pairs = torch.zeros_like(tree.transitions)
    for j in tree.structure.order[1:]:
        outside = posterior[tree.structure.parents[j]] / told[j]
        torch.mul(outside.t() @ inside[j], tree.transitions[j], out=pairs[j])
        posterior[j] = inside[j] * (outside @ tree.transitions[j])
        inside[j] = told[j] = tree.root  # heard, and let go
    cells = torch.zeros_like(tree.emissions)
    indexes = codes + tree.offsets
    for j, weights in enumerate(posterior):
        cells.index_add_(0, indexes[:, j], weights)
    return Counts(posterior[first].sum(0) / rows, pairs / rows, cells / rows), likelihood.mean()


def maximised(
    tree: HiddenTree, counts: Counts, marginals: torch.Tensor, transition_smoothing: float, emission_smoothing: float
) -> HiddenTree:
    """The M-step: the tree of greatest expected likelihood. The two weights of the prior are in pseudo-rows per row."""
    k = tree.states
    root = counts.root + transition_smoothing / k
    pairs = counts.pairs + transition_smoothing / k
    cells = counts.cells + emission_smoothing * marginals[:, None]
    return HiddenTree(
        tree.structure,
        tree.cardinalities,
        root / root.sum(),
        pairs / pairs.sum(2, keepdim=True).clamp_min_(1e-30),
        _normalised(cells, tree.cardinalities),
        tree.offsets,
    )


def train(
    tree: HiddenTree,
    codes: torch.Tensor,
    marginals: torch.Tensor,
    schedule: Schedule,
    seed: int,
    watch: Callable[[int, HiddenTree, float], bool] | None = None,
) -> HiddenTree:
    """Stepwise EM over ``codes`` (any integer type, shape (rows, columns), on the tree's device).

    ``watch(step, tree, likelihood)`` is called ten times on the way and once at the end; it ends the training by
    returning True. Nothing else reads a value back from the device.
    """
    import torch

    rows, batch = len(codes), min(schedule.batch, len(codes))
    generator = torch.Generator().manual_seed(seed)
    states = tree.states
    counts = Counts(tree.root.clone(), tree.transitions / states, tree.emissions / states)
    order, at = sent(torch.randperm(rows, generator=generator), codes.device), 0
    mean = torch.zeros((), device=tree.root.device)
    every = max(1, schedule.steps // 10)
    with torch.no_grad():
        for step in range(schedule.steps):
            if at + batch > rows:
                order, at = sent(torch.randperm(rows, generator=generator), codes.device), 0
            part = codes[order[at : at + batch]].long()
            at += batch
            new, likelihood = expected_counts(tree, part)
            rate = _rate(schedule, step)
            for old, fresh in ((counts.root, new.root), (counts.pairs, new.pairs), (counts.cells, new.cells)):
                old.mul_(1 - rate).add_(fresh, alpha=rate)
            smoothing = (schedule.transition_smoothing / rows, schedule.emission_smoothing / rows)
            tree = maximised(tree, counts, marginals, *smoothing)
            mean = likelihood if step == 0 else mean.lerp(likelihood, 0.05)
            last = step == schedule.steps - 1
            if watch is not None and (step % every == every - 1 or last) and watch(step + 1, tree, float(mean)):
                break
    return tree


def _rate(schedule: Schedule, step: int) -> float:
    done = step / max(1, schedule.steps - 1)
    return schedule.first_rate * math.pow(schedule.last_rate / schedule.first_rate, done)


def _normalised(cells: torch.Tensor, cardinalities: Sequence[int]) -> torch.Tensor:
    """Each column's block divided by its sum in every state; in place."""
    import torch

    for block in torch.split(cells, list(cardinalities)):
        block /= block.sum(0).clamp_min(1e-30)
    return cells
