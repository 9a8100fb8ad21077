"""A functional dependency: ``zip -> city`` (each zip has one city), or both ways: ``code <-> name``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.rules.coding import codes_of, joint_codes
from synthkit.rules.tokens import written

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.rules.coding import Codes, Mask


@dataclass(frozen=True)
class Dependency:
    """Rows with the same values of ``determinants`` have the same of ``dependent``; a missing value counts as one.

    Args:
        both: whether the dependent determines the (single) determinant as well.
    """

    determinants: tuple[str, ...]
    dependent: str
    both: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.determinants, self.dependent)

    def __str__(self) -> str:
        left = ", ".join(map(written, self.determinants))
        return f"{left} {'<->' if self.both else '->'} {written(self.dependent)}"

    def violations(self, table: pa.Table | pa.RecordBatch) -> Mask:
        """Rows that are unlike the most of their group. A row whose determinant is missing breaks nothing."""
        import numpy as np

        given = [codes_of(table.column(name)) for name in self.determinants]
        dependent = codes_of(table.column(self.dependent))
        known = np.all([codes >= 0 for codes in given], axis=0)
        broken = known & unlike(joint_codes(given), dependent)
        if self.both:
            broken |= (dependent >= 0) & unlike(joint_codes([dependent]), given[0])
        return np.asarray(broken, dtype=bool)


def unlike(groups: Codes, values: Codes) -> Mask:
    """Rows whose value is not the most frequent one (of equals, the first) of their group. Shape (rows,)."""
    import numpy as np

    if not len(groups):
        return np.zeros(0, dtype=bool)
    width = int(values.max(initial=-1)) + 2
    pairs, first, inverse, counts = np.unique(
        groups * width + values + 1, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -counts, pairs // width))
    leads = np.ones(len(order), dtype=bool)
    sorted_groups = (pairs // width)[order]
    leads[1:] = sorted_groups[1:] != sorted_groups[:-1]
    most = np.zeros(len(pairs), dtype=bool)
    most[order[leads]] = True
    found: Mask = ~most[inverse.reshape(-1)]
    return found
