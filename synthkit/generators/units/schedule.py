"""How the budget of a family is divided over its tables before any row is read: the least noise that keeps it.

Each table is learnt from at most one row of each unit, so each release has the sensitivity of a histogram over rows,
whatever the table. Which unit's rows are read is the same for all tables: they compose (nothing is in parallel).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from synthkit.errors import BuildError
from synthkit.generators.functions import Budget
from synthkit.generators.marginals.params import AimParams
from synthkit.generators.marginals.schedule import MOST_ROUNDS, Schedule
from synthkit.generators.tables import Shape
from synthkit.generators.units.levels import Level, root_level, walk
from synthkit.privacy.accounting import accountant
from synthkit.privacy.accounting.mechanisms import Mechanism

ROUNDS = 3.0  # marginals measured for each new column of a table
FITS = 12  # of a table's model before the last one, at most


def schedules(params: AimParams, budget: Budget, shape: Shape) -> Mapping[str, Schedule]:
    """What learning each table releases.

    Raises:
        BuildError: the tables, or the parameters, are not such as can be learnt together.
    """
    for name in ("preprocessing_share", "target", "workload", "impossible"):
        if getattr(params, name):
            message = f"{name} is about the columns of one table, and this is a family of tables"
            raise BuildError(message, hint=f"drop {name}; declare bounds and values of the source's columns")
    if budget.max_rows_per_unit != 1:
        raise BuildError("a unit of a family is one row of its root", hint="drop max_rows_per_unit of the root")
    levels = tuple(walk(root_level(shape)))
    parts = {level.name: len(level.histograms) for level in levels}
    total = sum(parts.values())
    if not total:
        raise BuildError("nothing of these tables is learnt", hint="declare a column that is, or drop epsilon")

    def make(noise: float) -> dict[str, Schedule]:
        """``noise``: of one release in place of all. A choice counts by its zCDP: epsilon² / 8 = 1 / (2 sigma²)."""
        return {level.name: _of(level, params, noise / math.sqrt(parts[level.name] / total)) for level in levels}

    def released(noise: float) -> tuple[Mechanism, ...]:
        return tuple(m for plan in make(noise).values() for m in plan.mechanisms)

    return make(accountant.calibrate(released, budget.epsilon, budget.delta))


def mechanisms(params: AimParams, budget: Budget, shape: Shape) -> tuple[Mechanism, ...]:
    """What all tables release together."""
    return tuple(m for plan in schedules(params, budget, shape).values() for m in plan.mechanisms)


def _of(level: Level, params: AimParams, noise: float) -> Schedule:
    """A table's releases, that come to one of ``noise``."""
    histograms = level.histograms
    new = len(histograms) - (level.key is not None)
    pairs = new * (new - 1) // 2 + (0 if level.key is None else new)  # at least
    rounds = min(pairs, MOST_ROUNDS, params.rounds or math.ceil(ROUNDS * new))
    first = params.one_way_share if rounds else 1.0
    rest = 1 - first - params.selection_share
    return Schedule(
        levels=histograms,
        first_sigma=noise * math.sqrt(sum(histograms) / first),
        rounds=rounds,
        sigma=noise * math.sqrt(rounds / rest) if rounds else 0.0,
        epsilon=2 / noise * math.sqrt(params.selection_share / rounds) if rounds else 0.0,
        batch=max(1, math.ceil(rounds / FITS)),
        sensitivity=1,
    )
