"""Rules over a set of columns: which combinations occur, or occur once; one of several; nulls that come together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from synthkit.rules.coding import codes_of, codes_together, joint_codes, missing
from synthkit.rules.evaluate import numbers_of
from synthkit.rules.tokens import written

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.rules.coding import Mask


@dataclass(frozen=True)
class _Set:
    columns: tuple[str, ...]
    word: ClassVar[str]

    def __str__(self) -> str:
        return f"{self.word}: [{', '.join(map(written, self.columns))}]"


@dataclass(frozen=True)
class Combination(_Set):
    """Only combinations of values occur that the real rows have."""

    word: ClassVar[str] = "combination"

    def violations(self, table: pa.Table | pa.RecordBatch, real: pa.Table | None = None) -> Mask:
        """Rows whose combination no row of ``real`` has; none where there are no real rows to look at."""
        import numpy as np

        if real is None:
            return np.zeros(table.num_rows, dtype=bool)
        codes = []
        for name in self.columns:
            known = real.column(name)
            codes.append(np.concatenate(codes_together(known, table.column(name).cast(known.type))))
        joint = joint_codes(codes)
        return ~np.isin(joint[real.num_rows :], np.unique(joint[: real.num_rows]))


@dataclass(frozen=True)
class Unique(_Set):
    """No two rows have the same values; a row that misses one of them is like no other."""

    word: ClassVar[str] = "unique"

    def violations(self, table: pa.Table | pa.RecordBatch) -> Mask:
        """Every row but the first of those that are alike."""
        import numpy as np

        codes = [codes_of(table.column(name)) for name in self.columns]
        known = np.flatnonzero(np.all([c >= 0 for c in codes], axis=0))
        broken = np.zeros(table.num_rows, dtype=bool)
        if len(known):
            first = np.unique(joint_codes([c[known] for c in codes]), return_index=True)[1]
            again = np.ones(len(known), dtype=bool)
            again[first] = False
            broken[known] = again
        return broken


@dataclass(frozen=True)
class OneHot(_Set):
    """Exactly one of the columns is 1 (or true), the others are 0."""

    word: ClassVar[str] = "one_hot"

    def violations(self, table: pa.Table | pa.RecordBatch) -> Mask:
        """Rows with another number of ones; a row that misses a value breaks nothing."""
        import numpy as np

        values = np.column_stack([numbers_of(table.column(name)) for name in self.columns])
        known = ~np.isnan(values).any(axis=1)
        good = (np.isin(values, (0.0, 1.0)).all(axis=1)) & (values.sum(axis=1) == 1)
        return np.asarray(known & ~good, dtype=bool)


@dataclass(frozen=True)
class NullsTogether(_Set):
    """All of the columns are missing, or none is."""

    word: ClassVar[str] = "nulls_together"

    def violations(self, table: pa.Table | pa.RecordBatch) -> Mask:
        import numpy as np

        absent = np.column_stack([missing(table.column(name)) for name in self.columns])
        return np.asarray(absent.any(axis=1) & ~absent.all(axis=1), dtype=bool)


SETS: tuple[type[Combination] | type[Unique] | type[OneHot] | type[NullsTogether], ...] = (
    Combination,
    Unique,
    OneHot,
    NullsTogether,
)
