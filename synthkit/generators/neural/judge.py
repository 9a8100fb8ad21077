"""What a training run is judged by: coverage of the cells, distance of the marginals, distance of the pairs.

The held-out criterion is the mean squared distance of the two-way tables of pairs of columns, between rows drawn and
rows held out. It falls as the joint distribution is learnt, and rises when modes are lost. It is squared because the
chance in few held-out rows then only adds a constant, whereas an absolute distance would be all chance. The rows are
drawn with calibrated marginals, as they will be at the end: otherwise a marginal that is off for the moment, as a GAN's
are, would outweigh what was learnt about the columns together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.generators.neural.calibration import fit_shift, rows_for, shares_of

if TYPE_CHECKING:
    import torch

    from synthkit.generators.neural.rows import Rows

MOST_COLUMNS = 40  # whose pairs are compared
FOLDED = 24  # cells per column in that comparison: rarer ones are folded together
ROWS = 5_000  # compared at once
ROUNDS = 6  # of the calibration


@dataclass(frozen=True)
class Verdict:
    """One look at a generator.

    Args:
        coverage: share of the cells expected at least once among the rows drawn that do occur, before calibration.
        marginals: mean total variation distance of the columns' cells to the training rows', before calibration.
        pairs: mean over pairs of columns of half the squared distance to the held-out rows' table, in [0, 1]: the
            criterion.
    """

    coverage: float
    marginals: float
    pairs: float


class Judge:
    """Holds the frequencies to compare with, on the device."""

    def __init__(self, rows: Rows, seed: int) -> None:
        import torch

        self.layout = layout = rows.layout
        self.shares = shares_of(layout, rows.cells)
        generator = torch.Generator().manual_seed(seed)
        self.columns = torch.randperm(len(layout.widths), generator=generator)[:MOST_COLUMNS].sort().values
        self.columns = self.columns.to(rows.cells.device)
        self.held = self._tables(rows.held[:ROWS].long(), rows.held_residuals[:ROWS])
        self.rows = rows_for(layout, ROWS)  # however few are held out: what is drawn must not decide by chance

    def __call__(self, logits: torch.Tensor, residuals: torch.Tensor, random: torch.Generator) -> Verdict:
        """Judge drawn rows: logits of shape (rows, cells) and scalars."""
        layout = self.layout
        cells = layout.sampled(logits, random)
        found = shares_of(layout, cells)
        expected = self.shares * len(cells) >= 1
        coverage = (found[expected] > 0).float().mean()
        marginals = (found - self.shares).abs().sum() / 2 / len(layout.widths)
        calibrated = layout.sampled(logits + fit_shift(layout, self.shares, logits, ROUNDS), random)
        count = len(self.columns)
        gap = (self._tables(calibrated, residuals) - self.held).square().sum() / 2
        pairs = gap / max(1, count * (count - 1)) if count > 1 else marginals
        return Verdict(float(coverage), float(marginals), float(pairs))

    def _tables(self, cells: torch.Tensor, residuals: torch.Tensor) -> torch.Tensor:
        """All two-way tables of the columns in one matrix, its diagonal blocks (columns with themselves) zero."""
        import torch

        layout, count = self.layout, len(self.columns)
        # The two sides of a cell's mean make two cells of one; its own mean, as the scalars are calibrated last.
        sides = torch.zeros_like(cells)
        if layout.scalars:
            given = cells[:, layout.discrete :]
            flat, values = given.reshape(-1), residuals.reshape(-1).float()
            sums = torch.bincount(flat, values, minlength=layout.cells)
            means = sums / torch.bincount(flat, minlength=layout.cells).clamp(min=1)
            sides[:, layout.discrete :] = ((residuals > means[given]) & layout.has_residual[given]).long()
        folded = ((cells - layout.starts) * 2 + sides)[:, self.columns] % (2 * FOLDED)
        slots = folded + torch.arange(count, device=cells.device) * 2 * FOLDED
        ones = torch.zeros(len(cells), count * 2 * FOLDED, device=cells.device).scatter_(1, slots, 1.0)
        tables = (ones.t() @ ones) / len(cells)
        blocks = tables.view(count, 2 * FOLDED, count, 2 * FOLDED)
        blocks.diagonal(dim1=0, dim2=2).zero_()
        return tables
