"""The part of a table whose columns are made up, and what keeps them apart from those of its other parts."""

from __future__ import annotations

from dataclasses import dataclass

from synthkit.project.partition import WHOLE, Partition


@dataclass(frozen=True)
class Portion:
    """One partition of a table.

    Args:
        rows: of the whole table; 0 where it has no other part.
        seed: of the whole table: decides what all its parts agree on.
    """

    partition: Partition = WHOLE
    rows: int = 0
    seed: int = 0

    @property
    def whole(self) -> bool:
        return self.partition.whole

    @property
    def start(self) -> int:
        """How many rows of the table are in the partitions before it."""
        return self.partition.start(self.rows)


ALL = Portion()
