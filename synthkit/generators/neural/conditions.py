"""CTGAN's training by sampling: conditions drawn by log-frequency, and rows that meet them (Xu et al. 2019, 4.3).

Everything is an index into tensors on the device: a condition is one cell of a discrete column, the rows of a cell lie
next to each other in a sorted order, and one search draws column and cell at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from synthkit.generators.neural.layout import Layout


@dataclass(frozen=True)
class Conditions:
    """Where conditions and their rows are drawn from. Shapes: (cells of the discrete columns,) if not said otherwise.

    Args:
        training: running sum of the chances of each cell in training; column k has the interval [k, k + 1).
        original: the same by the cells' own frequency.
        first, count: where a cell's rows begin in ``rows``, and how many there are.
        rows: row numbers sorted by cell, one block per discrete column: int32, shape (discrete columns x rows,).
    """

    columns: int
    training: torch.Tensor
    original: torch.Tensor
    first: torch.Tensor
    count: torch.Tensor
    rows: torch.Tensor

    @staticmethod
    def of(layout: Layout, cells: torch.Tensor, *, log_frequency: bool) -> Conditions:
        """Conditions over the rows' ``cells`` (shape (rows, segments))."""
        import torch

        columns = layout.discrete
        if not columns:
            none = torch.zeros(0, device=cells.device, dtype=torch.float64)
            return Conditions(0, none, none, none.long(), none.long(), none.int())
        given = cells[:, :columns]
        count = torch.bincount(given.reshape(-1), minlength=layout.conditions)[: layout.conditions]
        order = torch.cat([given[:, k].argsort(stable=True).int() for k in range(columns)])
        first = count.cumsum(0) - count
        segment = layout.segment[: layout.conditions]
        weight = count.double()
        training = (weight + 1).log() if log_frequency else weight
        sums = [_running(w, segment, columns) for w in (training, weight)]
        return Conditions(columns, sums[0], sums[1], first, count, order)

    def draw(self, rows: int, generator: torch.Generator, *, original: bool = False) -> torch.Tensor:
        """One cell per row, int64: a discrete column at random, then one of its cells."""
        return draw_cells(self.original if original else self.training, self.columns, rows, generator)

    def rows_with(self, cells: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """For each cell a random row that has it: int64, same shape."""
        import torch

        drawn = torch.rand(len(cells), generator=generator, device=cells.device)
        # float32 may round up to 1: the last row of the cell must hold it.
        within = torch.minimum((drawn * self.count[cells]).long(), self.count[cells] - 1)
        return self.rows[self.first[cells] + within].long()


def draw_cells(sums: torch.Tensor, columns: int, rows: int, generator: torch.Generator) -> torch.Tensor:
    """One cell per row, int64, by running sums in which column k has the interval [k, k + 1)."""
    import torch

    drawn = torch.rand(rows, generator=generator, device=sums.device, dtype=torch.float64) * columns
    return torch.searchsorted(sums, drawn, right=True).clamp_(max=len(sums) - 1)


def condition_vectors(cells: torch.Tensor, width: int) -> torch.Tensor:
    """Condition cells as one-hot vectors: shape (rows, ``width``: cells of the discrete columns)."""
    import torch

    return torch.zeros(len(cells), width, device=cells.device).scatter_(1, cells[:, None], 1.0)


def _running(weight: torch.Tensor, segment: torch.Tensor, columns: int) -> torch.Tensor:
    """Running sums in which each column's weights add up to 1."""
    import torch

    total = torch.zeros(columns, dtype=torch.float64, device=weight.device).index_add_(0, segment, weight)
    sums = (weight / total[segment]).cumsum(0)
    # Rounding must not let one column reach into the next: its last cell ends on a whole number.
    last = torch.ones_like(segment, dtype=torch.bool)
    last[:-1] = segment[1:] != segment[:-1]
    return torch.where(last, (segment + 1).double(), torch.minimum(sums, (segment + 1).double()))
