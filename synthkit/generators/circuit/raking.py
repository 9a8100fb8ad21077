"""Raking: a refined tree gets back the shares of the cells that the rows have.

A refinement is learnt from some thousand rows by trees that stop early, and bends what it was not asked about: the
share of a rare category, the mean of a number. Iterative proportional fitting (Deming and Stephan 1940; its limit is
the distribution nearest to the refined one, in relative entropy, among all that have the given margins: Csiszár 1975)
finds a factor for each cell over rows drawn from the tree, weighed as the refinement weighs them. The factors go into
the tree's leaves (:meth:`.tree.HiddenTree.tilted`), so that the model stays of its kind: exact conditions, exact
sampling, and not one draw more is rejected.

Each factor carries the chance of the rows that were drawn, and a row's weight is the product of one factor a column. Of
a wide table, whose cells are many beside those rows, that product would be noise: there a share is raked by as much of
its distance as is more than chance does to it (the positive part of James and Stein's shrinkage, 1961).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from synthkit.generators.circuit.refine import Refinement
    from synthkit.generators.circuit.tree import HiddenTree

SWEEPS = 20  # over all columns, at most
CLOSE = 1e-4  # greatest change of a share at which the factors are left
ENOUGH = 50  # drawn rows per cell of the table; with fewer, chance is told from what the refinement bent
CHANCE = 2.0  # standard errors, of as many rows as the weighed ones are worth (Kish 1965), that are left alone
WIDEST = 4.0  # a factor is within 1/4 and 4: what lacks more than that lacks rows to be raked


def raked(tree: HiddenTree, refinement: Refinement, shares: torch.Tensor, drawn: Iterable[torch.Tensor]) -> HiddenTree:
    """The tree whose refined rows have the given shares of cells.

    Args:
        shares: of rows in each cell, the columns one under the other, shape (sum of cardinalities,).
        drawn: rows of the tree, shape (rows, columns), a part at a time.
    """
    import torch

    codes, weights = [], []
    for part in drawn:
        codes.append(part.t().to(torch.int16 if max(tree.cardinalities) <= 2**15 else torch.int32))
        weights.append(refinement.log_weight(part).double().exp())
    cells, weight = torch.cat(codes, dim=1), torch.cat(weights)
    few = len(weight) < ENOUGH * len(shares)
    wanted = torch.split(shares.double(), list(tree.cardinalities))
    factors = [torch.ones_like(w) for w in wanted]
    for _ in range(SWEEPS):
        furthest = 0.0
        for j, block in enumerate(wanted):
            cell = cells[j].int()
            have = torch.zeros_like(block).index_add_(0, cell, weight)
            have /= have.sum()
            ratio = (block + 1 / len(weight)) / (have + 1 / len(weight))  # of a cell that nobody drew, nothing is known
            if few:
                worth = float(weight.sum() ** 2 / weight.square().sum())
                chance = CHANCE**2 * have.clamp_min(1 / worth) / worth
                ratio **= (1 - chance / (block - have).square().clamp_min(1e-30)).clamp_min(0)
            ratio = (ratio * factors[j]).clamp(1 / WIDEST, WIDEST) / factors[j]
            factors[j] = factors[j] * ratio
            weight = weight * ratio.index_select(0, cell)
            furthest = max(furthest, float(((ratio - 1) * have).abs().max()))
        if furthest < CLOSE:
            break
    return tree.tilted(torch.cat(factors).to(tree.emissions.dtype))
