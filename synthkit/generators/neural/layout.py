"""How an encoded row lies in a network's vector, and the operations on all its one-hot segments at once.

The vector holds one segment of cells per column, those of the discrete columns first, then one scalar in [-1, 1] per
continuous column. No operation loops over columns: a table of 500 columns costs the calls of one with five.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from synthkit.encoding.encoder import Encoder


@dataclass(frozen=True)
class Layout:
    """The segments of a row's vector.

    Args:
        order: the encoder's column of each segment.
        widths: cells of each segment.
        discrete: how many segments, the first ones, belong to discrete columns; each of the others has a scalar.
        has_residual: per cell, whether the scalar says where in the cell the value is; bool, shape (cells,).
    """

    order: tuple[int, ...]
    widths: tuple[int, ...]
    discrete: int
    has_residual: torch.Tensor

    @staticmethod
    def of(encoder: Encoder) -> Layout:
        import numpy as np
        import torch

        order = (*encoder.discrete_columns, *encoder.continuous)
        widths = tuple(encoder.cardinalities[i] for i in order)
        residual = np.concatenate([encoder.columns[i].has_residual for i in order])
        return Layout(order, widths, len(encoder.discrete_columns), torch.from_numpy(residual))

    @property
    def cells(self) -> int:
        return sum(self.widths)

    @property
    def scalars(self) -> int:
        """Continuous columns."""
        return len(self.widths) - self.discrete

    @property
    def width(self) -> int:
        """Numbers per row."""
        return self.cells + self.scalars

    @property
    def conditions(self) -> int:
        """Cells of the discrete columns: the width of the condition vector."""
        return sum(self.widths[: self.discrete])

    @cached_property
    def starts(self) -> torch.Tensor:
        """First cell of each segment, int64, shape (segments,)."""
        import torch

        return torch.tensor([0, *self.widths], device=self.has_residual.device).cumsum(0)[:-1]

    @cached_property
    def segment(self) -> torch.Tensor:
        """The segment of each cell, int64, shape (cells,)."""
        import torch

        columns = torch.arange(len(self.widths)).repeat_interleave(torch.tensor(self.widths))
        return columns.to(self.has_residual.device)

    @cached_property
    def membership(self) -> torch.Tensor:
        """Which cell is of which segment, as a float matrix: shape (cells, segments)."""
        import torch

        return torch.nn.functional.one_hot(self.segment, len(self.widths)).float()

    def to(self, device: torch.device) -> Layout:
        """The same layout with its tensors on a device."""
        return replace(self, has_residual=self.has_residual.to(device))

    def cells_of(self, codes: torch.Tensor) -> torch.Tensor:
        """The encoder's codes, shape (rows, columns), as cells of the vector: same type, shape (rows, segments)."""
        return codes[:, list(self.order)] + self.starts.to(codes.dtype)

    def codes_of(self, cells: torch.Tensor) -> torch.Tensor:
        """The inverse of :meth:`cells_of`."""
        import torch

        codes = torch.empty_like(cells)
        codes[:, list(self.order)] = cells - self.starts
        return codes

    def expand(self, cells: torch.Tensor, residuals: torch.Tensor) -> torch.Tensor:
        """Rows as vectors: shape (rows, width), float32."""
        import torch

        ones = torch.zeros(len(cells), self.width, device=cells.device)
        ones.scatter_(1, cells, 1.0)
        ones[:, self.cells :] = residuals
        return ones

    def largest(self, logits: torch.Tensor) -> torch.Tensor:
        """The greatest logit of each segment, without gradient: shape (rows, segments)."""
        import torch

        segment = self.segment[: logits.shape[1]]
        count = self.discrete if logits.shape[1] == self.conditions else len(self.widths)
        low = torch.full((len(logits), count), -torch.inf, device=logits.device, dtype=logits.dtype)
        return low.scatter_reduce_(1, segment.expand(len(logits), -1), logits.detach(), "amax")

    def softmax(self, logits: torch.Tensor) -> torch.Tensor:
        """Softmax within each segment: shape (rows, cells)."""
        powers = (logits - self.largest(logits).index_select(1, self.segment)).exp()
        return powers * ((1.0 / (powers @ self.membership)) @ self.membership.t())

    def log_normaliser(self, logits: torch.Tensor) -> torch.Tensor:
        """log of the sum of the exponentials within each segment, shape (rows, segments).

        ``logits`` are those of all cells or those of the discrete columns' only.
        """
        count = logits.shape[1]
        top = self.largest(logits)
        powers = (logits - top.index_select(1, self.segment[:count])).exp()
        return (powers @ self.membership[:count, : top.shape[1]]).log() + top

    def sampled(self, logits: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """One cell per segment, drawn from its softmax: int64, shape (rows, segments).

        The greatest of the logits with Gumbel noise is such a draw; the segments are found by one sort-free pass.
        """
        import torch

        noisy = logits + gumbel(logits, generator)
        top = self.largest(noisy).index_select(1, self.segment) == noisy
        # Of equal maxima the last wins: a tie has probability 0 but for rounding.
        chosen = torch.zeros(len(logits), len(self.widths), dtype=torch.int64, device=logits.device)
        index = torch.arange(self.cells, device=logits.device) * top
        return chosen.scatter_reduce_(1, self.segment.expand(len(logits), -1), index, "amax")


def gumbel(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Standard Gumbel noise in the shape of ``like``."""
    import torch

    noise = torch.rand(like.shape, generator=generator, device=like.device)
    # 1 - u lies in (0, 1]: its logarithm is finite, and the least exponential that float32 can hold bounds the other.
    return noise.neg_().add_(1.0).log_().neg_().clamp_(min=1e-20).log_().neg_()
