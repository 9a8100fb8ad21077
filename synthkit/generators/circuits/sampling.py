"""Rows from a hidden Chow-Liu tree: states from the root down, then cells, each by one table look-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.generators.circuits.alias import Draws, draws_from

if TYPE_CHECKING:
    import torch

    from synthkit.generators.circuits.refine import Refinement
    from synthkit.generators.circuits.tree import HiddenTree

BLOCK = 32_768  # rows drawn at once: small enough for the cache, large enough for the threads


@dataclass(frozen=True)
class Sampler:
    """A tree made ready to draw from, with or without its refinement."""

    order: tuple[int, ...]
    parents: tuple[int, ...]
    root: Draws
    transitions: tuple[Draws | None, ...]
    emissions: tuple[Draws, ...]
    refinement: Refinement | None

    def propose(self, rows: int, generator: torch.Generator) -> torch.Tensor:
        """Rows of the unrefined tree: int64, shape (columns, rows) - a column at a time lies together."""
        import torch

        d = len(self.order)
        uniform = torch.rand(2 * d, rows, generator=generator, dtype=torch.float64)
        states: list[torch.Tensor] = [torch.zeros(rows, dtype=torch.int64)] * d
        found = torch.empty(d, rows, dtype=torch.int64)
        for j in self.order:
            table = self.transitions[j]
            if table is None:
                states[j] = self.root.draw(torch.zeros(rows, dtype=torch.int64), uniform[j])
            else:
                states[j] = table.draw(states[self.parents[j]], uniform[j])
            found[j] = self.emissions[j].draw(states[j], uniform[d + j])
        return found

    def draw(self, rows: int, generator: torch.Generator) -> torch.Tensor:
        """``rows`` rows of the model, int64, shape (rows, columns)."""
        import torch

        parts: list[torch.Tensor] = []
        have = 0
        while have < rows:
            parts.append(self._accepted(rows - have, generator))
            have += len(parts[-1])
        return torch.cat(parts)[:rows] if parts else torch.zeros(0, len(self.order), dtype=torch.int64)

    def _accepted(self, missing: int, generator: torch.Generator) -> torch.Tensor:
        """One block's rows, those that the refinement rejects taken out."""
        import math

        import torch

        if self.refinement is None:
            return self.propose(min(BLOCK, missing), generator).t()
        wanted = int(1.1 * missing * math.exp(self.refinement.most)) + 64
        codes = self.propose(min(BLOCK, wanted), generator).t()
        return codes[self.refinement.accepts(codes, torch.rand(len(codes), generator=generator))]


def sampler_of(tree: HiddenTree, refinement: Refinement | None) -> Sampler:
    """Tables for every distribution of the tree."""
    first = tree.structure.order[0]
    starts = tree.offsets.tolist()
    transitions = tuple(
        None if j == first else draws_from(tree.transitions[j].cpu()) for j in range(len(tree.cardinalities))
    )
    emissions = tuple(
        draws_from(tree.emissions[start : start + cells].t().cpu())
        for start, cells in zip(starts, tree.cardinalities, strict=True)
    )
    root = draws_from(tree.root[None, :].cpu())
    return Sampler(tree.structure.order, tree.structure.parents, root, transitions, emissions, refinement)
