"""Privacy loss distributions of the mechanisms and of what they add up to.

The grid decides how far above the truth a composition comes out, never whether it does (:mod:`losses`). Connecting the
dots adds at most about step²/6 to the variance of one loss, so K losses of total variance V need a step of √(6·η·V/K)
to be wrong by about a share η.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from synthkit.privacy.accounting import losses, profiles
from synthkit.privacy.accounting.losses import Losses
from synthkit.privacy.accounting.mechanisms import (
    ZCDP,
    ApproximateDP,
    BoundedRange,
    DiscreteGaussian,
    Gaussian,
    Laplace,
    Mechanism,
    SubsampledGaussian,
)

if TYPE_CHECKING:
    import numpy.typing as npt

GRID_SHARE = 3e-4  # η above; what comes out is nearer, as not every loss lies in the middle between two points
FINEST, COARSEST = -22, -2  # the grid's step is a power of two with an exponent in between
LONGEST, WINDOW = 200_000, 2**21  # points that one mechanism's losses take, and that a sum takes
ZCDP_POINTS, TAIL = 2_000, 1e-18  # points of a zCDP bound's profile; mass beyond the largest loss that is kept
HOPELESS = 1e5  # variance of the losses from which on ε is not computed: it is in the tens of thousands


@dataclass(frozen=True, eq=False)
class Pair:
    """The losses when a unit is removed and when one is added; the larger counts."""

    remove: Losses
    add: Losses

    def epsilon(self, delta: float) -> float:
        return max(side.epsilon(delta) for side in self.sides())

    def delta(self, epsilon: float) -> float:
        return max(side.delta(epsilon) for side in self.sides())

    def sides(self) -> tuple[Losses, ...]:
        return (self.remove,) if self.add is self.remove else (self.remove, self.add)


@lru_cache(maxsize=16)
def compose(mechanisms: tuple[Mechanism, ...]) -> Pair | None:
    """The privacy losses of all mechanisms together, each chosen with knowledge of the earlier outcomes or not.

    None where the losses are so large that nothing is protected. Mechanisms that merge are merged: Gaussians, whose
    1/σ² add up (Dong, Roth & Su 2022, https://arxiv.org/abs/1905.02383), zCDP, whose ρ add up (Bun & Steinke 2016,
    https://arxiv.org/abs/1605.02065), and equal ones.
    """
    import numpy as np

    parts = merged(mechanisms)
    if sum(_variance(one) * count for one, count in parts.items()) > HOPELESS:
        return None
    order = sorted(parts.items(), key=repr)
    if not order:
        nothing = Losses(1.0, 0, np.ones(1), 0.0)
        return Pair(nothing, nothing)
    for exponent in range(_grid(parts), 30):  # where losses may add up to a very long range, coarser until it fits
        sides = _sides([(_single(one, exponent), count) for one, count in order])
        spans = [losses.range_of(side) for side in sides]
        if all(high - low < WINDOW for low, high in spans):
            break
    totals = [losses.compose(side, span) for side, span in zip(sides, spans, strict=True)]
    return Pair(totals[0], totals[-1])


def _sides(singles: list[tuple[Pair, int]]) -> list[list[tuple[Losses, int]]]:
    """What adds up when a unit is removed and when one is added; one of them where they are the same."""
    remove = [(single.remove, count) for single, count in singles]
    if all(single.add is single.remove for single, _ in singles):
        return [remove]
    return [remove, [(single.add, count) for single, count in singles]]


def merged(mechanisms: Sequence[Mechanism]) -> Counter[Mechanism]:
    """Single mechanisms (``count`` and ``steps`` 1) and how often each was used."""
    parts: Counter[Mechanism] = Counter()
    precision = rho = 0.0
    for one in mechanisms:
        match one:
            case Gaussian(multiplier, count):
                precision += count * (1 / multiplier) ** 2
            case SubsampledGaussian(multiplier, rate, steps):
                if rate == 1:
                    precision += steps * (1 / multiplier) ** 2
                else:
                    parts[replace(one, steps=1)] += steps
            case DiscreteGaussian(sigma, sensitivity, count):
                shift = math.ceil(sensitivity)
                if sigma > profiles.MAX_SIGMA:
                    rho += count * (shift / sigma) ** 2 / 2
                else:
                    parts[DiscreteGaussian(sigma, shift)] += count
            case Laplace(_, _, count):
                parts[ApproximateDP(one.epsilon, 0.0)] += count
            case BoundedRange(epsilon, count):
                parts[BoundedRange(epsilon)] += count
            case ZCDP(extra):
                rho += extra
            case ApproximateDP():
                parts[one] += 1
    if precision:
        parts[Gaussian(1 / math.sqrt(precision))] += 1
    if rho:
        parts[ZCDP(rho)] += 1
    return parts


def _variance(one: Mechanism) -> float:
    """About the variance of one privacy loss, rather too small; it chooses the grid, no bound rests on it."""
    match one:
        case Gaussian(multiplier):
            return (1 / multiplier) ** 2
        case SubsampledGaussian(multiplier, rate):
            return (rate / multiplier) ** 2
        case DiscreteGaussian(sigma, sensitivity):
            return (sensitivity / sigma) ** 2
        case BoundedRange(epsilon) | ApproximateDP(epsilon):
            return epsilon**2 / 3
        case ZCDP(rho):
            return 2 * rho
    raise TypeError(f"not a mechanism: {one!r}")


def _reach(one: Mechanism) -> float:
    """The largest finite loss that is kept; a larger one has probability TAIL, about."""
    deviations = 9.0  # of a Gaussian: beyond lies 1e-19
    match one:
        case Gaussian(multiplier) | SubsampledGaussian(multiplier):
            return 0.5 / multiplier**2 + deviations / multiplier
        case DiscreteGaussian(sigma, shift):
            return shift * (2 * deviations * sigma + shift + 2) / (2 * sigma**2)
        case BoundedRange(epsilon) | ApproximateDP(epsilon):
            return epsilon
        case ZCDP(rho):
            return rho + 2 * math.sqrt(rho * -math.log(TAIL))
    raise TypeError(f"not a mechanism: {one!r}")


def _grid(parts: Counter[Mechanism]) -> int:
    """The exponent of the grid's step. (ε, δ) pairs have two losses only, however large, so where there is anything
    else they do not speak for the spread of the rest."""
    spread = [(_variance(one) * count, isinstance(one, ApproximateDP)) for one, count in parts.items()]
    everything = sum(v for v, _ in spread)
    # pairs alone have a largest loss, which nothing smooths: rounding it up shows in full
    variance = sum(v for v, pair in spread if not pair) or everything / 400
    reach = max((_reach(one) for one in parts if not isinstance(one, ApproximateDP)), default=0.0)
    wanted = math.sqrt(6 * GRID_SHARE * variance / max(1, sum(parts.values())))
    step = max(wanted, 2 * reach / LONGEST, 20 * math.sqrt(everything) / WINDOW, 2.0**FINEST)
    return min(COARSEST, math.floor(math.log2(step)))


@lru_cache(maxsize=64)
def _single(one: Mechanism, exponent: int) -> Pair:
    """The losses of one mechanism on a grid of step 2^exponent."""
    import numpy as np

    step, reach = 2.0**exponent, _reach(one)
    grid = np.arange(math.ceil(reach / step) + 1)  # the half from 0 on; the other mirrors it
    match one:
        case Gaussian(multiplier):
            return _symmetric(step, grid, profiles.gaussian(grid * step, 1 / multiplier))
        case SubsampledGaussian(multiplier, rate):
            # the losses of an added unit are below −log(1 − q), those of a removed one above its negative
            few = np.arange(math.ceil(-math.log1p(-rate) / step) + 2)
            added = profiles.subsampled_added(few * step, 1 / multiplier, rate)
            removed = profiles.subsampled_removed(grid * step, 1 / multiplier, rate)
            return Pair(_both(step, few, added, grid, removed), _both(step, grid, removed, few, added))
        case DiscreteGaussian(sigma, sensitivity):
            return _symmetric(step, grid, profiles.discrete_gaussian(grid * step, sigma, int(sensitivity)))
        case BoundedRange(epsilon):
            return _symmetric(step, grid, profiles.bounded_range(grid * step, epsilon))
        case ApproximateDP(epsilon, failure):
            ends = np.unique([0, math.floor(reach / step), math.ceil(reach / step)])
            return _symmetric(step, ends, failure + (1 - failure) * profiles.pure(ends * step, epsilon))
        case ZCDP(rho):
            some = np.unique(np.append(grid[:: 1 + len(grid) // ZCDP_POINTS], grid[-1]))
            return _hull(step, some, np.minimum.accumulate(profiles.zcdp(some * step, rho)))
    raise TypeError(f"not a mechanism: {one!r}")


def _both(
    step: float,
    below: npt.NDArray[Any],
    reversed_delta: profiles.Array,
    above: npt.NDArray[Any],
    delta: profiles.Array,
) -> Losses:
    """Losses by the profile at the points ``above`` (from 0 on), and the other direction's at ``below``."""
    import numpy as np

    mirrored = np.exp(-below[:0:-1] * step) * reversed_delta[:0:-1]
    return losses.connect_dots(step, np.append(-below[:0:-1], above), np.append(mirrored, delta))


def _symmetric(step: float, grid: npt.NDArray[Any], delta: profiles.Array) -> Pair:
    both = _both(step, grid, delta, grid, delta)
    return Pair(both, both)


def _hull(step: float, grid: npt.NDArray[Any], bound: profiles.Array) -> Pair:
    """Losses by the largest profile, convex in eˣ, of a mechanism whose profile is below ``bound`` in both directions.
    It is below 1 − eˣ + eˣ·bound(−x) at negative x, and below the lower hull of all these points."""
    import numpy as np

    every = np.append(-grid[:0:-1], grid)
    x = every * step
    mirrored = -np.expm1(x[: len(grid) - 1]) + np.exp(x[: len(grid) - 1]) * bound[:0:-1]
    delta = np.concatenate([[1.0], mirrored, bound])
    hull = profiles.lower_hull(np.insert(x, 0, -np.inf), delta)
    # the point 0, where the hull may pass below the bound
    low, high = hull[hull <= len(grid)][-1], hull[hull >= len(grid)][0]
    nodes = np.unique(np.append(hull[1:], len(grid)))
    at = np.interp(1.0, np.exp([x[low - 1], x[high - 1]]), [delta[low], delta[high]]) if low < high else bound[0]
    delta[len(grid)] = at
    kept = x[nodes - 1]
    both = losses.connect_dots(step, every[nodes - 1], delta[nodes] - np.maximum(0.0, -np.expm1(np.minimum(0.0, kept))))
    return Pair(both, both)
