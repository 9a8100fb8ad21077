"""Orderings of two columns: ``start <= end``, ``balance <= loan``.

Two columns may lie so far apart that one is always below the other, which says nothing. An ordering is told where
chance would break it, and where the difference either ends sharply at zero (many rows lie just on this side, none
beyond), or varies so little beside the columns that they must belong together, or their names share a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import log
from typing import TYPE_CHECKING

from synthkit.rules.find.columns import Columns, Look
from synthkit.rules.find.evidence import MOST_CHANCE, Evidence, Found, chance_of, log_of_exceptions
from synthkit.rules.find.proving import FEWEST_ROWS, most_exceptions
from synthkit.rules.inequality import Inequality

if TYPE_CHECKING:
    from synthkit.rules.coding import Floats

LEAST_BROKEN = 0.02  # share of rows that break it with the columns shuffled
NEAR = 0.02  # of the spread of the differences: what lies just beside zero
FEWEST_NEAR = 40  # rows there: a smooth density would lay half of them on the other side
CLOSE = 0.25  # the spread of the differences beside that of shuffled columns: below it they belong together
MOST_ORDERED = 120  # columns that are looked at, of a wider table the first ones
FEWEST_DISTINCT = 4


def orders(columns: Columns) -> Iterator[Found]:
    """Orderings between numbers, between dates and between moments."""
    looks = [x for x in columns.looks if x.numbers is not None and x.distinct >= FEWEST_DISTINCT and not _names(x)]
    looks = looks[:MOST_ORDERED]
    candidates = max(1, len(looks) ** 2)
    for low in looks:
        for high in looks:
            if low is high or low.kind != high.kind:
                continue
            assert low.numbers is not None
            assert high.numbers is not None
            part = columns.sample
            if (low.numbers[part] > high.numbers[part]).sum() > 3 * most_exceptions(len(part)):
                continue
            found = _proven(columns, low, high, candidates)
            if found is not None:
                yield found


def _names(look: Look) -> bool:
    """Whether the numbers name something: their order says nothing."""
    words = re.split(r"[^a-z]+|(?<=[a-z])(?=[A-Z])", look.name)
    return look.kind == "number" and (look.key or "id" in [w.lower() for w in words] or look.name.lower() == "id")


def _same_unit(low: Look, high: Look) -> bool:
    """Whether the columns' names share a word, as min_price and max_price do."""
    a, b = ({w for w in re.split(r"[^a-z]+", look.name.lower()) if len(w) > 3} for look in (low, high))
    return bool(a & b)


def _proven(columns: Columns, low: Look, high: Look, candidates: int) -> Found | None:
    import numpy as np

    assert low.numbers is not None
    assert high.numbers is not None
    known = ~(low.absent | high.absent)
    a, b = low.numbers[known], high.numbers[known]
    exceptions = int((a > b).sum())
    if len(a) < FEWEST_ROWS or exceptions > (0 if low.kind == "number" else most_exceptions(len(a))):
        return None  # numbers that are mostly ordered are not: a slip is seen in days
    # Only these rows could break it at all, whatever the other column is in them.
    open_ = (a > b.min()) & (b < a.max())
    if int(open_.sum()) < FEWEST_ROWS:
        return None
    rng = np.random.default_rng(2)
    part = rng.choice(len(a), min(len(a), 4_000), replace=False)
    shuffled = b[rng.permutation(part)]
    by_chance = float((a[part] <= shuffled).mean())
    broken = 1 - by_chance
    if broken < LEAST_BROKEN:
        return None
    unseen = int(known[columns.unseen].sum())
    chance = chance_of(log_of_exceptions(by_chance, unseen, exceptions), candidates)
    beside = near(a[open_], b[open_])
    together = chance_of(-beside * log(2), candidates)
    sharp = beside >= FEWEST_NEAR and together <= MOST_CHANCE
    belong = close(b[part] - a[part], shuffled - a[part]) or (_same_unit(low, high) and broken > 2 * LEAST_BROKEN)
    if chance > MOST_CHANCE or not (sharp or belong):
        return None
    strict = bool((a != b).all())
    return Found(
        Inequality(low.name, "<" if strict else "<=", high.name),
        Evidence(
            len(a) - exceptions, exceptions, unseen, max(chance, min(together, 1.0) if beside >= FEWEST_NEAR else 0)
        ),
    )


def near(a: Floats, b: Floats) -> int:
    """How many rows lie just on this side of equality. One step of a grid is just beside it, too."""
    import numpy as np

    gaps = b - a
    spread = float(np.subtract(*np.quantile(gaps, [0.9, 0.1])))
    above = gaps[gaps > 0]
    step = float(above.min()) if len(above) else 0.0
    grid = step if len(above) and np.allclose(gaps / step, np.rint(gaps / step), atol=1e-6) else 0.0
    return int(((gaps >= 0) & (gaps <= max(NEAR * spread, grid))).sum())


def close(gaps: Floats, shuffled: Floats) -> bool:
    """Whether differences vary so little beside those of shuffled columns that the columns belong together."""
    import numpy as np

    def spread(x: Floats) -> float:
        return float(np.subtract(*np.quantile(x, [0.95, 0.05])))

    whole = spread(shuffled)
    return whole > 0 and spread(gaps) < CLOSE * whole and float((shuffled < 0).mean()) > 5 * LEAST_BROKEN
