"""With how many digits a computed number is written: as the real ones are, to the last bit where that can be found.

A logarithm that was taken in single precision and written with 15 digits is not the logarithm: whoever looks for it
tells computed numbers from real ones at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthkit.rules.coding import Floats

DIGITS = range(16, 5, -1)
TRIED_ON = 500  # rows


@dataclass(frozen=True)
class Precision:
    """Args:
    single: whether it was of 32 bits.
    places: after the point; None for as many as there are.
    digits: in all, as many as matter; None for as many as there are.
    """

    single: bool = False
    places: int | None = None
    digits: int | None = None

    def applied(self, values: Floats) -> Floats:
        """The numbers as they are written; missing ones (NaN) stay."""
        import numpy as np

        found = values
        if self.single:
            with np.errstate(over="ignore"):
                found = found.astype(np.float32).astype(np.float64)
        if self.places is not None:
            found = np.round(found, self.places)
        return found if self.digits is None else _to_digits(found, self.digits)


def precision_of(real: Floats, computed: Floats, places: int | None) -> Precision:
    """The precision under which most computed numbers are the real ones, the simplest of several.

    Args:
        real, computed: of the same rows, shape (rows,); compared where both are finite.
        places: after the point, that the real ones are known to have.
    """
    import numpy as np

    known = np.flatnonzero(np.isfinite(real) & np.isfinite(computed))[:TRIED_ON]
    plain = Precision(places=places)
    if places is not None or not len(known):
        return plain
    both = [Precision(single=single, digits=digits) for single in (False, True) for digits in (None, *DIGITS)]
    real, computed = real[known], computed[known]
    best, most = plain, -1.0
    for candidate in both:
        share = float((candidate.applied(computed) == real).mean())
        if share > most:
            best, most = candidate, share
        if share == 1:
            break
    return best


def _to_digits(values: Floats, digits: int) -> Floats:
    """The numbers as they are read from text of so many digits; by way of the text, as products are off by a bit."""
    import numpy as np

    some, places = np.unique(values, return_inverse=True)
    return np.array([float(f"{value:.{digits}g}") for value in some.tolist()])[places.reshape(-1)]
