"""What two columns say together and neither says alone: differences, sums and ratios.

A table may have every column right, and the trends between them, and still end what has not begun: a classifier that
splits one column at a time sees a straight line between two only as a staircase. So it is shown some combinations
beside the columns. Which ones the *training* rows decide, and they alone, so that the rows that are compared (drawn
ones and held-out ones) have no say in by what they are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.rows import marginals
from synthkit.audits.rows.choice import has_floor, is_number
from synthkit.audits.rows.features import sample_rows
from synthkit.schema import TEMPORAL
from synthkit.sources.types import provisional_type

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

How = Literal["difference", "sum", "ratio"]
SIGNS: dict[How, str] = {"difference": "−", "sum": "+", "ratio": "/"}
MOST = 20  # combinations
MOST_EACH = 5  # of one column, so that one that goes with all does not take every place
MOST_PAIRS = 2_000  # that are looked at; of more, those whose ranks go together best
ROWS = 2_000  # training rows that are looked at
FEWEST = 50
LEAST = 0.25  # nats of structure that a combination must have beyond its columns, paired at random
CERTAIN = 10.0  # what a combination counts that is the same in every row
FARTHEST = 1e6  # spreads from the middle


@dataclass(frozen=True)
class Between:
    """A combination of two columns.

    Args:
        middle: its median in the training rows.
        spread: its mean distance from there, 1 where that is 0.
    """

    first: str
    second: str
    how: How
    middle: float = 0.0
    spread: float = 1.0

    def __str__(self) -> str:
        """
        >>> str(Between("delivered", "ordered", "difference"))
        'delivered − ordered'
        """
        return f"{self.first} {SIGNS[self.how]} {self.second}"

    def rows(self, numbers: Callable[[str], Array]) -> Array:
        """The combination in rows of a side, in spreads from the middle; NaN where it is not defined.

        Args:
            numbers: of a column in these rows.
        """
        import numpy as np

        x, y = numbers(self.first), numbers(self.second)
        return np.clip((combined(x, y, self.how) - self.middle) / self.spread, -FARTHEST, FARTHEST)


def between(context: AuditContext, columns: tuple[str, ...]) -> tuple[Between, ...]:
    """The combinations of these columns that say most in the training rows; none where there are few, or no, rows."""
    import numpy as np

    def chosen() -> tuple[Between, ...]:
        with np.errstate(over="ignore", invalid="ignore"):  # numbers near the end of floats: their spread is infinite
            return _chosen(context, columns)

    return context.shared(("between", columns), chosen)


def combined(x: Array, y: Array, how: How) -> Array:
    """One number from two; NaN where it is not finite."""
    import numpy as np

    with np.errstate(all="ignore"):
        found = x - y if how == "difference" else x + y if how == "sum" else x / y
    return np.where(np.isfinite(found), found, np.nan)


def _chosen(context: AuditContext, columns: tuple[str, ...]) -> tuple[Between, ...]:
    import numpy as np

    if context.train is None or context.rows("train") < FEWEST:
        return ()
    names = [c for c in columns if has_floor(context, c) and is_number(context, c)]
    places = sample_rows(context, "train", min(ROWS, context.rows("train")), "between")
    rows = {name: numbers_of(context, "train", name)[places] for name in names}
    other = context.rng("between").permutation(len(places))
    found = []
    for a, b in _pairs(context, names, rows):
        of_pair = []
        for how in ("difference",) if _kind(context, a) != "number" else _ways(rows[a], rows[b]):
            value = combined(rows[a], rows[b], how)
            gained = structure(value, combined(rows[a], rows[b][other], how))
            middle = float(np.nanmedian(value)) if np.isfinite(value).any() else 0.0
            spread = float(np.nanmean(np.abs(value - middle))) if np.isfinite(value).any() else 0.0
            of_pair.append((gained, Between(a, b, how, middle, spread or 1.0)))
        best = max(of_pair, key=lambda pair: pair[0])
        if best[0] >= LEAST:
            found.append(best)
    found.sort(key=lambda pair: -pair[0])
    kept: list[Between] = []
    used: Counter[str] = Counter()
    for _, one in found:
        if max(used[one.first], used[one.second]) < MOST_EACH:
            kept.append(one)
            used.update((one.first, one.second))
        if len(kept) == MOST:
            break
    return tuple(kept)


def _ways(x: Array, y: Array) -> tuple[How, ...]:
    """Ratios are of numbers that are never negative and mostly not 0, where they mean a share or a price."""
    import numpy as np

    positive = np.nanmin(x, initial=np.inf) >= 0 and np.nanmin(y, initial=np.inf) >= 0
    return ("difference", "sum", "ratio") if positive and np.mean(y > 0) > 0.5 else ("difference", "sum")


def structure(value: Array, paired: Array) -> float:
    """How much surer one is of a combination than of the same columns ``paired`` at random, in nats: by how much it is
    narrower, how much oftener it lies on one side of 0, and how much oftener it is the same value."""
    import numpy as np

    value, paired = value[~np.isnan(value)], paired[~np.isnan(paired)]
    if min(len(value), len(paired)) < FEWEST:
        return 0.0
    narrow, wide = (float(np.ptp(np.quantile(v, [0.1, 0.9]))) for v in (value, paired))
    if wide == 0:
        return 0.0
    narrower = float(np.log(wide / narrow)) if narrow > 0 else CERTAIN
    sided = _entropy(float(np.mean(paired < 0))) - _entropy(float(np.mean(value < 0)))
    same = _most_common(value) - _most_common(paired)
    return max(0.0, min(narrower, CERTAIN)) + max(0.0, sided) + max(0.0, same)


def _entropy(share: float) -> float:
    import math

    return 0.0 if share in (0.0, 1.0) else -share * math.log(share) - (1 - share) * math.log(1 - share)


def _most_common(values: Array) -> float:
    import numpy as np

    return float(np.unique(np.round(values, 9), return_counts=True)[1].max() / len(values))


def _pairs(context: AuditContext, names: list[str], rows: dict[str, Array]) -> list[tuple[str, str]]:
    """Pairs of columns of one kind: numbers, points in time, times of day."""
    import numpy as np

    pairs = [(b, a) for a, b in combinations(names, 2) if _kind(context, a) == _kind(context, b)]
    if len(pairs) <= MOST_PAIRS:
        return pairs
    from scipy.stats import rankdata

    ranks = np.column_stack([rankdata(np.nan_to_num(rows[n], nan=np.nanmedian(rows[n]))) for n in names])
    with np.errstate(all="ignore"):
        together = np.nan_to_num(np.abs(np.corrcoef(ranks, rowvar=False)))
    at = {name: i for i, name in enumerate(names)}
    return sorted(pairs, key=lambda pair: -together[at[pair[0]], at[pair[1]]])[:MOST_PAIRS]


def _kind(context: AuditContext, column: str) -> str:
    found = provisional_type(marginals.require(context, column, "holdout"))
    return "moment" if found in ("date", "datetime") else found if found in TEMPORAL else "number"


def numbers_of(context: AuditContext, side: Side, column: str) -> Array:
    """A column's numbers row by row, points in time in microseconds; NaN where it has none."""
    import numpy as np

    filled, missing = marginals.rows_of(context, side, column)
    return np.where(missing, np.nan, filled.astype(np.float64))
