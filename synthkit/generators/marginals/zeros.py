"""Structural zeros: combinations of values that no row can have, by definition and not by what the rows happen to hold.

They are public knowledge, declared in the parameters. Where each value of a combination has a cell of its own, the
graphical model gives the combination no probability, so that noise puts no rows there; where a value shares its cell
with others, rows that are drawn with the combination are drawn anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.encoding.declared import DeclaredEncoder
from synthkit.generators.marginals.cuts import Cut
from synthkit.generators.marginals.junction import Clique
from synthkit.schema import Cell

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Impossible:
    """One combination: the position of each of ``columns`` (ascending) that they cannot have together."""

    columns: Clique
    positions: tuple[int, ...]

    def among(self, positions: Sequence[Array]) -> Array:
        """Which rows have the combination: booleans, shape (rows,).

        Args:
            positions: one array per column of the table.
        """
        import numpy as np

        here = [positions[c] == p for c, p in zip(self.columns, self.positions, strict=True)]
        return np.asarray(np.logical_and.reduce(here))

    def cells(self, cuts: Sequence[Cut]) -> tuple[int, ...] | None:
        """The cells of the combination, or None where a cell holds other values, too."""
        import numpy as np

        found = []
        for c, position in zip(self.columns, self.positions, strict=True):
            cut = cuts[c]
            cell = int(cut.codes(np.array([position]))[0])
            leaves = np.flatnonzero(cut.cell == cell)
            if len(leaves) > 1 or cut.ends[leaves[0]] - cut.starts[leaves[0]] > 1:
                return None
            found.append(cell)
        return tuple(found)


def impossible(rules: Sequence[Mapping[str, Cell]], encoder: DeclaredEncoder) -> tuple[Impossible, ...]:
    """The declared combinations.

    Raises:
        BuildError: a column or value that is not declared.
    """
    names = [a.name for a in encoder.axes]
    found = []
    for rule in rules:
        positions = sorted((names.index(n) if n in names else -1, encoder.position_of(n, v)) for n, v in rule.items())
        found.append(Impossible(tuple(c for c, _ in positions), tuple(p for _, p in positions)))
    return tuple(found)


def masks(zeros: Sequence[Impossible], cuts: Sequence[Cut]) -> dict[Clique, Array]:
    """For each set of columns, the cells that are impossible for certain: booleans, one axis per column."""
    import numpy as np

    found: dict[Clique, Array] = {}
    for zero in zeros:
        cells = zero.cells(cuts)
        if cells is not None:
            shape = tuple(cuts[c].cells for c in zero.columns)
            found.setdefault(zero.columns, np.zeros(shape, dtype=bool))[cells] = True
    return found
