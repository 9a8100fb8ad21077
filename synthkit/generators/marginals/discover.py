"""What is not declared, bought with a share of the budget: bounds of numbers and times, lists of categories.

Bounds come from one histogram of magnitudes, by sign and power of two: the outermost cells that stand out of the noise
are the range, and rows beyond are clamped. Categories come from noisy counts of those that occur: a category is kept
only from a threshold on that one unit alone passes with probability ``delta`` at most. Whether a category occurs at all
is private, and leaving it out unless many have it makes the list (epsilon, delta)-DP (Korolova, Kenthapadi, Mishra &
Ntoulas 2009). Given that no unit's own category passes, the counts of two neighbouring tables have the same categories,
and their noise is the Gaussian mechanism's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from synthkit.encoding.numbers import limits, raw_values
from synthkit.encoding.values import plain
from synthkit.errors import BuildError
from synthkit.generators.marginals.release import Releases
from synthkit.privacy.accounting.mechanisms import ApproximateDP, Mechanism, noisy_histograms
from synthkit.privacy.knowledge import undeclared
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

POWER = 64  # of two, of the greatest magnitude that is told from others; 2^-POWER of the least
STANDS_OUT = 4.5  # standard deviations; of 259 cells of noise, one in a thousand histograms has one beyond it


def unknown(column: Column) -> bool:
    """Whether a modelled column lacks the declaration that a private generator needs."""
    return undeclared(column) is not None


@dataclass(frozen=True)
class Known:
    """A schema in which every category is listed, and raw bounds for the columns that declare none."""

    schema: Schema
    ends: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Discovery:
    """What finding out the columns that are not declared takes of a budget.

    Args:
        columns: how many there are, each found out by one histogram; 0 where none is, or nothing is paid for it.
        lists: of categories among them.
        share: of the budget.
        sigma: noise of each histogram.
        delta: of each list.
    """

    columns: int = 0
    lists: int = 0
    share: float = 0.0
    sigma: float = 0.0
    delta: float = 0.0

    @staticmethod
    def planned(schema: Schema, share: float, delta: float) -> Discovery:
        """For a share of a budget of ``delta``; its noise is to be set (:meth:`at`)."""
        lacking = [undeclared(c) for c in schema.columns] if share else []
        columns, lists = sum(what is not None for what in lacking), lacking.count("values")
        if not columns:
            return Discovery()
        return Discovery(columns, lists, share, delta=share * delta / lists if lists else 0.0)

    def at(self, noise: float) -> Discovery:
        """With its share of 1 / ``noise``², the noise of one release in place of all."""
        return replace(self, sigma=noise * math.sqrt(self.columns / self.share)) if self.columns else self

    def mechanisms(self, unit: int) -> list[Mechanism]:
        """What it releases, for units of ``unit`` rows."""
        found = [noisy_histograms(self.sigma, unit, self.columns)] if self.columns else []
        return [*found, ApproximateDP(0.0, sum([self.delta] * self.lists))] if self.lists else found

    def known(self, table: Table, releases: Releases) -> Known:
        """Find out what is not declared; without a look at the rows where there is nothing to find out."""
        return discover(table, self.sigma, self.delta, releases) if self.columns else Known(table.schema)


def discover(table: Table, sigma: float, delta: float, releases: Releases) -> Known:
    """Find out what is not declared: one release for each such column.

    Args:
        sigma: of the noise.
        delta: for each column whose categories are not declared.

    Raises:
        BuildError: no category of a column passed its threshold.
    """
    columns: list[Column] = []
    ends: dict[str, tuple[Any, Any]] = {}
    for column in table.schema.columns:
        if not unknown(column):
            columns.append(column)
        elif column.continuous:
            ends[column.name] = _ends(table, column, sigma, releases)
            columns.append(column)
        else:
            columns.append(replace(column, values=_categories(table, column, sigma, delta, releases)))
    return Known(replace(table.schema, columns=tuple(columns)), ends)


def threshold(sigma: float, delta: float, unit: int) -> int:
    """The least noisy count from which a category is kept.

    A unit of ``unit`` rows brings at most that many new categories, of at most that many rows each, which leaves each
    of them delta / unit. The discrete Gaussian's tail is P[X >= m] <= P[N(0, sigma²) >= m - 1] (Canonne, Kamath &
    Steinke 2020).
    """
    from statistics import NormalDist

    return unit + 1 + math.ceil(-sigma * NormalDist().inv_cdf(delta / unit))


def _categories(table: Table, column: Column, sigma: float, delta: float, releases: Releases) -> tuple[Any, ...]:
    import numpy as np
    import pyarrow.compute as pc

    counts: Counter[Any] = Counter()
    for batch in table.batches([column.name]):
        found = pc.value_counts(batch.column(column.name).drop_null())
        for value, count in zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True):
            counts[plain(value)] += count
    names = sorted(counts, key=lambda v: (str(type(v)), v))
    noisy = releases.histogram(np.array([counts[n] for n in names], dtype=np.int64), sigma)
    releases.charge(delta)
    least = threshold(sigma, delta, releases.sensitivity)
    kept = tuple(n for n, c in zip(names, noisy, strict=True) if c >= least)
    if not kept:
        raise BuildError(
            f"no category of {column.name!r} is frequent enough to be found under this budget",
            hint=f"declare values: on {column.name}, or raise epsilon or preprocessing_share",
        )
    return kept


def _ends(table: Table, column: Column, sigma: float, releases: Releases) -> tuple[Any, Any]:
    """Raw bounds that are powers of two or 0."""
    import numpy as np

    counts = np.zeros(4 * POWER + 3, dtype=np.int64)
    whole, kind = False, None
    for batch in table.batches([column.name]):
        raw, valid = raw_values(batch.column(column.name))
        whole, kind = raw.dtype != np.float64, batch.schema.field(column.name).type
        counts += np.bincount(_magnitude(raw[valid]), minlength=len(counts))
    noisy = releases.histogram(counts, sigma)
    kept = np.flatnonzero(noisy > STANDS_OUT * sigma)
    if not len(kept):
        return (0, 1) if whole else (0.0, 1.0)
    low, high = _range(int(kept[0]))[0], _range(int(kept[-1]))[1]
    least, most = limits(kind)
    if not whole:
        return max(least, low), min(most, high)
    return max(least, math.floor(low)), min(most, math.ceil(high))


def _magnitude(raw: Array) -> Array:
    """The cell of each number: -2^j … -2^-j, 0, 2^-j … 2^j by powers of two, the outermost ones open."""
    import numpy as np

    raw = raw.astype(np.float64)
    size = np.abs(raw)
    power = np.clip(np.floor(np.log2(np.where(size > 0, size, 1.0))), -POWER, POWER)
    middle = 2 * POWER + 1
    return np.asarray((middle + np.sign(raw) * (power + POWER + 1)).astype(np.int64))


def _range(cell: int) -> tuple[float, float]:
    """The least and greatest number of a cell."""
    middle = 2 * POWER + 1
    if cell == middle:
        return 0.0, 0.0
    power = abs(cell - middle) - POWER - 1
    low, high = 2.0**power, 2.0 ** (power + 1)
    return (low, high) if cell > middle else (-high, -low)
