"""Fit the marginals after training, which a network hits only about: first those of the cells, then the values in them.

The cells' logits get one constant each, found by iterative proportional scaling of the expected frequencies (Deming and
Stephan 1940); the scalars of a cell get the monotone map between the quantiles drawn and those of the training rows.
What the network learnt about the columns together, order and association, stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from synthkit.generators.neural.layout import Layout
    from synthkit.generators.neural.rows import Rows

ROUNDS = 12
STRONGEST = 4.0  # nats that a logit is moved at most: a cell that is never drawn is not conjured up
KNOTS = 33
MOST = 100_000  # values of a cell that its quantiles are taken from
LEAST = 20  # values on both sides that a map of quantiles takes
ROWS = 20_000  # drawn for it, at most
NUMBERS = 10_000_000  # logits that those rows may have, so that wide tables take no more memory than narrow ones
APART = 4.0  # distance of two cells on the axis of the maps: more than the range of a scalar


@dataclass(frozen=True)
class Calibration:
    """What is done to a network's outputs.

    Args:
        shift: added to the logits, shape (cells,).
        drawn, real: quantiles of each cell's scalar, shape (cells with a scalar, knots); equal where nothing is moved.
    """

    shift: torch.Tensor
    drawn: torch.Tensor
    real: torch.Tensor

    @staticmethod
    def none(layout: Layout) -> Calibration:
        """Moves nothing."""
        import torch

        same = torch.linspace(-1, 1, KNOTS).expand(int(layout.has_residual.sum()), -1).contiguous()
        return Calibration(torch.zeros(layout.cells), same, same.clone())

    def residuals(self, layout: Layout, cells: torch.Tensor, scalars: torch.Tensor) -> torch.Tensor:
        """Scalars moved to the training rows' distribution, shape (rows, scalars); 0 in cells that have none."""
        import numpy as np
        import torch

        if not layout.scalars:
            return scalars
        given = cells[:, layout.discrete :]
        has = layout.has_residual[given]
        index = (layout.has_residual.long().cumsum(0) - 1).clamp_(min=0)[given]
        first, last = self.drawn[:, 0][index], self.drawn[:, -1][index]
        # What falls beyond the ends is thrown back, and what is still beyond cut off: an end is one row's value.
        inside = torch.where(scalars < first, 2 * first - scalars, scalars)
        inside = torch.where(inside > last, 2 * last - inside, inside)
        inside = torch.minimum(torch.maximum(inside, first), last)
        axis = np.arange(len(self.drawn))[:, None] * APART
        x, y = (axis + self.drawn.double().numpy()).ravel(), self.real.double().numpy().ravel()
        moved = torch.from_numpy(np.interp(index.double().numpy() * APART + inside.double().numpy(), x, y)).float()
        return torch.where(has, moved, 0.0)


def fit_shift(layout: Layout, shares: torch.Tensor, logits: torch.Tensor, rounds: int = ROUNDS) -> torch.Tensor:
    """The constants that give drawn rows the expected frequencies of the training rows.

    Args:
        shares: of each cell among the training rows, shape (cells,).
        logits: of drawn rows, shape (rows, cells).
    """
    import torch

    shift = torch.zeros_like(shares)
    least = 0.5 / max(len(logits), 1)
    for _ in range(rounds):
        found = torch.cat([layout.softmax(part + shift) for part in torch.split(logits, 4_096)]).mean(0)
        shift += (shares.clamp(min=least) / found.clamp(min=least)).log()
        shift.clamp_(-STRONGEST, STRONGEST)
    # A cell that no training row is in must not be drawn.
    return torch.where(shares > 0, shift, -torch.inf)


def rows_for(layout: Layout, most: int) -> int:
    """How many rows to draw for a calibration or a judgement: ``most``, and fewer of a wide table."""
    return max(500, min(most, NUMBERS // layout.cells))


def shares_of(layout: Layout, cells: torch.Tensor) -> torch.Tensor:
    """The share of the rows (their cells, shape (rows, segments)) that is in each cell."""
    import torch

    return torch.bincount(cells.reshape(-1), minlength=layout.cells) / max(1, len(cells))


def fit_quantiles(layout: Layout, rows: Rows, cells: torch.Tensor, scalars: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Quantiles drawn and real of each cell with a scalar. All on the CPU."""
    import torch

    same = Calibration.none(layout)
    drawn, real = same.drawn, same.real
    steps = torch.linspace(0, 1, KNOTS)
    number = layout.has_residual.long().cumsum(0) - 1
    for scalar in range(layout.scalars):
        segment = layout.discrete + scalar
        start = int(layout.starts[segment])
        for cell in range(start, start + layout.widths[segment]):
            if not layout.has_residual[cell]:
                continue
            ours = scalars[cells[:, segment] == cell, scalar]
            theirs = rows.residuals[rows.cells[:, segment] == cell, scalar]
            if min(len(ours), len(theirs)) >= LEAST:
                drawn[number[cell]] = torch.quantile(ours, steps)
                real[number[cell]] = torch.quantile(theirs[:MOST], steps)
    return drawn, real
