"""Which marginal to measure next: the one that the model gets most wrong, chosen with noise.

A candidate's score is AIM's (McKenna et al. 2022, equation 1): how many rows' worth the model is off on it in L1, less
what the noise of measuring it would be, times its weight. A row is in one cell of each marginal, so adding or removing
one changes a score by at most its weight; the model's side of the difference depends on earlier answers alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.generators.marginals.junction import Clique, maximal_cliques, total_cells
from synthkit.generators.marginals.model import Model
from synthkit.generators.marginals.pairs import marginals_of
from synthkit.generators.marginals.release import Releases

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST_KEPT = 2**26  # counts of candidates that are held between rounds; those beyond are counted anew
BLOCK = 1_000_000  # rows that are counted at once
NOISE = math.sqrt(2 / math.pi)  # mean absolute value of a standard Gaussian


def counts_of(codes: Sequence[Array], sizes: Sequence[int], columns: Clique) -> Array:
    """The exact contingency table of some columns: int64, one axis each. Private: only releases may leave.

    Args:
        codes: cells of every row, one array of shape (rows,) per column of the table.
    """
    import numpy as np

    shape = tuple(sizes[c] for c in columns)
    found = np.zeros(math.prod(shape), dtype=np.int64)
    for start in range(0, len(codes[columns[0]]), BLOCK):  # sums of whole numbers: the same in any blocks
        flat = codes[columns[0]][start : start + BLOCK].astype(np.int64)
        for c in columns[1:]:
            flat = flat * sizes[c] + codes[c][start : start + BLOCK]
        found += np.bincount(flat, minlength=len(found))
    return found.reshape(shape)


class Candidates:
    """The marginals that may be measured, with their exact counts.

    Args:
        weights: of each candidate.
        total: noisy number of rows. A candidate whose noise alone would exceed it is left out.
        sigma: noise of a measurement.
    """

    def __init__(
        self, codes: Sequence[Array], sizes: Sequence[int], weights: Mapping[Clique, float], total: float, sigma: float
    ) -> None:
        self.codes, self.sizes, self.sigma = codes, sizes, sigma
        cells = {c: math.prod(sizes[i] for i in c) for c in weights}
        self.every = tuple(weights)
        self.weights = {c: w for c, w in weights.items() if NOISE * sigma * cells[c] <= total}
        self.kept: dict[Clique, Array] = {}
        self.room = MOST_KEPT

    @property
    def sensitivity(self) -> float:
        """By how much one row changes any score at most."""
        return max(self.weights.values(), default=1.0)

    def counts(self, columns: Clique) -> Array:
        """The exact counts of a candidate. Private."""
        found = self.kept.get(columns)
        if found is None:
            found = counts_of(self.codes, self.sizes, columns)
            if found.size <= self.room:
                self.kept[columns] = found
                self.room -= found.size
        return found

    def scores(self, model: Model) -> dict[Clique, float]:
        """How much each candidate is worth measuring. Private: it may only be handed to a choice."""
        import numpy as np

        found = {}
        for columns, expected in marginals_of(model, list(self.weights)):
            off = float(np.abs(self.counts(columns) - expected).sum())
            found[columns] = self.weights[columns] * (off - NOISE * self.sigma * expected.size)
        return found


def choose(
    scores: Mapping[Clique, float],
    held: Sequence[Clique],
    sizes: Sequence[int],
    releases: Releases,
    *,
    epsilon: float,
    sensitivity: float,
    room: float,
    tree: bool,
) -> Clique | None:
    """The next marginal to measure, or None where none fits: one release.

    Args:
        scores: of the candidates.
        held: sets that the graphical model has already. What fits follows from them alone.
        sizes: cells of each column.
        room: cells of the model's tables at most; a set that the model holds jointly anyway always fits.
        tree: whether pairs may close no circle.
    """
    import numpy as np

    names = list(scores)

    def fits(i: int) -> bool:
        columns = names[i]
        if tree:
            return not _connected(held, columns)
        if any(set(columns) <= set(h) for h in held):
            return True
        return total_cells(maximal_cliques([*held, columns], sizes), sizes) <= room

    found = releases.choose_first(np.array([scores[c] for c in names]), fits, epsilon, sensitivity)
    return None if found is None else names[found]


def _connected(held: Sequence[Clique], columns: Clique) -> bool:
    """Whether the pairs held already connect the two columns."""
    reached, grown = {columns[0]}, True
    while grown:
        grown = False
        for pair in held:
            if len(pair) > 1 and len(reached & set(pair)) == 1:
                reached |= set(pair)
                grown = True
    return columns[1] in reached
