"""Rows of entities as values: how they are drawn, and rows in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.dichotomies import Conditional
from synthkit.generators.family.axis import Axis
from synthkit.generators.family.binning import Binning
from synthkit.generators.family.succession import Succession
from synthkit.generators.family.walk import Layout

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Rows:
    """How a table's rows are drawn.

    Args:
        floats, lasts: cuts of the features that are numbers.
        parts: of each field, p(cell | before).
        stays: of each field, whether the row before is repeated, where that is asked.
        successions: of each field, which cell may follow which.
        least_gap: between two rows' times.
        least_step: the same, of two different times.
        matched: after which field the row that a key names is looked up: (field, key).
    """

    layout: Layout
    floats: Binning
    lasts: Binning
    parts: tuple[Conditional, ...]
    stays: tuple[Conditional | None, ...]
    successions: tuple[Succession | None, ...]
    least_gap: float
    least_step: float
    matched: tuple[tuple[int, int], ...]
    axis: Axis | None = None


@dataclass(frozen=True)
class Sorted:
    """Rows of entities, an entity's together and in their order.

    Args:
        starts: where each entity begins.
        cells, values: shape (rows, fields).
        time: of each row.
    """

    starts: Array
    cells: Array
    values: Array
    time: Array
