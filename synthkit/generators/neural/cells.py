"""A private table as cells: each column cut by a noisy histogram of its own, from what is declared and paid for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.declared import DeclaredEncoder
from synthkit.generators.marginals.cuts import Cut, cut
from synthkit.generators.marginals.tree import histogram
from synthkit.generators.neural.layout import Layout

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import torch

    from synthkit.generators.marginals.release import Releases
    from synthkit.generators.neural.spending import Spending

    Array = np.ndarray[Any, Any]

LEAST = 2.0  # standard deviations of the histograms' noise that a cell holds at least


@dataclass(frozen=True)
class CellEncoder:
    """Declared axes, and how each is cut: the cells of a column are one segment of a network's vector."""

    encoder: DeclaredEncoder
    cuts: tuple[Cut, ...]

    @cached_property
    def layout(self) -> Layout:
        import torch

        widths = tuple(c.cells for c in self.cuts)
        return Layout(tuple(range(len(widths))), widths, len(widths), torch.zeros(sum(widths), dtype=torch.bool))

    def cells(self, positions: Sequence[Array]) -> torch.Tensor:
        """Rows as cells of the vector: int32, shape (rows, columns)."""
        import numpy as np
        import torch

        codes = [c.codes(p).astype(np.int32) for c, p in zip(self.cuts, positions, strict=True)]
        return self.layout.cells_of(torch.from_numpy(np.stack(codes, axis=1)))

    def decode(self, cells: torch.Tensor, random: np.random.Generator) -> pa.RecordBatch:
        """Rows in the source's types; where in its cell a value lies follows the column's noisy histogram."""
        from synthkit.generators.marginals.decode import positions_of

        codes = self.layout.codes_of(cells).numpy()
        drawn = [positions_of(c, codes[:, i], random) for i, c in enumerate(self.cuts)]
        return self.encoder.decode([p for p, _ in drawn], [u for _, u in drawn])

    def cell_of(self, column: str, value: Any) -> int:
        """The cell of one value (None: missing). Raises BuildError: the column cannot hold it."""
        import numpy as np

        position = self.encoder.position_of(column, value)
        index = next(i for i, a in enumerate(self.encoder.axes) if a.name == column)
        return int(self.layout.starts[index]) + int(self.cuts[index].codes(np.array([position]))[0])


def cut_cells(
    encoder: DeclaredEncoder, positions: Sequence[Array], plan: Spending, bins: int, releases: Releases
) -> tuple[CellEncoder, torch.Tensor]:
    """The cells of each column, and the share of the rows in each, shape (cells,), float32, adding up to 1 per column.

    Args:
        positions: of every row; private. They are used for the releases alone.
    """
    import numpy as np
    import torch

    columns = zip(encoder.axes, positions, plan.levels, strict=True)
    found = [histogram(axis, p, levels, plan.sigma, releases) for axis, p, levels in columns]
    cuts = tuple(cut(a, h, bins, LEAST * plan.sigma) for a, h in zip(encoder.axes, found, strict=True))
    shares = []
    for h, c in zip(found, cuts, strict=True):
        counts = np.maximum(np.bincount(c.cell, h.counts, minlength=c.cells), 0)
        total = counts.sum()
        shares.append(counts / total if total > 0 else np.full(c.cells, 1 / c.cells))
    return CellEncoder(encoder, cuts), torch.from_numpy(np.concatenate(shares)).float()
