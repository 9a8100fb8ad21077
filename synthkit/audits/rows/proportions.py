"""Shares with their errors: of independent trials, of trials that hang together, and what two of them make."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from synthkit.audits.gate import Estimate
from synthkit.audits.measures import statistics
from synthkit.audits.measures.statistics import ONE_SIDED, Z

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, trials: float) -> Share:
    """A share with Wilson's interval (:func:`synthkit.audits.measures.statistics.wilson`); 0 of no trials."""
    value = successes / trials if trials > 0 else 0.0
    return Share(value, *statistics.wilson(successes, trials))


def clustered(weights: Array, clusters: Array, trials: int, least: float = 1.0) -> Share:
    """The share Σ weights / trials, at most 1, where trials of one cluster succeed or fail together.

    Wilson's interval for as many independent trials as tell equally much: trials / D with the design effect
    D = Σ W² / Σ W over the sums W of each cluster (Kish 1965, for clusters that succeed as a whole), at least
    ``least``.

    Args:
        weights: of the trials that succeed at all.
        clusters: of each of them, any numbers.
        least: what a trial that succeeds by itself weighs.
    """
    import numpy as np

    total = min(float(np.sum(weights)), float(trials))
    if total == 0:
        return wilson(0, trials / least)
    _, place = np.unique(clusters, return_inverse=True)
    sums = np.bincount(place, weights=weights)
    effect = max(least, float((sums**2).sum()) / total)
    return wilson(total / effect, trials / effect)


def excess(main: Share, control: Share, scale: float = 1.0) -> Estimate:
    """(main − control) / scale with Newcombe's interval (method 10 of Statistics in Medicine 17, 1998, 873–890)."""
    value = (main.value - control.value) / scale
    below = math.hypot(main.value - main.low, control.high - control.value) / scale
    above = math.hypot(main.high - main.value, control.value - control.low) / scale
    return against_chance(value, value - below, value + above, 0.0)


def paired_excess(main: Share, control: Share) -> Estimate:
    """main − control in [0, 1], of two shares of the same trials of which none succeeds both ways.

    Newcombe's interval for paired data (method 10 of Statistics in Medicine 17, 1998, 2635–2650), with the correlation
    of two outcomes that exclude each other.
    """
    one, other = main.value, control.value
    odds = one * other / ((1 - one) * (1 - other)) if max(one, other) < 1 else 1.0
    together = -min(1.0, math.sqrt(odds))
    below = _beside(one - main.low, control.high - other, together)
    above = _beside(main.high - one, other - control.low, together)
    value = one - other
    found = against_chance(value, value - below, value + above, 0.0)
    value, low, high = (min(1.0, max(0.0, v)) for v in (value, found.low, found.high))
    return replace(found, value=value, low=low, high=high)


def _beside(one: float, other: float, correlation: float) -> float:
    """The error of a difference of two numbers with these errors."""
    return math.sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))


def risk(main: Share, control: Share) -> Estimate | None:
    """(main − control) / (1 − control), the risk beyond the control's (Giomi et al., PoPETs 2023), with its interval.

    It is 1 − R for the ratio R of the two failure rates; the interval of R follows from those of the rates by MOVER
    (Donner & Zou, Stat. Methods Med. Res. 21, 2012). Negative where the control is attacked with more success. None
    where the control attack always succeeds, so that nothing can exceed it.
    """
    a, c = 1 - main.value, 1 - control.value
    if c <= 0:
        return None
    a_low, a_high, c_low, c_high = 1 - main.high, 1 - main.low, 1 - control.high, 1 - control.low
    least, most = c_high * (2 * c - c_high), c_low * (2 * c - c_low)
    ratio_low = 0.0
    if least > 0:
        ratio_low = (a * c - math.sqrt(max(0.0, (a * c) ** 2 - a_low * (2 * a - a_low) * least))) / least
    ratio_high = math.inf
    if most > 0:
        ratio_high = (a * c + math.sqrt(max(0.0, (a * c) ** 2 - a_high * (2 * a - a_high) * most))) / most
    return against_chance(1 - a / c, 1 - ratio_high, 1 - ratio_low, 0.0)


def against_chance(value: float, low: float, high: float, null: float) -> Estimate:
    """An estimate whose floor is its value ``null`` for an independent sample; noise is what that exceeds in one of 20
    tables, as far as the interval's own width tells."""
    return Estimate(value, low, high, null, null + (value - low) * ONE_SIDED / Z)
