"""The parts that a large table is drawn in. How many follows from its rows alone; each has its own random numbers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

PARTITION_ROWS = 1_000_000  # of a partition at most, unless a model says otherwise


@dataclass(frozen=True)
class Partition:
    """The part ``index`` (from 0) of ``of`` equal parts of the rows of a table.

    Whoever draws it, whenever, on whatever machine, draws the same rows. A table of one part is drawn whole.

    >>> whole, last = Partition(), Partition(2, 3)
    >>> whole.rows(100), whole.seed(7), last.rows(100), sum(Partition(i, 3).rows(100) for i in range(3))
    (100, 7, 33, 100)
    >>> [Partition(i, 3).start(100) for i in range(3)], [last.own(n) for n in (1, 2, 3)]
    ([0, 34, 67], [3, 6, 9])
    """

    index: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.of:
            raise ValueError(f"there is no part {self.index} of {self.of}")

    @property
    def whole(self) -> bool:
        """Whether it is all of the table."""
        return self.of == 1

    def rows(self, total: int) -> int:
        """How many of ``total`` rows are its own: parts differ by one row at most, the first ones have more."""
        return total // self.of + (self.index < total % self.of)

    def start(self, total: int) -> int:
        """How many of ``total`` rows are in the parts before it."""
        return self.index * (total // self.of) + min(self.index, total % self.of)

    def seed(self, seed: int) -> int:
        """The seed of its random choices, 32 bits; the seed itself where there is one part."""
        if self.whole:
            return seed
        return int.from_bytes(hashlib.sha256(f"{seed}:{self.index} of {self.of}".encode()).digest()[:4], "big")

    def own(self, number: int) -> int:
        """The ``number``-th, from 1, of the numbers 1, 2, 3, … that are its own: each is of one part alone."""
        return (number - 1) * self.of + self.index + 1

    def of_its_own(self, total: int) -> int:
        """How many of the numbers 1 to ``total`` are its own."""
        return max(0, (total - self.index - 1) // self.of + 1)

    def owns(self, text: str) -> bool:
        """Whether a text is its own: each is of one part alone, about as many of each."""
        if self.whole:
            return True
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.of == self.index


WHOLE = Partition()


def partitions_of(rows: int, most: int | None) -> int:
    """In how many parts a table of ``rows`` rows is drawn, of at most ``most`` rows each (None: the default).

    >>> partitions_of(1_000_000, None), partitions_of(1_000_001, None), partitions_of(10, 4)
    (1, 2, 3)
    """
    return max(1, -(-rows // (PARTITION_ROWS if most is None else most)))
