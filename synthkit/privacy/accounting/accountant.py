"""(ε, δ) of a composition of mechanisms, and the noise that meets a given (ε, δ). Add/remove of one privacy unit.

Every figure is an upper bound, the least of those that hold:

- privacy loss distributions (PLD) for everything: mechanisms with a known distribution by it, the exponential mechanism
  and zCDP by a dominating pair (:mod:`.profiles`);
- the same with the exponential mechanism taken as (ε²/8)-zCDP;
- where there is zCDP or an exponential mechanism, and no subsampling, zCDP of all
  (:mod:`.concentrated`);
- where all are (ε, δ) pairs, the sums of ε and of δ.

Composition is adaptive (an outcome may decide what is asked next), but the mechanisms' parameters and their number must
be fixed beforehand: a mechanism that sets its noise by earlier outcomes needs a privacy filter, which this is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

from synthkit.extras import PRIVACY, refuse_absent
from synthkit.privacy.accounting import concentrated, pld
from synthkit.privacy.accounting.mechanisms import ZCDP, ApproximateDP, BoundedRange, Laplace, Mechanism

WHAT = "adding up what private releases reveal"
VERSION = 3  # raise it when a figure changes: results are remembered under it


def epsilon(mechanisms: Sequence[Mechanism], delta: float) -> float:
    """The least ε that can be shown such that the composition is (ε, δ)-DP; 0 for none, inf where there is no bound.

    Args:
        mechanisms: what was released; the order does not matter.
        delta: in [0, 1). With 0 only (ε, 0) pairs have a finite ε.

    Raises:
        ValueError: ``delta`` is out of range.
    """
    _check_delta(delta)
    refuse_absent(WHAT, PRIVACY)
    return _epsilon(_sorted(mechanisms), delta) if mechanisms else 0.0


def delta(mechanisms: Sequence[Mechanism], epsilon: float) -> float:
    """The least δ that can be shown such that the composition is (ε, δ)-DP; 0 for none.

    What arithmetic rounds off is part of it, so it is seldom below 1e-13.

    Raises:
        ValueError: ``epsilon`` is negative or not a number.
    """
    if not epsilon >= 0:
        raise ValueError(f"epsilon is a number of at least 0: {epsilon!r}")
    refuse_absent(WHAT, PRIVACY)
    return _delta(_sorted(mechanisms), epsilon) if mechanisms else 0.0


def calibrate(
    make: Callable[[float], Sequence[Mechanism]],
    epsilon: float,
    delta: float,
    *,
    start: float = 1.0,
    tolerance: float = 1e-4,
) -> float:
    """The least noise parameter x, up to the relative ``tolerance``, with ``epsilon(make(x), delta) <= epsilon``.

    The inequality holds for the very x returned. ``make`` must be such that more x is more privacy. x is looked for on
    a fixed grid, ``start`` · (1 + ``tolerance``)^k, so that the last digits of an ε, which processors round otherwise
    (the more so the smaller ``delta`` is), do not show in it.

    Raises:
        ValueError: a parameter is out of range, or no x from 1e-6 to 1e9 times ``start`` meets the budget (something
            in ``make`` that x does not govern exceeds it).
    """
    _check_delta(delta)
    if not (epsilon > 0 and math.isfinite(epsilon)):
        raise ValueError(f"epsilon is a finite number above 0: {epsilon!r}")
    if not (start > 0 and math.isfinite(start) and 0 < tolerance <= 1):
        raise ValueError(f"start is a finite number above 0, tolerance one of at most 1: {start!r}, {tolerance!r}")
    refuse_absent(WHAT, PRIVACY)
    step = math.log1p(tolerance)

    def at(place: int) -> Point:
        return place, _epsilon(_sorted(make(start * math.exp(place * step))), delta)

    low, high = _bracket(at, epsilon, start, step)
    # ε is roughly a power of x: interpolate log ε over log x, kept within the bracket and away from its ends, by turns
    # with halving it
    for turn in range(200):
        (k0, e0), (k1, e1) = low, high
        between = k1 - k0
        if between <= 1:
            break
        place = between / 2
        if turn % 3 < 2 and e1 > 0 and math.isfinite(e0):
            place = between * math.log(e0 / epsilon) / math.log(e0 / e1) + (1 if turn % 3 == 0 else -1)
        nearest = max(1, between // 50)
        point = at(k0 + min(between - nearest, max(nearest, round(place))))
        low, high = (low, point) if point[1] <= epsilon else (point, high)
    return start * math.exp(high[0] * step)


Point = tuple[int, float]  # a place on the grid of noise, and what that noise spends


def _bracket(at: Callable[[int], Point], epsilon: float, start: float, step: float) -> tuple[Point, Point]:
    """Two places with what each spends: too much, and no more than ``epsilon``.

    Args:
        step: of the grid, in log noise.
    """
    point = at(0)
    enough = point[1] <= epsilon
    while math.log(1e-6) <= point[0] * step <= math.log(1e9):
        # near the budget by two; far from it, ε is about proportional to 1/x
        away = epsilon / max(point[1], 1e-9) if enough else point[1] / epsilon
        steps = round(math.log(min(16.0, max(2.0, away))) / step)
        other = at(point[0] - steps if enough else point[0] + steps)
        if (other[1] <= epsilon) != enough:
            return (other, point) if enough else (point, other)
        point = other
    x = start * math.exp(point[0] * step)
    if enough:
        raise ValueError(f"even noise {x:g} spends no more than ε = {epsilon:g}: nothing to calibrate")
    raise ValueError(f"noise {x:g} still spends more than ε = {epsilon:g}: something besides the noise spends it")


def _check_delta(delta: float) -> None:
    if not 0 <= delta < 1:
        raise ValueError(f"delta is at least 0 and below 1: {delta!r}")


def _sorted(mechanisms: Sequence[Mechanism]) -> tuple[Mechanism, ...]:
    """In one order, so that the order in which floats are added up does not show in the result."""
    return tuple(sorted(mechanisms, key=repr))


@lru_cache(maxsize=256)
def _epsilon(mechanisms: tuple[Mechanism, ...], delta: float) -> float:
    bounds = [math.inf, *(losses.epsilon(delta) for losses in _losses(mechanisms))]
    if _partly_zcdp(mechanisms):
        bounds.append(concentrated.epsilon(mechanisms, delta))
    pairs = _pairs(mechanisms)
    if pairs is not None and pairs[1] <= delta:
        bounds.append(pairs[0])
    return min(bounds)


@lru_cache(maxsize=256)
def _delta(mechanisms: tuple[Mechanism, ...], epsilon: float) -> float:
    bounds = [1.0, *(losses.delta(epsilon) for losses in _losses(mechanisms))]
    if _partly_zcdp(mechanisms):
        bounds.append(concentrated.delta(mechanisms, epsilon))
    pairs = _pairs(mechanisms)
    if pairs is not None and pairs[0] <= epsilon:
        bounds.append(pairs[1])
    return min(bounds)


def _losses(mechanisms: tuple[Mechanism, ...]) -> list[pld.Pair]:
    """The distributions of the losses of the mechanisms as they are, and with exponential mechanisms as zCDP."""
    routes = [mechanisms]
    if any(isinstance(one, BoundedRange) for one in mechanisms):
        routes.append(
            tuple(ZCDP(one.count * one.epsilon**2 / 8) if isinstance(one, BoundedRange) else one for one in mechanisms)
        )
    return [losses for losses in map(pld.compose, routes) if losses is not None]


def _partly_zcdp(mechanisms: tuple[Mechanism, ...]) -> bool:
    return any(isinstance(one, ZCDP | BoundedRange) for one in mechanisms)


def _pairs(mechanisms: tuple[Mechanism, ...]) -> tuple[float, float] | None:
    """(Σε, Σδ), the basic composition, where every mechanism is an (ε, δ) pair (Dwork & Roth 2014)."""
    epsilons, deltas = 0.0, 0.0
    for one in mechanisms:
        match one:
            case Laplace(_, _, count) | BoundedRange(_, count):
                epsilons += count * one.epsilon
            case ApproximateDP(each, extra):
                epsilons, deltas = epsilons + each, deltas + extra
            case _:
                return None
    return epsilons, min(1.0, deltas)
