"""Regular series: where on the scale of frequencies their variance lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.audits.relations.steps import Steps
from synthkit.audits.rows.sampling_error import Draws, Groups, gaps

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

BINS = 12  # of the frequencies, one for each octave from one half per step down; the last one has all below
SHORTEST = 12  # rows of a series that has a spectrum to speak of
EVEN = (0.88, 1.12)  # of the usual gap: a month has 28 to 31 days
MOST = 0.95  # of the gaps that are so, in a regular series

Series = tuple["Array", Steps, Groups]  # a value for each step's row, the steps, the rows' groups


def regular(side: Steps) -> bool:
    """Whether rows come at even times, and sequences are long enough."""
    import numpy as np

    apart = side.gaps
    if not len(apart) or float(np.median(side.lengths)) < SHORTEST:
        return False
    usual = float(np.median(apart))
    even = (apart >= EVEN[0] * usual) & (apart <= EVEN[1] * usual)
    return usual > 0 and float(even.mean()) >= MOST


def spectra_apart(ours: Series, theirs: Series) -> Draws | None:
    """½ Σ |difference| of the mean shares of variance by frequency; None where a side has no series with variance."""
    import numpy as np

    shares, errors = [], []
    for values, side, groups in (ours, theirs):
        each = np.stack([spectrum(v) for v in np.split(values, side.starts[1:])])
        at = side.starts[np.isfinite(each[:, 0])]
        each = each[np.isfinite(each[:, 0])]
        if not len(each):
            return None
        some = Groups(groups.of_row[at], groups.multipliers)
        table = np.zeros((groups.multipliers.shape[1], BINS))
        np.add.at(table, some.of_row, each)
        shares.append(each.mean(axis=0))
        errors.append(some.error(table))
    return gaps(shares[0] - shares[1], errors[0] - errors[1], 0.5)


def spectrum(values: Array) -> Array:
    """The shares of a series' variance by frequency (its periodogram in octaves), shape (12,); NaN of a short or
    constant one, and of one with missing values.

    Bins of equal width would put a day's wave in a week of hours, and what changes from day to day, into one."""
    import numpy as np

    if len(values) < SHORTEST or not np.isfinite(values).all():
        return np.full(BINS, np.nan)
    centred = values - values.mean()
    power = np.abs(np.fft.rfft(centred / (np.abs(centred).max() or 1.0)))[1:] ** 2
    total = float(power.sum())
    if total <= 1e-12:
        return np.full(BINS, np.nan)
    frequency = np.arange(1, len(power) + 1) / len(values)
    at = np.minimum((np.log2(0.5 / frequency) + 1e-9).astype(int), BINS - 1)
    found: Array = np.bincount(at, weights=power, minlength=BINS) / total
    return found
