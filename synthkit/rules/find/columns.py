"""The columns of a table as the finders look at them: codes, numbers, and a sample of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from synthkit.rules.coding import codes_of, missing
from synthkit.rules.evaluate import kind_of_type, numbers_of, of_single_precision
from synthkit.rules.expression import Kind

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from synthkit.rules.coding import Codes, Floats, Mask

SEARCHED = 4_000  # rows that candidates are looked for in, at most, and at most half of all
MOST_DECIMALS = 6  # a float with more places has none that are meant


@dataclass(frozen=True)
class Look:
    """One column. Arrays have shape (rows,).

    Args:
        kind: what an expression takes its values for; None for those that it can do nothing with.
        codes: a number for each value, -1 where it is missing.
        distinct: how many values there are.
        numbers: NaN where missing; None for text.
    """

    name: str
    kind: Kind | None
    codes: Codes
    distinct: int
    absent: Mask
    numbers: Floats | None

    @property
    def rows(self) -> int:
        return len(self.codes)

    @cached_property
    def nulls(self) -> int:
        return int(self.absent.sum())

    @property
    def varies(self) -> bool:
        return self.distinct > 1

    @property
    def key(self) -> bool:
        """Whether each row has its own value."""
        return self.nulls == 0 and self.distinct == self.rows

    @cached_property
    def decimals(self) -> int | None:
        """Places after the point that its numbers have; None where they have more than are meant."""
        import numpy as np

        if self.kind != "number":
            return 0 if self.numbers is not None else None
        assert self.numbers is not None
        values = self.numbers[~self.absent][:20_000]
        for places in range(MOST_DECIMALS + 1):
            scaled = values * 10.0**places
            if np.all(np.abs(scaled - np.rint(scaled)) <= 1e-6 + 1e-12 * np.abs(scaled)):
                return places
        return None

    @cached_property
    def single(self) -> bool:
        """Whether its numbers were of single precision, whatever they are held in."""
        return self.kind == "number" and self.numbers is not None and of_single_precision(self.numbers[:20_000])

    @cached_property
    def whole(self) -> bool:
        """Whether it names things: text, days, truth values, whole numbers; a measured number does not."""
        return self.kind != "number" or self.decimals == 0

    @cached_property
    def largest_share(self) -> float:
        """Share of the rows that the most frequent value has, missing ones counted as one value."""
        import numpy as np

        counts = np.bincount(self.codes + 1)
        return float(counts.max() / max(1, self.rows))


class Columns:
    """The columns of a table that vary, and which of its rows candidates are looked for in.

    Args:
        seed: of the sample.
    """

    def __init__(self, table: pa.Table, seed: int = 0) -> None:
        import numpy as np

        self.table = table.combine_chunks()
        self.rows = table.num_rows
        order = np.random.default_rng(seed).permutation(self.rows)
        searched = min(SEARCHED, self.rows // 2)
        self.sample: np.ndarray[tuple[int], np.dtype[np.int64]] = np.sort(order[:searched])
        self.unseen: np.ndarray[tuple[int], np.dtype[np.int64]] = np.sort(order[searched:])
        looks = [self._look(name) for name in table.column_names]
        self.looks = [look for look in looks if look is not None and (look.varies or 0 < look.nulls < look.rows)]
        self.by_name = {look.name: look for look in self.looks}

    def _look(self, name: str) -> Look | None:
        import pyarrow.types as t

        column = self.table.column(name)
        if t.is_nested(column.type) or t.is_binary(column.type):
            return None
        kind = kind_of_type(column.type)
        codes = codes_of(column)
        numbers = None if kind in (None, "text") else numbers_of(column)
        return Look(name, kind, codes, int(codes.max(initial=-1)) + 1, missing(column), numbers)

    @property
    def numeric(self) -> list[Look]:
        """Those that hold numbers and vary."""
        return [look for look in self.looks if look.kind == "number" and look.varies]

    @property
    def timed(self) -> list[Look]:
        """Those that hold dates or moments and vary."""
        return [look for look in self.looks if look.kind in ("date", "moment") and look.varies]
