"""Draws from many categorical distributions in constant time each: Walker's alias method, in whole numbers.

Walker (1977), "An efficient method for generating discrete random variables with general distributions". A distribution
of n cells becomes 2^k slots of equal probability, k the least with n <= 2^k; a slot gives its own cell below a
threshold and another one above. All tables are built at once by prefix sums (Hübschle-Schneider and Sanders 2022,
"Parallel weighted random sampling"): what the slots lack, one after the other, is taken from the first slot whose
surplus reaches so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

    Array = np.ndarray[Any, Any]

TOGETHER = 1_000_000  # slots of tables that are made at once: 100 to 120 MB beside the distributions
WIDEST = 2_000  # cells: beyond it the tables are large, and a binary search takes their place
RANDOM_BITS = 32  # that a draw takes


@dataclass(frozen=True)
class Draws:
    """Distributions over the same number of cells.

    Args:
        cells: of each distribution.
        bits: k, the logarithm of the slots of each distribution.
        table: int32, shape (distributions << k,): above the lowest 31 - k bits, which are the threshold, stands the
            cell that is given from it on, xor the slot. A probability is kept to 2^-31 a slot, and one of 0 stays 0.
        cumulative: where the cells are too many for slots, the cumulative distributions, the number of the distribution
            added to each: float64, shape (distributions, cells).
    """

    cells: int
    bits: int
    table: torch.Tensor
    cumulative: torch.Tensor | None = None

    def draw(self, which: Array | None, random: Array) -> Array:
        """A cell for each of the random numbers: int32, same shape.

        Args:
            which: of each, the distribution that it comes from, int32; None where there is only one.
            random: int32, all of its 32 bits; overwritten.
        """
        import numpy as np
        import torch

        if self.cumulative is not None:
            return self._searched(which, random)
        k, threshold = self.bits, (1 << 31 - self.bits) - 1
        slot = (random.view(np.uint32) >> np.uint32(32 - k)).view(np.int32) if k else np.zeros_like(random)
        at = slot if which is None else np.left_shift(which, k)
        if which is not None:
            at |= slot
        entry = self.table.index_select(0, torch.from_numpy(at)).numpy()
        # With u the lowest 31 - k bits, turned round, `random` becomes -1 - u, and the sum is below 0 from the
        # threshold on: shifted by its sign, it is the mask of those that go elsewhere.
        np.bitwise_or(random, ~threshold, out=random)
        random += np.bitwise_and(entry, threshold, out=at if which is not None else None)
        random >>= 31
        entry >>= 31 - k
        entry &= random
        entry ^= slot
        return entry

    def _searched(self, which: Array | None, random: Array) -> Array:
        import numpy as np
        import torch

        assert self.cumulative is not None
        uniform = torch.from_numpy(random.view(np.uint32) * 2.0**-RANDOM_BITS)
        number = torch.zeros((), dtype=torch.int64) if which is None else torch.from_numpy(which).long()
        found = torch.searchsorted(self.cumulative.reshape(-1), uniform + number, right=True) - number * self.cells
        return found.clamp_(0, self.cells - 1).int().numpy()

    def __getitem__(self, rows: slice) -> Draws:
        """Some of the distributions, one after the other."""
        start, end, _ = rows.indices(len(self))
        whole = None if self.cumulative is None else self.cumulative[start:end] - start
        return Draws(self.cells, self.bits, self.table[start << self.bits : end << self.bits], whole)

    def __len__(self) -> int:
        return len(self.table) >> self.bits if self.cumulative is None else len(self.cumulative)


def draws_from(probabilities: torch.Tensor) -> Draws:
    """Tables for the rows of ``probabilities``, shape (distributions, cells), each adding up to about 1.

    A row of zeros, as that of a hidden state which evidence rules out, is never drawn from: its cells are made equal.
    """
    import numpy as np
    import torch

    exact = probabilities.double()
    rows, cells = exact.shape
    total = exact.sum(1, keepdim=True)
    # Tables are made together by sums over all of them, so that one NaN (0 / 0) would be in its neighbours, too.
    exact = torch.where(total > 0, exact / total, 1.0 / cells)
    if cells > WIDEST:
        cumulative = exact.cumsum(1)
        cumulative /= cumulative[:, -1:].clone()
        whole = (cumulative + torch.arange(rows)[:, None]).contiguous()
        return Draws(cells, 0, torch.zeros(0, dtype=torch.int32), whole)
    bits = _bits(cells)
    full = np.zeros((rows, 1 << bits))
    full[:, :cells] = exact.numpy() * (1 << bits)
    keep, alias = _alias(full)
    most = 1 << 31 - bits
    threshold = np.rint(keep * most).astype(np.int64)
    slot = np.arange(1 << bits)
    # A slot that keeps all has no threshold above it, and is its own other cell.
    other = np.where(threshold >= most, slot, alias)
    table = (other ^ slot) << 31 - bits | np.minimum(threshold, most - 1)
    return Draws(cells, bits, torch.from_numpy(table.astype(np.int32).reshape(-1)))


def _bits(cells: int) -> int:
    return (cells - 1).bit_length()


def _alias(full: Array) -> tuple[Array, Array]:
    """What each slot keeps (in [0, 1]) and where the rest of it goes; shapes as ``full``, whose rows' mean is 1."""
    import numpy as np

    rows, slots = full.shape
    light = full < 1
    lacks = np.where(light, 1 - full, 0.0).cumsum(1)
    surplus = np.where(light, 0.0, full - 1).cumsum(1)
    # The first slot from each on that is not light; behind the last one that one, as sums are rounded.
    every = np.arange(slots)
    heavy = np.minimum.accumulate(np.where(light, slots, every)[:, ::-1], axis=1)[:, ::-1]
    last = np.where(light, -1, every).max(1, keepdims=True)
    heavy = np.concatenate([np.where(heavy == slots, last, heavy), last], axis=1)
    apart = np.arange(rows)[:, None] * (2.0 * slots + 2)  # rows stand one behind the other, to be searched together
    row = np.arange(rows)[:, None]
    # When a light slot's turn comes: the very number that the slot before it ended with, as the two searches below must
    # agree on who used up a surplus. A difference of sums may be off in the last digit, which decides where sums tie.
    before = np.concatenate([np.zeros((rows, 1)), lacks[:, :-1]], axis=1)
    giver = np.searchsorted((surplus + apart).ravel(), (before + apart).ravel()).reshape(rows, slots) - row * slots
    # A slot of a surplus is used up by the first light one whose lack goes beyond it, and lacks that itself.
    used = np.searchsorted((lacks + apart).ravel(), (surplus + apart).ravel(), side="right").reshape(rows, slots)
    used -= row * slots
    over = np.take_along_axis(lacks, np.minimum(used, slots - 1), axis=1) - surplus
    keep = np.where(light, full, np.where(used < slots, 1 - over, 1.0))
    goes = np.where(light, np.clip(giver, 0, slots), every + 1)
    return np.clip(keep, 0.0, 1.0), np.take_along_axis(heavy, goes, axis=1)


def draws_each(distributions: Sequence[torch.Tensor]) -> list[Draws]:
    """:func:`draws_from` of each, those of equally many cells made together."""
    import torch

    found: dict[int, Draws] = {}
    for group in _alike(distributions):
        together = draws_from(torch.cat([distributions[i] for i in group]))
        start = 0
        for i in group:
            end = start + len(distributions[i])
            found[i] = together[start:end]
            start = end
    return [found[i] for i in range(len(distributions))]


def _alike(distributions: Sequence[torch.Tensor]) -> list[list[int]]:
    """Numbers of distributions of as many cells, at most :data:`TOGETHER` slots in all; of wide ones each alone."""
    groups: list[list[int]] = []
    last: dict[int, list[int]] = {}
    for i, one in enumerate(distributions):
        rows, cells = one.shape
        group = last.get(cells)
        if (
            group is None
            or cells > WIDEST
            or sum(len(distributions[j]) for j in group) + rows > TOGETHER >> _bits(cells)
        ):
            group = last[cells] = []
            groups.append(group)
        group.append(i)
    return groups
