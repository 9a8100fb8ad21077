"""How a budget is divided before any row is read: how many releases of which noise.

AIM (McKenna, Mullins, Sheldon & Miklau 2022) lowers its noise when the data call for it, and so has to account by zCDP,
whose conversion to (epsilon, delta) gives away a third of the budget or more. Here numbers and noise are fixed by
the schema and the parameters; only *what* is measured depends on earlier answers. Each release then has one dominating
pair whatever came before it, and the adaptive composition is that of the pairs (Zhu, Dong & Wang 2022, theorem 10),
which the accountant evaluates numerically.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations

from synthkit.errors import BuildError, did_you_mean
from synthkit.generators.base import Budget
from synthkit.generators.marginals.discover import Discovery
from synthkit.generators.marginals.params import AimParams, MarginalParams, MstParams
from synthkit.generators.marginals.tree import levels_of
from synthkit.privacy.accounting import accountant
from synthkit.privacy.accounting.mechanisms import BoundedRange, Mechanism, noisy_histograms
from synthkit.schema import Column, Schema

PER_COLUMN = 3.0  # marginals measured per column
BYTES = 8  # per cell of a table
MOST_ROUNDS = 400  # unless the parameters ask for more
MOST_CANDIDATES = 5_000  # pairs of a wide table that are looked at, unless a workload names others
FITS = 40  # of the graphical model before the last one, at most: more marginals are chosen at a time


@dataclass(frozen=True)
class Schedule:
    """What one training releases.

    Args:
        levels: histograms of each column by itself.
        first_sigma: noise of each of them.
        rounds: marginals of several columns.
        sigma: noise of each of them; 0 without any.
        epsilon: of each choice of one; 0 where there is nothing to choose.
        batch: how many are chosen between two fits.
        sensitivity: rows of one privacy unit at most.
        discovery: what is found out before.
    """

    levels: tuple[int, ...]
    first_sigma: float
    rounds: int
    sigma: float
    epsilon: float
    batch: int
    sensitivity: int
    discovery: Discovery = field(default_factory=Discovery)

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """What the releases compose to."""
        unit = self.sensitivity
        found = [noisy_histograms(self.first_sigma, unit, sum(self.levels))]
        if self.rounds:
            found.append(noisy_histograms(self.sigma, unit, self.rounds))
        if self.epsilon:
            found.append(BoundedRange(self.epsilon, self.rounds))
        return (*found, *self.discovery.mechanisms(unit))


def schedule(params: MarginalParams, budget: Budget, schema: Schema) -> Schedule:
    """The least noise that keeps the budget.

    Raises:
        BuildError: the parameters name a column that the schema does not have.
    """
    levels = tuple(levels_of(c) for c in schema.columns)
    rounds, chosen = _rounds(params, schema)
    discovery = Discovery.planned(schema, params.preprocessing_share, budget.delta)
    before = discovery.share
    # Shares of what is left for learning: of 1 / noise², to which a release of Gaussian noise adds 1 / sigma².
    selection = getattr(params, "selection_share", 0.0) if chosen else 0.0
    first = params.one_way_share if rounds else 1.0
    unit = budget.max_rows_per_unit

    def sigma(noise: float, releases: int, share: float) -> float:
        return noise * unit * math.sqrt(releases / share) if releases else 0.0

    def make(noise: float) -> Schedule:
        """``noise``: of one release in place of all. A choice counts by its zCDP: epsilon² / 8 = 1 / (2 sigma²)."""
        return Schedule(
            levels=levels,
            first_sigma=sigma(noise, sum(levels), (1 - before) * first),
            rounds=rounds,
            sigma=sigma(noise, rounds, (1 - before) * (1 - first - selection)),
            epsilon=2 / noise * math.sqrt((1 - before) * selection / rounds) if chosen else 0.0,
            batch=math.ceil(rounds / FITS) if isinstance(params, AimParams) else max(1, rounds),
            sensitivity=unit,
            discovery=discovery.at(noise * unit),
        )

    return make(_calibrated(lambda noise: make(noise).mechanisms, budget))


def _calibrated(make: Callable[[float], tuple[Mechanism, ...]], budget: Budget) -> float:
    return accountant.calibrate(make, budget.epsilon, budget.delta)


def candidates(params: MarginalParams, schema: Schema) -> dict[tuple[int, ...], float]:
    """The sets of columns that may be measured, ascending, with their weights.

    A set of the workload stands for all its subsets of several columns, and a candidate weighs as many columns as it
    shares with each set of the workload (McKenna et al. 2022, section 4.1).

    Raises:
        BuildError: a name that is no modelled column.
    """
    names = schema.names
    target = getattr(params, "target", None)
    workload = getattr(params, "workload", None)
    for name in [*([target] if target is not None else []), *(n for columns in workload or () for n in columns)]:
        if name not in names:
            raise BuildError(f"there is no modelled column {name!r}", hint=did_you_mean(name, names, "a column"))
    if workload is None:
        found = dict.fromkeys(_pairs(len(names), None if target is None else names.index(target)), 1.0)
    else:
        sets = [tuple(sorted(names.index(n) for n in columns)) for columns in workload]
        every = {c for s in sets for size in (2, 3) for c in combinations(s, size)}
        weights = {c: float(sum(len({*c} & {*s}) for s in sets)) for c in sorted(every)}
        found = {c: w / max(weights.values()) for c, w in weights.items()}
    if target is None:
        return found
    extra = getattr(params, "target_weight", 1.0)
    return {c: w * (extra if names.index(target) in c else 1.0) for c, w in found.items()}


def _pairs(columns: int, target: int | None) -> list[tuple[int, ...]]:
    """All pairs; of a wide table those with the target, and of columns that stand near each other in it."""
    reach = columns
    while reach > 1 and reach * columns > MOST_CANDIDATES and columns * (columns - 1) // 2 > MOST_CANDIDATES:
        reach -= 1
    return [p for p in combinations(range(columns), 2) if p[1] - p[0] <= reach or target in p]


def _rounds(params: MarginalParams, schema: Schema) -> tuple[int, bool]:
    """How many marginals of several columns are measured, and whether they are chosen."""
    if isinstance(params, MstParams):
        return len(schema.columns) - 1, len(schema.columns) > 2
    if not isinstance(params, AimParams):
        return 0, False
    every = len(candidates(params, schema))
    wanted = (
        params.rounds if params.rounds is not None else min(MOST_ROUNDS, math.ceil(PER_COLUMN * len(schema.columns)))
    )
    whole = math.prod(_cells(c, params.bins) for c in schema.columns)
    if wanted >= every and whole * BYTES <= params.max_model_size * 2**20:
        return every, False
    return wanted if every else 0, bool(every)


def _cells(column: Column, bins: int) -> int:
    """About how many cells a column has at most."""
    values = 2 if column.type == "boolean" else bins if column.values is None else len(column.values)
    return values + int(column.nullable)
