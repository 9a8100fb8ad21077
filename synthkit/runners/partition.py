"""A part of a draw: with its own rows and its own random numbers, so that who draws it makes no difference."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Partition:
    """The part ``index`` (from 0) of ``of`` equal parts of the rows of a table.

    A build draws each table whole. To cut one takes more than this: conditions are exact, and made-up keys unique, over
    all of a table's rows.

    >>> whole, last = Partition(), Partition(2, 3)
    >>> whole.rows(100), whole.seed(7), last.rows(100), sum(Partition(i, 3).rows(100) for i in range(3))
    (100, 7, 33, 100)
    """

    index: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.of:
            raise ValueError(f"there is no part {self.index} of {self.of}")

    def rows(self, total: int) -> int:
        """How many of ``total`` rows are its own: parts differ by one row at most, the first ones have more."""
        return total // self.of + (self.index < total % self.of)

    def seed(self, seed: int) -> int:
        """The seed of its random choices, 32 bits; the seed itself where there is one part."""
        if self.of == 1:
            return seed
        return int.from_bytes(hashlib.sha256(f"{seed}:{self.index} of {self.of}".encode()).digest()[:4], "big")


WHOLE = Partition()
