"""Quantiles of Student's t distribution for whole degrees of freedom, without a library of statistics."""

from __future__ import annotations

import math
from functools import cache


@cache
def two_sided(freedom: int, share: float) -> float:
    """The t with ``share`` of the distribution between −t and t.

    Abramowitz & Stegun 26.7.3 and 26.7.4 give that share as a finite sum over θ = atan(t/√ν), which rises with θ: halve
    an interval of θ until it is one number.

    >>> round(two_sided(4, 0.95), 12), round(two_sided(1, 0.5), 12)
    (2.776445105198, 1.0)
    """
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:
        if _between(middle, freedom) < share:
            low = middle
        else:
            high = middle
    return math.tan(high) * math.sqrt(freedom)


def _between(theta: float, freedom: int) -> float:
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = freedom % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for power in range(1 + odd, freedom, 2):  # the powers of the cosine are one less
        total += term
        term *= cosine**2 * power / (power + 1)
    return 2 / math.pi * (theta + sine * total) if odd else sine * total
