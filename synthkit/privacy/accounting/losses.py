"""Distributions of privacy losses on a grid, and their composition by one Fourier transform.

All is pessimistic: where something is rounded or cut off, the profile only rises. Losses between grid points are spread
over the two neighbours such that the profile is linear in eˣ in between ("connect the dots", Doroshenko et al. 2022,
https://arxiv.org/abs/2207.04380, Algorithm 1). What lies beyond the range that a composition keeps is bounded by
Chernoff's inequality and counted as an infinite loss; compare Koskela, Jälkö & Honkela 2020
(https://arxiv.org/abs/1906.03049) and Google's dp-accounting, against which the tests hold this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

TAIL = 1e-15  # mass that a composition may cut off at each end
# δ that is set aside for rounding. A profile in double precision is wrong by a few 1e-16, and as the composed δ(x) is
# the mean of one mechanism's δ(x − other losses), the errors of K mechanisms at most add up; Fourier transforms were
# measured to add less than 1e-13.
ROUNDING, ROUNDING_EACH = 1e-13, 5e-16


@dataclass(frozen=True, eq=False)
class Losses:
    """The privacy loss of a pair of distributions (P, Q) under P.

    Attributes:
        step: distance of the grid's points.
        first: the smallest loss is ``first · step``.
        mass: probability of each grid point from there on, not negative.
        infinite: probability of an infinite loss. With ``mass`` it sums to 1, or to a little more.
    """

    step: float
    first: int
    mass: Array
    infinite: float

    def delta(self, epsilon: float) -> float:
        """E[max(0, 1 − e^{ε − loss})], for any real ε."""
        import numpy as np

        start = max(0, math.floor(epsilon / self.step) + 1 - self.first)
        losses = (np.arange(start, len(self.mass)) + self.first) * self.step
        return min(1.0, self.infinite + float(-np.expm1(epsilon - losses) @ self.mass[start:]))

    def epsilon(self, delta: float) -> float:
        """The least ε ≥ 0 with ``self.delta(ε) <= delta``; inf where there is none."""
        import numpy as np

        if self.infinite > delta:
            return math.inf
        start = max(0, 1 - self.first)  # losses above 0
        mass = self.mass[start:]
        losses = (np.arange(start, len(self.mass)) + self.first) * self.step
        # above[i] and below[i]: P- and Q-mass of the losses from i on, so that δ(x) = above − eˣ·below
        above = self.infinite + np.cumsum(mass[::-1])[::-1]
        below = np.cumsum((mass * np.exp(-losses))[::-1])[::-1]
        over = above - np.exp(np.minimum(losses, 700.0)) * below > delta  # δ at the grid's points, which falls
        i = int(np.count_nonzero(over))
        if i == len(mass) or (i == 0 and self.delta(0.0) <= delta):
            return 0.0 if i == 0 else float(losses[-1])
        if below[i] == 0:  # e^{−loss} underflows
            return float(losses[i])
        return max(0.0, math.log((above[i] - delta) / below[i]))


def connect_dots(step: float, grid: npt.NDArray[Any], excess: Array) -> Losses:
    """Losses at the points ``grid · step`` whose profile δ is given there and linear in eˣ in between.

    Args:
        grid: increasing integers, 0 among them.
        excess: δ(x) − max(0, 1 − eˣ) at the points: that is δ(x) itself for x ≥ 0, and eˣ·δ'(−x) for x < 0, with δ' of
            the other direction. In this form nothing is lost to rounding where δ is near 1.

    Raises:
        ArithmeticError: δ is no profile.
    """
    import numpy as np

    gaps = np.diff(grid) * step
    rises = np.diff(excess)
    mass = np.append(rises / np.expm1(gaps), 0.0) + np.insert(rises / np.expm1(-gaps), 0, -excess[0])
    dense = np.zeros(int(grid[-1] - grid[0]) + 1)
    dense[grid - grid[0]] = mass
    dense[-int(grid[0])] += 1  # what max(0, 1 − eˣ) contributes: without any excess there is no loss
    dense = np.maximum(0.0, dense)
    if not 1 - 1e-6 < (total := float(dense.sum() + excess[-1])) < 1 + 1e-6:
        raise ArithmeticError(f"a profile is not convex: the mass of its losses is {total!r}")
    return Losses(step, int(grid[0]), dense, float(excess[-1]))


def compose(parts: Sequence[tuple[Losses, int]], span: tuple[int, int] | None = None) -> Losses:
    """The sum of independent losses, each as often as its count says; all of one step, at least one.

    ``span`` is what :func:`range_of` gave for the same parts.
    """
    import numpy as np

    if len(parts) == 1 and parts[0][1] == 1:
        return replace(parts[0][0], infinite=parts[0][0].infinite + ROUNDING)
    step = parts[0][0].step
    low, high = span or range_of(parts)
    size = _fast_length(high - low + 1)
    product = np.ones(size // 2 + 1, dtype=np.complex128)
    finite = 0.0  # log P[no infinite loss]
    for losses, count in parts:
        rows = -(-len(losses.mass) // size)
        folded = np.zeros(rows * size)
        folded[: len(losses.mass)] = losses.mass
        # a point's place is its loss modulo the size, so that places add up as the losses do
        turned = np.roll(folded.reshape(rows, size).sum(axis=0), losses.first % size)
        product *= _power(np.fft.rfft(turned), count)
        finite += count * math.log1p(-losses.infinite) if losses.infinite < 1 else -math.inf
    mass = np.roll(np.fft.irfft(product, size), -(low % size))
    count = sum(count for _, count in parts)
    infinite = min(1.0, -math.expm1(finite) + 2 * TAIL + ROUNDING + ROUNDING_EACH * count)
    return Losses(step, low, np.maximum(0.0, mass), infinite)


def _fast_length(least: int) -> int:
    """The next product of powers of 2, 3 and 5, whose Fourier transform is fast."""
    best = 1 << (least - 1).bit_length()
    fives = 1
    while fives < best:
        odd = fives
        while odd < best:
            best = min(best, odd << max(0, (-(-least // odd) - 1).bit_length()))
            odd *= 3
        fives *= 5
    return best


def _power(base: npt.NDArray[np.complex128], exponent: int) -> npt.NDArray[np.complex128]:
    """By repeated squaring, which is both faster and nearer than numpy's complex power."""
    result = base.copy() if exponent & 1 else base * 0 + 1
    while exponent := exponent >> 1:
        base = base * base
        if exponent & 1:
            result *= base
    return result


def range_of(parts: Sequence[tuple[Losses, int]]) -> tuple[int, int]:
    """Grid points such that the sum of the losses is below the first, or above the last, with probability TAIL at
    most: P[S ≥ u] ≤ E[e^{tS}]·e^{−tu} for every t > 0."""
    import numpy as np

    kept = []  # grid points of positive mass, their mass, and how often
    for losses, count in parts:
        some = np.flatnonzero(losses.mass)
        if len(some):
            kept.append((some + losses.first, losses.mass[some], count))
    low = sum(int(at[0]) * count for at, _, count in kept)
    high = sum(int(at[-1]) * count for at, _, count in kept)
    spread = sum(count * float((at - at @ mass) ** 2 @ mass) for at, mass, count in kept)
    for t in 2.0 ** np.arange(-1, 5) / math.sqrt(max(spread, 1e-9)):
        for sign in (1, -1):
            total = -math.log(TAIL)
            for at, mass, count in kept:
                exponents = (sign * t) * at
                top = max(exponents[0], exponents[-1])
                total += count * (top + math.log(float(np.exp(exponents - top) @ mass)))
            if sign > 0:
                high = min(high, math.ceil(total / t))
            else:
                low = max(low, math.floor(-total / t))
    return low, max(low, high)
