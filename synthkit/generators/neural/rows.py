"""Training rows on the device, and those that judge the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.generators.neural.layout import Layout

if TYPE_CHECKING:
    import torch

    from synthkit.encoding.encoder import Codes

LEAST_HELD = 50  # rows: fewer judge nothing, and the training rows are taken in their place


@dataclass(frozen=True)
class Rows:
    """Training rows on the device, and what was held out of them.

    Args:
        cells: int32, shape (rows, segments).
        residuals: float32, shape (rows, scalars).
        held, held_residuals: the same of the rows that judge.
    """

    layout: Layout
    cells: torch.Tensor
    residuals: torch.Tensor
    held: torch.Tensor
    held_residuals: torch.Tensor

    def __len__(self) -> int:
        return len(self.cells)

    @staticmethod
    def of(layout: Layout, codes: Codes, share: float, seed: int, device: torch.device) -> Rows:
        import numpy as np
        import torch

        layout = layout.to(device)
        cells = layout.cells_of(torch.from_numpy(codes.codes.astype(np.int32)).to(device))
        residuals = torch.from_numpy(codes.residuals).to(device)
        held = min(int(share * len(cells)), 20_000)
        if held < LEAST_HELD:
            return Rows(layout, cells, residuals, cells, residuals)
        order = torch.randperm(len(cells), generator=torch.Generator().manual_seed(seed)).to(device)
        test, rest = order[:held], order[held:]
        return Rows(layout, cells[rest], residuals[rest], cells[test], residuals[test])

    def to(self, device: torch.device) -> Rows:
        moved = (t.to(device) for t in (self.cells, self.residuals, self.held, self.held_residuals))
        return Rows(self.layout.to(device), *moved)

    def vectors(self, index: torch.Tensor) -> torch.Tensor:
        """Some rows as the vectors that a network sees."""
        return self.layout.expand(self.cells[index].long(), self.residuals[index])
