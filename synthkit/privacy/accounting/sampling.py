"""Exact samplers over a stream of random 64-bit words: every decision compares whole numbers.

Algorithms 1 to 3 of Canonne, Kamath & Steinke 2020 (https://arxiv.org/abs/2004.00010), on arrays. Numbers stay within
63 bits where they can; where they cannot (a standard deviation above 6,000, say, or a draw of 64 times that), the same
code runs on Python's unbounded integers, about ten times more slowly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Words = Callable[[int], npt.NDArray[np.uint64]]
    Integers = npt.NDArray[Any]  # int64, or Python integers
    Flags = npt.NDArray[np.bool_]

BATCH = 2**17  # draws at a time: a few megabytes of words
FINE = 2**25  # σ² has about this many steps of its grid: rounding up adds at most about 1e-8 of σ
WORD = 2**64


def below(words: Words, bound: int, size: int) -> Integers:
    """Uniform on {0, …, bound − 1}."""
    import numpy as np

    bits = (bound - 1).bit_length()
    if bits == 0:
        return np.zeros(size, dtype=np.int64)
    if bits > 63:
        return _below_large(words, bound, size)
    drawn = words(size)
    if bound == 1 << bits:
        return (drawn >> np.uint64(64 - bits)).astype(np.int64)
    limit = np.uint64(WORD // bound * bound - 1)  # the last word of the last full turn
    while len(over := np.flatnonzero(drawn > limit)):
        drawn[over] = words(len(over))
    return (drawn % np.uint64(bound)).astype(np.int64)


def _below_large(words: Words, bound: int, size: int) -> Integers:
    import numpy as np

    bits = (bound - 1).bit_length()
    length = -(-bits // 64)
    found: list[int] = []
    while len(found) < size:
        for row in words((size - len(found)) * length).reshape(-1, length).tolist():
            value = sum(word << (64 * i) for i, word in enumerate(row)) >> (64 * length - bits)
            if value < bound:
                found.append(value)
    return np.array(found[:size], dtype=object)


def bernoulli_exp(words: Words, numerators: Integers, denominator: int) -> Flags:
    """True with probability exp(−numerator/denominator), numerators ≥ 0 (Algorithm 1)."""
    import numpy as np

    wholes = numerators // denominator
    result = _bernoulli_exp_of_share(words, numerators - wholes * denominator, denominator)
    waiting = np.flatnonzero(result & (wholes > 0))
    left = wholes[waiting]
    while len(waiting):
        passed = _bernoulli_exp_of_one(words, len(waiting))
        result[waiting[~passed]] = False
        more = passed & (left > 1)
        waiting, left = waiting[more], left[more] - 1
    return result


def _bernoulli_exp_of_share(words: Words, numerators: Integers, denominator: int) -> Flags:
    """The same for a quotient of at most 1: the first k with a failure of Bernoulli(quotient/k) is odd."""
    import numpy as np

    result = np.zeros(len(numerators), dtype=bool)
    waiting, k = np.arange(len(numerators)), 1
    while len(waiting):
        passed = (below(words, denominator, len(waiting)) < numerators[waiting]).astype(bool)
        if k > 1:
            passed &= below(words, k, len(waiting)) == 0
        if k % 2:
            result[waiting[~passed]] = True
        waiting, k = waiting[passed], k + 1
    return result


def _bernoulli_exp_of_one(words: Words, size: int) -> Flags:
    import numpy as np

    result = np.zeros(size, dtype=bool)
    waiting, k = np.arange(size), 2  # Bernoulli(1/1) never fails
    while len(waiting):
        passed = below(words, k, len(waiting)) == 0
        if k % 2:
            result[waiting[~passed]] = True
        waiting, k = waiting[passed], k + 1
    return result


def _laplace(words: Words, scale: int, shift: int, tries: int) -> Integers:
    """Draws of the discrete Laplace distribution with scale ``scale``/2^``shift`` (Algorithm 2): up to ``tries``, as
    many as are not rejected."""
    import numpy as np

    share = below(words, scale, tries)
    share = share[_bernoulli_exp_of_share(words, share, scale)]
    turns = np.zeros(len(share), dtype=np.int64)
    waiting = np.arange(len(share))
    while len(waiting):
        waiting = waiting[_bernoulli_exp_of_one(words, len(waiting))]
        turns[waiting] += 1
    size = (share + scale * turns) >> shift
    negative = below(words, 2, len(size)) == 1
    kept = ~negative | (size > 0)  # zero has one sign only
    signed: Integers = np.where(negative, -size, size)[kept]
    return signed


def discrete_laplace(words: Words, scale: float, size: int) -> Integers:
    """Noise with P[y] ∝ exp(−|y|/scale); ``scale`` is rounded up to a multiple of 2⁻ᵏ, by less than 2⁻³¹ of it where it
    is 1 or more."""
    shift = max(0, 32 - max(0, math.frexp(scale)[1]))
    numerator = math.ceil(Fraction(scale) * 2**shift)
    return _collect(size, lambda tries: _laplace(words, numerator, shift, tries))


def discrete_gaussian(words: Words, sigma: float, size: int) -> Integers:
    """Noise with P[y] ∝ exp(−y²/(2σ²)) (Algorithm 3); σ² is rounded up to a multiple of 2⁻ᵏ."""
    import numpy as np

    square, spread, precision = grid_of(sigma)
    # accept y with probability exp(−(|y| − σ²/t)²/(2σ²)); over the common denominator, with σ² = n/d, this is
    # exp(−(|y|td − n)²/(2ndt²))
    denominator = 2 * square * precision * spread**2
    most = math.isqrt(2**63 - 1)

    def tries(count: int) -> Integers:
        drawn = _laplace(words, spread, 0, count)
        distance: Integers = np.abs(drawn)
        if denominator >= 2**63 or int(distance.max(initial=0)) * spread * precision + square > most:
            distance = distance.astype(object)
        accepted = bernoulli_exp(words, (distance * (spread * precision) - square) ** 2, denominator)
        return drawn[accepted]

    return _collect(size, tries)


def grid_of(sigma: float) -> tuple[int, int, int]:
    """n, t and d: σ² = n/d, not less than ``sigma`` squared, and the proposals' scale t, a power of two near σ."""
    spread = 2 ** max(0, round(math.log2(sigma)))
    precision = max(1, FINE // spread**2)
    return math.ceil(Fraction(sigma) ** 2 * precision), spread, precision


def _collect(size: int, tries: Callable[[int], Integers]) -> Integers:
    """The first ``size`` of what batches of tries leave."""
    import numpy as np

    found, have = [], 0
    while have < size:
        found.append(tries(min(BATCH, 3 * (size - have) + 32)))
        have += len(found[-1])
    return np.concatenate([*found, np.zeros(0, dtype=np.int64)])[:size]


# The exponential mechanism's scores are rounded to steps of 2⁻²⁰ of the sensitivity, which may move two neighbouring
# scores apart by one step and a half (the half for the division), and what rounding did before by two: so this many.
STEPS = 2**20
SENSITIVITY = STEPS + 4


def exponential_weights(scores: npt.NDArray[Any], epsilon: float, sensitivity: float) -> tuple[Integers, int]:
    """Numerators and the denominator of γ in Pr[i] ∝ exp(−γᵢ), the mechanism that is sampled from."""
    import numpy as np

    whole: Integers = np.rint(np.asarray(scores, dtype=np.float64) / sensitivity * STEPS).astype(np.int64)
    # ε rounded down to a fraction with a numerator of 20 bits
    exponent = 20 - math.frexp(epsilon)[1]
    numerator = math.floor(Fraction(epsilon) * Fraction(2) ** exponent)
    denominator = Fraction(2) ** exponent * 2 * SENSITIVITY
    numerator, denominator = numerator * denominator.denominator, Fraction(denominator.numerator)
    behind = whole.max() - whole
    if int(behind.max()) * numerator >= 2**63 or denominator >= 2**63:
        behind = behind.astype(object)
    return behind * numerator, int(denominator)


def choose(words: Words, scores: npt.NDArray[Any], epsilon: float, sensitivity: float) -> int:
    """An index by rejection: propose one uniformly, accept it with probability exp(−γ)."""
    import numpy as np

    numerators, denominator = exponential_weights(scores, epsilon, sensitivity)
    while True:
        proposed = below(words, len(numerators), min(BATCH, 2 * len(numerators) + 16))
        accepted = np.flatnonzero(bernoulli_exp(words, numerators[proposed], denominator))
        if len(accepted):
            return int(proposed[accepted[0]])
