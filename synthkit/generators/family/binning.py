"""Numbers as feature codes: cut between quantiles of the rows learnt from; the last code is a missing number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

CUTS = 62  # per feature at most
SAMPLE = 30_000


@dataclass(frozen=True)
class Binning:
    """Ascending cuts of each feature, one array after the other; ``starts`` has one more than features."""

    cuts: Array
    starts: Array

    @property
    def bins(self) -> Array:
        """Codes of each feature."""
        import numpy as np

        return np.diff(self.starts) + 2

    def codes(self, numbers: Array) -> Array:
        """Numbers, shape (rows, features), as codes, uint8, same shape."""
        import numpy as np

        found = np.zeros(numbers.shape, dtype=np.uint8)
        for j in range(numbers.shape[1]):
            cuts = self.cuts[self.starts[j] : self.starts[j + 1]]
            column = numbers[:, j]
            found[:, j] = np.where(np.isnan(column), len(cuts) + 1, np.searchsorted(cuts, column, side="left"))
        return found


def fit_binning(numbers: Array) -> Binning:
    """Cuts halfway between neighbouring values, at most :data:`CUTS`, with as many rows between any two."""
    import numpy as np

    cuts = []
    for column in numbers[:: max(1, len(numbers) // SAMPLE)].T:
        known = np.sort(column[~np.isnan(column)])
        values = np.unique(known)
        if len(values) > CUTS + 1:
            values = np.unique(known[np.linspace(0, len(known) - 1, CUTS + 1).round().astype(np.int64)])
        cuts.append((values[1:] + values[:-1]) / 2)
    starts = np.cumsum([0, *map(len, cuts)]).astype(np.int64)
    return Binning(np.concatenate(cuts) if cuts else np.zeros(0), starts)
