"""From encoded rows to a refined tree: structure, number of states, EM, refinement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.generators.circuit.em import Schedule, marginal_counts, start_tree, train
from synthkit.generators.circuit.params import CircuitParams
from synthkit.generators.circuit.raking import raked
from synthkit.generators.circuit.refine import RATIO, REAL_ROWS, Refinement, Round, learn_ratio, with_normaliser
from synthkit.generators.circuit.sampling import sampler_of
from synthkit.generators.circuit.structure import Structure, chow_liu, mutual_information
from synthkit.generators.circuit.tables import column_sets
from synthkit.generators.circuit.tree import HiddenTree

if TYPE_CHECKING:
    import torch

STATES = 64
FEW_ROWS = 20_000  # below it the number of states is chosen on held-out rows
CHOICES = (4, 8, 16, 32, 64)
PATIENCE = 3  # numbers in a row that are no better: one may be chance, as few rows are held out and a start is random
HELD_OUT = 0.15
MOST_CHOOSING = 200  # columns that the choice looks at: of a wide table those first in the tree
MORE_TREES = 3  # times as many where they become tables: bound to few columns, each says less, and costs no row time
NORMALISED = 50_000  # rows drawn to estimate log Z
RAKED, RAKED_CELLS = 200_000, 25_600_000  # rows drawn to rake, and cells of them: of wide tables fewer rows
CELLS_AT_ONCE = 6_400_000

Report = Callable[[int, int, str], None]  # steps done, steps in all, a note


def fit_tree(
    codes: torch.Tensor, cardinalities: Sequence[int], params: CircuitParams, seed: int, report: Report
) -> HiddenTree:
    """A trained tree over ``codes`` (integers, shape (rows, columns), on the device to train on)."""
    report(0, 1, "which columns depend on each other")
    structure = chow_liu(mutual_information(codes.cpu().numpy(), cardinalities))
    rows = len(codes)
    steps = round(params.epochs * rows / min(params.batch_size, rows))
    steps = min(max(steps, params.min_steps), max(params.max_steps, params.min_steps))
    schedule = Schedule(
        steps,
        params.batch_size,
        transition_smoothing=params.transition_smoothing,
        emission_smoothing=params.emission_smoothing,
    )
    states, stop = params.states or STATES, steps
    if params.states is None and 10 <= rows < FEW_ROWS:
        report(0, steps, "how many states")
        states, stop = _choose(structure, codes, cardinalities, schedule, seed)

    def watch(step: int, _tree: HiddenTree, likelihood: float) -> bool:
        report(step, stop, f"log-likelihood {likelihood:.3f}")
        return step >= stop

    marginals = marginal_counts(codes, cardinalities)
    return train(start_tree(structure, cardinalities, states, marginals, seed), codes, marginals, schedule, seed, watch)


def _choose(
    structure: Structure, codes: torch.Tensor, cardinalities: Sequence[int], schedule: Schedule, seed: int
) -> tuple[int, int]:
    """The number of states and of steps that give held-out rows the greatest likelihood.

    A small table is learnt by heart by a large model, which is as bad for privacy as for the held-out rows.
    """
    import torch

    if len(cardinalities) > MOST_CHOOSING:
        structure, kept = structure.top(MOST_CHOOSING)
        codes, cardinalities = codes[:, list(kept)], [cardinalities[c] for c in kept]
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed)).to(codes.device)
    held = max(1, round(HELD_OUT * len(codes)))
    test, rest = codes[order[:held]].long(), codes[order[held:]]
    marginals = marginal_counts(rest, cardinalities)
    # A cell that only the held-out rows have would make every model equally impossible.
    marginals = marginals + 1.0 / len(rest) / len(marginals)
    best, worse = (-math.inf, CHOICES[0], schedule.steps), 0
    for states in CHOICES:
        found: list[tuple[float, int]] = []
        start = start_tree(structure, cardinalities, states, marginals, seed)
        train(start, rest, marginals, schedule, seed, _Judge(test, found))
        likelihood, step = max(found)
        if likelihood <= best[0]:
            worse += 1
            if worse == PATIENCE:
                break
            continue
        best, worse = (likelihood, states, step), 0
    return best[1], best[2]


@dataclass(frozen=True)
class _Judge:
    """Notes the likelihood of held-out rows at every stop on the way."""

    test: torch.Tensor
    found: list[tuple[float, int]]

    def __call__(self, step: int, tree: HiddenTree, _likelihood: float) -> bool:
        self.found.append((float(tree.log_prob(self.test).mean()), step))
        return False


def fit_refinement(
    tree: HiddenTree, codes: torch.Tensor, categorical: Sequence[int], params: CircuitParams, seed: int, report: Report
) -> tuple[HiddenTree, Refinement | None]:
    """The boosted density ratio of the rows to the tree, in as many rounds as asked for, and the tree raked for it."""
    import torch

    if params.refinements == 0:
        return tree, None
    generator = torch.Generator().manual_seed(seed)
    real = codes
    if len(codes) > REAL_ROWS:
        real = codes[torch.randperm(len(codes), generator=generator)[:REAL_ROWS]]
    refinement: Refinement | None = None
    shares = _shares(params.refinements)
    sets = column_sets(tree.cardinalities) if len(codes) >= FEW_ROWS else None
    for number in range(params.refinements):
        drawn = sampler_of(tree, refinement).draw(max(RATIO * len(real), 1_000), generator)
        forest = learn_ratio(
            real,
            drawn,
            tree.cardinalities,
            categorical,
            trees=params.refinement_trees * (1 if sets is None else MORE_TREES),
            rate=params.refinement_rate,
            sets=sets,
            seed=seed + number,
        )
        before = () if refinement is None else refinement.rounds
        refinement = Refinement((*before, Round(forest, shares[number] * math.log(params.max_ratio))))
        report(number + 1, params.refinements, "")
    assert refinement is not None
    raking = min(RAKED, max(1, RAKED_CELLS // len(tree.cardinalities)))
    tree = raked(tree, refinement, marginal_counts(codes, tree.cardinalities), _drawn(tree, raking, generator))
    return tree, with_normaliser(refinement, _drawn(tree, NORMALISED, generator))


def _drawn(tree: HiddenTree, most: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Rows of the unrefined tree, a part at a time."""
    import torch

    seed = int(torch.randint(2**62, (1,), generator=generator))
    stream, rows = sampler_of(tree, None).stream(most, seed), max(1, CELLS_AT_ONCE // len(tree.cardinalities))
    yield from (stream.take(min(rows, most - start)) for start in range(0, most, rows))


def _shares(rounds: int) -> list[float]:
    """Shares of the greatest log ratio: half as much as the round before, as there is less left to learn."""
    parts = [0.5**i for i in range(rounds)]
    return [p / sum(parts) for p in parts]
