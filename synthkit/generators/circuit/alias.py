"""Draws from many categorical distributions in constant time each: Walker's alias method.

Walker (1977), "An efficient method for generating discrete random variables with general distributions". All tables
are built at once, by giving the fullest cell's surplus to the emptiest until every cell holds 1 / cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

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
    import torch

    exact = probabilities.double()
    exact = exact / exact.sum(1, keepdim=True)
    rows, cells = exact.shape
    if cells > WIDEST:
        cumulative = exact.cumsum(1)
        cumulative /= cumulative[:, -1:].clone()
        return Draws((cumulative + torch.arange(rows)[:, None]).contiguous(), None)
    left = exact * cells
    keep = torch.ones_like(left)
    alias = torch.arange(cells).expand(rows, cells).contiguous()
    every = torch.arange(rows)
    low_view = left.clone()  # finished cells are taken out of the search for the emptiest
    high_view = left.clone()
    for _ in range(cells - 1):
        low = low_view.argmin(1)
        high = high_view.argmax(1)
        need = left[every, low]
        keep[every, low] = need
        alias[every, low] = high
        left[every, high] -= 1 - need
        low_view[every, low] = torch.inf
        high_view[every, low] = -torch.inf
        rest = left[every, high]
        low_view[every, high] = torch.where(low == high, torch.inf, rest)
        high_view[every, high] = torch.where(low == high, -torch.inf, rest)
    return Draws(keep.float().contiguous(), alias.int().contiguous())
