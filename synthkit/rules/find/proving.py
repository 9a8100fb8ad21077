"""From a candidate to a rule with evidence: all rows are looked at, and shuffled columns say what chance would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.rules.find.columns import Columns
from synthkit.rules.find.evidence import MOST_CHANCE, Evidence, Found, chance_of, log_of_exceptions
from synthkit.rules.formula import Formula
from synthkit.rules.language import violations

if TYPE_CHECKING:
    from synthkit.rules.coding import Mask

MOST_EXCEPTIONS = 0.0005  # of the rows: of more it cannot be said that they are exceptions
FEWEST_ROWS = 20  # that a rule must speak of
SHUFFLES = 5


def most_exceptions(rows: int) -> int:
    """How many of so many rows may break what is still a rule."""
    return int(rows * MOST_EXCEPTIONS)


def prove_formula(columns: Columns, rule: Formula, candidates: int, most: float = MOST_EXCEPTIONS) -> Found | None:
    """The rule with its evidence; None where more than a share ``most`` of the rows break it, or chance does as much.

    The chance of one row is the share of rows that keep the rule where the target's values are dealt out anew.
    """
    import numpy as np

    table = columns.table
    try:
        broken = violations(rule, table)
    except ValueError:
        return None
    known = ~np.any([columns.by_name[name].absent for name in rule.columns if name in columns.by_name], axis=0)
    broken |= known & ~rule.defined(table)  # log(0), say: the target has a value there that it does not give
    told = int(known.sum())
    exceptions = int(broken.sum())
    if told < FEWEST_ROWS or exceptions > int(told * most):
        return None
    by_chance = _shuffled(columns, rule, known)
    unseen = int(known[columns.unseen].sum())
    broken_unseen = int(broken[columns.unseen].sum())
    chance = chance_of(log_of_exceptions(by_chance, unseen - broken_unseen, broken_unseen), candidates)
    if chance > MOST_CHANCE:
        return None
    return Found(rule, Evidence(told - exceptions, exceptions, unseen, chance))


def _shuffled(columns: Columns, rule: Formula, known: Mask) -> float:
    """The share of rows that keep the rule with the target's values dealt out anew."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(1)
    rows = np.flatnonzero(known)
    rows = rng.choice(rows, min(len(rows), 2_000), replace=False)
    part = columns.table.select(list(rule.columns)).take(pa.array(rows))
    kept = 0
    for _ in range(SHUFFLES):
        target: Any = part.column(rule.target).take(pa.array(rng.permutation(len(rows))))
        index = part.column_names.index(rule.target)
        kept += int((~violations(rule, part.set_column(index, rule.target, target))).sum())
    return (kept + 1) / (SHUFFLES * len(rows) + 2)
