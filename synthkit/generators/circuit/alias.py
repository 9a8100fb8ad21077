"""Draws from many categorical distributions in constant time each: Walker's alias method.

Walker (1977), "An efficient method for generating discrete random variables with general distributions". All tables
are built at once, by giving the fullest cell's surplus to the emptiest until every cell holds 1 / cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

TOGETHER = 1_000_000  # cells of tables that are made at once: 40 MB
WIDEST = 2_000  # cells: beyond it the tables are dear to build, and a binary search takes their place


@dataclass(frozen=True)
class Draws:
    """Row k draws from distribution k.

    Args:
        keep: chance of staying in a cell, shape (distributions, cells), or the cumulative distributions plus k.
        alias: where to go else; None for a binary search.
    """

    keep: torch.Tensor
    alias: torch.Tensor | None

    def draw(self, which: torch.Tensor | None, uniform: torch.Tensor) -> torch.Tensor:
        """A cell for each uniform number in [0, 1): int32, same shape.

        Args:
            which: of each, the distribution that it comes from, int32; None where there is only one.
            uniform: float64, whose product with a number of cells never rounds up to it.
        """
        import torch

        cells = self.keep.shape[1]
        if self.alias is None:
            number = torch.zeros((), dtype=torch.int32) if which is None else which
            found = torch.searchsorted(self.keep.reshape(-1), uniform + number, right=True) - number * cells
            return found.clamp_(0, cells - 1).int()
        scaled = uniform * cells
        cell = scaled.int()
        at = cell if which is None else torch.add(cell, which, alpha=cells)
        stays = scaled - cell < self.keep.view(-1).index_select(0, at)
        return torch.where(stays, cell, self.alias.view(-1).index_select(0, at))


def draws_from(probabilities: torch.Tensor) -> Draws:
    """Tables for the rows of ``probabilities``, shape (distributions, cells), each adding up to about 1."""
    import numpy as np
    import torch

    exact = probabilities.double()
    exact = exact / exact.sum(1, keepdim=True)
    rows, cells = exact.shape
    if cells > WIDEST:
        cumulative = exact.cumsum(1)
        cumulative /= cumulative[:, -1:].clone()
        return Draws((cumulative + torch.arange(rows)[:, None]).contiguous(), None)
    # NumPy's searches along short rows take a third of the time of torch's.
    left = (exact * cells).contiguous().numpy()
    keep = np.ones_like(left)
    alias = np.broadcast_to(np.arange(cells, dtype=np.int32), (rows, cells)).copy()
    every = np.arange(rows)
    low_view = left.copy()  # finished cells are taken out of the search for the emptiest
    high_view = left.copy()
    for _ in range(cells - 1):
        low = low_view.argmin(1)
        high = high_view.argmax(1)
        need = left[every, low]
        keep[every, low] = need
        alias[every, low] = high
        left[every, high] -= 1 - need
        low_view[every, low] = np.inf
        high_view[every, low] = -np.inf
        rest = left[every, high]
        low_view[every, high] = np.where(low == high, np.inf, rest)
        high_view[every, high] = np.where(low == high, -np.inf, rest)
    return Draws(torch.from_numpy(keep.astype(np.float32)), torch.from_numpy(alias))


def draws_each(distributions: Sequence[torch.Tensor]) -> list[Draws]:
    """:func:`draws_from` of each, those of equally many cells made together: a step of the search is one for all."""
    import torch

    found: dict[int, Draws] = {}
    for group in _alike(distributions):
        together = draws_from(torch.cat([distributions[i] for i in group]))
        start = 0
        for i in group:
            end = start + len(distributions[i])
            keep, alias = together.keep[start:end], together.alias
            found[i] = Draws(keep, None if alias is None else alias[start:end])
            start = end
    return [found[i] for i in range(len(distributions))]


def _alike(distributions: Sequence[torch.Tensor]) -> list[list[int]]:
    """Numbers of distributions of as many cells, at most :data:`TOGETHER` cells in all; of wide ones each alone."""
    groups: list[list[int]] = []
    last: dict[int, list[int]] = {}
    for i, one in enumerate(distributions):
        rows, cells = one.shape
        group = last.get(cells)
        if group is None or cells > WIDEST or sum(distributions[j].numel() for j in group) + rows * cells > TOGETHER:
            group = last[cells] = []
            groups.append(group)
        group.append(i)
    return groups
