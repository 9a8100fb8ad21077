"""Rows from a hidden Chow-Liu tree: states from the root down, then cells, each by one table look-up.

Rows come in blocks, and each block has a random source of its own, so that several threads draw the same rows as one.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.generators.circuit.alias import Draws

if TYPE_CHECKING:
    import numpy as np
    import torch

    from synthkit.generators.circuit.refine import Refinement
    from synthkit.generators.circuit.tree import HiddenTree

    Array = np.ndarray[Any, Any]

BLOCK = 32_000  # rows proposed at once: they stay in the cache, and torch leaves so few to one thread (up to 32,767)
CELLS = 128 * BLOCK  # proposed at once: of more than 128 columns, fewer rows (96 MB with the random numbers)
IN_WORK = 4 * CELLS  # proposed by all threads together
AHEAD = 16  # blocks drawn before they are asked for, at most


@dataclass(frozen=True)
class Sampler:
    """A tree made ready to draw from, with or without its refinement.

    Args:
        states: what each column's hidden state is drawn from, given that of its parent; None where nobody asks for it.
        cells: what each column's cell is drawn from, given its hidden state, or where there is none that of its parent.
    """

    order: tuple[int, ...]
    parents: tuple[int, ...]
    states: tuple[Draws | None, ...]
    cells: tuple[Draws, ...]
    refinement: Refinement | None

    def propose(self, rows: int, random: np.random.Generator) -> torch.Tensor:
        """Rows of the unrefined tree: int32, shape (columns, rows) - a column's cells lie together."""
        import numpy as np
        import torch

        found = torch.empty(len(self.order), rows, dtype=torch.int32)
        into = found.numpy()
        states: dict[int, Array | None] = {-1: None}

        def bits() -> Array:
            raw = random.bit_generator.random_raw((rows + 1) // 2)
            return raw.view(np.int32)[:rows]

        for j in self.order:
            table, given = self.states[j], states[self.parents[j]]
            if table is not None:
                given = states[j] = table.draw(given, bits())
            into[j] = self.cells[j].draw(given, bits())
        return found

    def draw(self, rows: int, generator: torch.Generator) -> torch.Tensor:
        """``rows`` rows of the model, int32, shape (rows, columns)."""
        import torch

        return self.stream(rows, int(torch.randint(2**62, (1,), generator=generator))).take(rows)

    def stream(self, rows: int, seed: int) -> Stream:
        """A stream of rows; ``rows`` is about how many will be taken, which decides the size of the blocks."""
        return Stream(self, rows, seed)

    @property
    def draws_per_row(self) -> float:
        """Rows proposed per row kept, on average."""
        return 1.0 if self.refinement is None else math.exp(self.refinement.most - self.refinement.log_z)


@dataclass
class Stream:
    """Rows of a sampler without end: the same for the same ``rows`` and ``seed``, however many threads draw them."""

    sampler: Sampler
    rows: int
    seed: int

    def __post_init__(self) -> None:
        self._kept: torch.Tensor | None = None

    def take(self, rows: int) -> torch.Tensor:
        """The next ``rows`` rows: int32, shape (rows, columns), a column's cells lying together."""
        import torch

        parts = [] if self._kept is None else [self._kept]
        have = sum(p.shape[1] for p in parts)
        while have < rows:
            parts.append(next(self._blocks))
            have += parts[-1].shape[1]
        if not parts:
            return torch.zeros(0, len(self.sampler.order), dtype=torch.int32)
        whole = torch.cat(parts, dim=1)
        self._kept = whole[:, rows:].clone()  # of its own: a view would hold on to all that was given out
        return whole[:, :rows].t()

    @cached_property
    def _blocks(self) -> Iterator[torch.Tensor]:
        import torch

        wanted = int(1.1 * self.rows * self.sampler.draws_per_row) + 64
        size = min(BLOCK, wanted, max(1, CELLS // len(self.sampler.order)))
        threads = max(1, min(torch.get_num_threads(), IN_WORK // (size * len(self.sampler.order))))
        return _in_order(self, size, math.ceil(wanted / size), threads)

    def block(self, number: int, size: int) -> torch.Tensor:
        """The rows that are kept of block ``number``: shape (columns, rows)."""
        import numpy as np

        random = np.random.Generator(np.random.SFC64(np.random.SeedSequence([self.seed, number])))
        codes = self.sampler.propose(size, random)
        return codes if self.sampler.refinement is None else self.sampler.refinement.kept(codes, random)


def _in_order(stream: Stream, size: int, wanted: int, threads: int) -> Iterator[torch.Tensor]:
    """The blocks of a stream one after the other, some drawn ahead of the ``wanted`` first ones."""
    if threads == 1 or wanted == 1:
        number = 0
        while True:
            yield stream.block(number, size)
            number += 1
    waiting: deque[Future[torch.Tensor]] = deque()
    number = 0
    with ThreadPoolExecutor(threads) as pool:
        while True:
            while not waiting or (len(waiting) < AHEAD and number < wanted):
                waiting.append(pool.submit(stream.block, number, size))
                number += 1
            yield waiting.popleft().result()


def sampler_of(tree: HiddenTree, refinement: Refinement | None) -> Sampler:
    """Tables for every distribution of the tree, which keeps them for the next sampler."""
    return Sampler(tree.structure.order, tree.structure.parents, *tree.draws, refinement)
