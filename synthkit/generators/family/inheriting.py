"""What rows have of the row of their own table that they name: an employee's pay goes with the manager's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.columns import Field
from synthkit.generators.conditional.telling import grouped

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST = 8  # columns
GROUPS = 8  # of cells
CHANCE = 3.0  # standard deviations of the test's statistic beyond what chance gives


def inherited(fields: Sequence[Field], cells: Array, named: Array) -> tuple[int, ...]:
    """The columns that go with the same column of the row that is named, those that do most first, in their order.

    The measure is the G statistic of groups of cells, which is chi-square where there is no dependence.

    Args:
        cells: shape (rows, fields).
        named: the row that each row names; below 0: none.
    """
    import numpy as np

    here = np.flatnonzero((named >= 0) & (named != np.arange(len(named))))
    told = []
    for j, field in enumerate(fields):
        group = _grouped(cells[:, j], field)
        table = np.zeros((GROUPS, GROUPS))
        np.add.at(table, (group[here], group[named[here]]), 1.0)
        a, b = table.sum(axis=1), table.sum(axis=0)
        expected = np.outer(a, b) / max(1.0, table.sum())
        some = table > 0
        g = 2.0 * float((table[some] * np.log(table[some] / expected[some])).sum())
        free = max(1, int(((a > 0).sum() - 1) * ((b > 0).sum() - 1)))
        told.append((g - free) / np.sqrt(2.0 * free))
    best = np.argsort(-np.array(told), kind="stable")[:MOST]
    return tuple(sorted(int(j) for j in best if told[j] > CHANCE))


def _grouped(cells: Array, field: Field) -> Array:
    """The group of each row's cell."""
    import numpy as np

    count = np.bincount(cells, minlength=field.cells)
    return np.asarray(grouped(count, GROUPS, ordered=field.numeric)[cells])
