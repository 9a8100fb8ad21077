"""A rule that holds in most rows, though not in all: ``paid = billed mostly``. In which, is learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.rules.coding import one_batch
from synthkit.rules.comparing import satisfied
from synthkit.rules.formula import Formula
from synthkit.rules.inequality import Inequality
from synthkit.rules.when import When

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.rules.coding import Mask


@dataclass(frozen=True)
class Mostly:
    """Rows keep ``rule`` or break it, each by itself; a table keeps it in as large a share of its rows as the real one.

    No single row breaks it.
    """

    rule: Formula | Inequality | When

    @property
    def columns(self) -> tuple[str, ...]:
        return self.rule.columns

    def __str__(self) -> str:
        return f"{self.rule} mostly"

    def holds(self, table: pa.Table | pa.RecordBatch) -> Mask:
        """In which rows the rule holds. Raises ValueError where the columns' values are not what it takes."""
        if isinstance(self.rule, Inequality):
            return satisfied(self.rule, one_batch(table))
        return ~self.rule.violations(table)

    def violations(self, table: pa.Table | pa.RecordBatch) -> Mask:
        import numpy as np

        return np.zeros(table.num_rows, dtype=bool)
