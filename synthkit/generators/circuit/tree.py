"""The hidden Chow-Liu tree: each column x_j hangs on a hidden state z_j, and the hidden states form a tree.

    p(x) = sum over z of  pi(z_root) prod_j p(x_j | z_j) prod_{j not root} p(z_j | z_parent(j))

(Liu and Van den Broeck 2021, "Tractable regularization of probabilistic circuits"). A smooth and decomposable circuit:
likelihoods, marginals and conditionals are exact, in one pass up and one down the tree. Messages are kept as
probabilities and rescaled at each column, so that nothing underflows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.generators.circuit.alias import Draws, draws_each
from synthkit.generators.circuit.structure import Structure

if TYPE_CHECKING:
    import torch

TINY = 1e-30  # below it a message counts as zero; single precision ends at 1e-38
UNSEEN = -1  # code of a value that is not given


def block_offsets(cardinalities: Sequence[int]) -> torch.Tensor:
    """Where each column's block begins when their cells stand one under the other: int64, shape (columns,)."""
    import torch

    sizes = torch.tensor(cardinalities, dtype=torch.int64)
    return sizes.cumsum(0) - sizes


@dataclass(frozen=True)
class HiddenTree:
    """A hidden Chow-Liu tree with K states per column.

    Args:
        root: pi, shape (K,).
        transitions: p(z_j | z_parent), shape (columns, K, K), rows adding up to 1; the root's is not used.
        emissions: p(x_j | z_j), the columns' cells one under the other, shape (sum of cardinalities, K); each column's
            block adds up to 1 in every state.
        offsets: where each column's block of ``emissions`` begins, int64, shape (columns,).
    """

    structure: Structure
    cardinalities: tuple[int, ...]
    root: torch.Tensor
    transitions: torch.Tensor
    emissions: torch.Tensor
    offsets: torch.Tensor

    @property
    def states(self) -> int:
        return len(self.root)

    def to(self, device: torch.device | str) -> HiddenTree:
        """The same tree with its tensors on another device."""
        tensors = {k: getattr(self, k).to(device) for k in ("root", "transitions", "emissions", "offsets")}
        return replace(self, **tensors)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        return self.structure.children()

    @cached_property
    def draws(self) -> tuple[tuple[Draws | None, ...], tuple[Draws, ...]]:
        """What each column's hidden state and cell are drawn from, on the CPU; see :class:`.sampling.Sampler`.

        The hidden state of a column without children is summed out, which saves a draw.
        """
        import torch

        columns, first = range(len(self.cardinalities)), self.structure.order[0]
        blocks = [block.t().cpu() for block in torch.split(self.emissions, list(self.cardinalities))]
        above = {j: self.root[None, :].cpu() if j == first else self.transitions[j].cpu() for j in columns}
        inner = [j for j in columns if self.children[j]]
        states = dict(zip(inner, draws_each([above[j] for j in inner]), strict=True))
        cells = [blocks[j] if j in states else above[j].double() @ blocks[j].double() for j in columns]
        return tuple(map(states.get, columns)), tuple(draws_each(cells))

    def leaf(self, codes: torch.Tensor, column: int) -> torch.Tensor:
        """p(x_j | z_j) of the given cells, shape (rows, K); 1 where the cell is not given."""
        import torch

        found = self.emissions.index_select(0, codes[:, column].clamp_min(0) + self.offsets[column])
        unseen = codes[:, column] < 0
        return torch.where(unseen[:, None], torch.ones((), device=found.device), found) if unseen.any() else found

    def upward(
        self, codes: torch.Tensor, whole: bool = False, keep: bool = True
    ) -> tuple[list[torch.Tensor], list[torch.Tensor], torch.Tensor]:
        """The pass from the leaves to the root.

        Args:
            codes: int64, shape (rows, columns); -1 where a value is not given.
            whole: every value is given, which saves looking.
            keep: the messages are wanted; else each is let go when it has been heard, and the likelihood alone counts.

        Returns:
            Each column's message (the evidence below it, given its state, rescaled), what it tells its parent, and the
            log-likelihood in nats, shape (rows,).
        """
        d = len(self.cardinalities)
        inside: list[torch.Tensor] = [self.root] * d
        told: list[torch.Tensor] = [self.root] * d  # the root tells nobody
        likelihood = self.root.new_zeros(len(codes))
        indexes = codes + self.offsets if whole else codes
        for j in reversed(self.structure.order):
            message = self.emissions.index_select(0, indexes[:, j]) if whole else self.leaf(codes, j)
            for child in self.children[j]:
                message = message * told[child]
                if not keep:
                    told[child] = self.root
            scale = message.sum(1, keepdim=True).clamp_min_(TINY)
            message = message / scale
            if keep:
                inside[j] = message
            likelihood = likelihood + scale[:, 0].log()
            if j != self.structure.order[0]:
                told[j] = (message @ self.transitions[j].t()).clamp_min_(TINY)
        top = message @ self.root  # the root's is the last
        return inside, told, likelihood + top.clamp_min(TINY).log()

    def log_prob(self, codes: torch.Tensor, block: int = 8_192) -> torch.Tensor:
        """log p of each row in nats, shape (rows,); values of -1 are summed out."""
        import torch

        with torch.no_grad():
            return torch.cat([self.upward(part, keep=False)[2] for part in torch.split(codes, block)])

    def condition(self, evidence: Mapping[int, int]) -> HiddenTree:
        """The tree of p(. | evidence), which is one of the same kind.

        Args:
            evidence: column → cell.

        Raises:
            BuildError: the evidence has probability zero.
        """
        import torch

        codes = torch.full((1, len(self.cardinalities)), UNSEEN)
        for column, cell in evidence.items():
            codes[0, column] = cell
        inside, _, log_likelihood = self.upward(codes)
        if not evidence:
            return self
        if float(log_likelihood) < -60:  # e^-60: the product of single-precision floors, not a probability
            raise BuildError("the model gives these values no probability together")
        first = self.structure.order[0]
        root = self.root * inside[first][0]
        transitions = self.transitions.clone()
        for j in self.structure.order[1:]:
            weighted = self.transitions[j] * inside[j][0]
            transitions[j] = weighted / weighted.sum(1, keepdim=True).clamp_min(TINY)
        emissions = self.emissions.clone()
        for column, cell in evidence.items():
            start = int(self.offsets[column])
            block = emissions[start : start + self.cardinalities[column]]
            block.zero_()
            block[cell] = 1.0
        return replace(self, root=root / root.sum(), transitions=transitions, emissions=emissions)

    def tilted(self, factors: torch.Tensor) -> HiddenTree:
        """The tree of p(x) times a factor for each cell, made to add up to 1: one of the same kind, as exactly.

        Args:
            factors: above 0, the columns' cells one under the other, shape (sum of cardinalities,).
        """

        emissions = self.emissions * factors[:, None]
        starts = self.offsets.tolist()
        found: list[torch.Tensor] = [self.root] * len(starts)
        transitions = self.transitions.clone()
        for j in reversed(self.structure.order):
            block = emissions[starts[j] : starts[j] + self.cardinalities[j]]
            message = block.sum(0)  # what the states below and the column itself come to, given the state
            block /= message.clamp_min(TINY)
            for child in self.children[j]:
                message = message * found[child]
            message = message / message.max().clamp_min(TINY)
            if j == self.structure.order[0]:
                root = self.root * message
                break
            weighted = transitions[j] * message
            total = weighted.sum(1, keepdim=True)
            transitions[j] = weighted / total.clamp_min(TINY)
            found[j] = total[:, 0]
        return replace(self, root=root / root.sum(), transitions=transitions, emissions=emissions)

    def complete(self, codes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Rows with every -1 replaced by a draw from p(missing | given), row by row exact; shape as ``codes``."""
        import torch

        inside, _, _ = self.upward(codes)
        done = codes.clone()
        states: list[torch.Tensor] = [codes[:, 0]] * len(self.cardinalities)
        for j in self.structure.order:
            parent = self.structure.parents[j]
            prior = self.root.expand(len(codes), -1) if parent < 0 else self.transitions[j][states[parent]]
            states[j] = torch.multinomial((prior * inside[j]).clamp_min_(TINY), 1, generator=generator)[:, 0]
            unseen = codes[:, j] < 0
            if unseen.any():
                start = int(self.offsets[j])
                block = self.emissions[start : start + self.cardinalities[j]]
                drawn = torch.multinomial(block.t()[states[j][unseen]], 1, generator=generator)[:, 0]
                done[unseen, j] = drawn
        return done

    def marginals(self, columns: Sequence[int]) -> list[torch.Tensor]:
        """The model's own p(x_j) of the given columns, each of shape (cardinality,)."""
        state = {self.structure.order[0]: self.root}
        for j in self.structure.order[1:]:
            state[j] = state[self.structure.parents[j]] @ self.transitions[j]
        starts = self.offsets.tolist()
        return [self.emissions[starts[j] : starts[j] + self.cardinalities[j]] @ state[j] for j in columns]
