"""A lower bound on ε from one training run with canaries (Steinke, Nasr & Jagielski 2023,
https://arxiv.org/abs/2305.08846).

Each of m canaries is put in or left out by a coin of its own. The attacker sees what was released and guesses for r of
them, the surest, whether they were in; v guesses are right. If the training is (ε, δ)-DP, v is hardly more than
Binomial(r, e^ε/(1 + e^ε)), so a v that is too large disproves the claim. A v that is not proves nothing: it may be the
attack that is weak. How far it can reach at all depends on r, hence the power below.
"""

from __future__ import annotations

from collections.abc import Callable

LEVEL = 0.05  # the chance to call a true claim false


def p_value(canaries: int, guesses: int, right: int, epsilon: float, delta: float) -> float:
    """The chance of ``right`` or more right guesses under (ε, δ)-DP, from above (the main theorem):

    P[B ≥ v] + 2mδ · max over i ≤ m of (1/i)·P[v > B ≥ v − i], with B ~ Binomial(r, e^ε/(1 + e^ε)).

    Raises:
        ValueError: not 0 ≤ right ≤ guesses ≤ canaries, or ``epsilon`` or ``delta`` out of range.
    """
    import numpy as np
    from scipy.special import expit
    from scipy.stats import binom

    _check(canaries, guesses, right, delta)
    if not epsilon >= 0:
        raise ValueError(f"epsilon is at least 0: {epsilon!r}")
    q = float(expit(epsilon))
    p = float(binom.sf(right - 1, guesses, q))
    if delta > 0 and right > 0:
        steps = np.arange(1, right + 1)  # below zero right guesses there is nothing more to add up
        mass = np.cumsum(binom.pmf(right - steps, guesses, q))
        p += 2 * canaries * delta * float((mass / steps).max())
    return min(1.0, p)


def lower_bound(canaries: int, guesses: int, right: int, delta: float = 0.0, level: float = LEVEL) -> float:
    """The largest ε such that it and all smaller ones are disproved at ``level``: with confidence 1 − ``level`` the
    training is not (ε, δ)-DP for less. 0 where nothing is disproved."""
    _check(canaries, guesses, right, delta)

    def disproved(epsilon: float) -> bool:
        return p_value(canaries, guesses, right, epsilon, delta) < level

    # The first claim that stands, on a coarse net first: with δ > 0, p need not rise everywhere
    low, high = 0.0, 0.0
    while disproved(high):
        low, high = high, high + 0.05
        if high > 60:  # e^{−60}: beyond what any number of guesses can tell
            return low
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if disproved(middle) else (low, middle)
    return low


def right_needed(canaries: int, guesses: int, epsilon: float, delta: float = 0.0, level: float = LEVEL) -> int | None:
    """The fewest right guesses of ``guesses`` that disprove (ε, δ); None where not even all suffice."""
    return fewest(lambda right: p_value(canaries, guesses, right, epsilon, delta) < level, guesses)


def perfect_needed(canaries: int, epsilon: float, delta: float = 0.0, level: float = LEVEL) -> int | None:
    """The fewest guesses that disprove (ε, δ) if every one of them is right; None where all canaries do not suffice:
    then this audit cannot fail, whatever the training does."""
    return fewest(lambda guesses: p_value(canaries, guesses, guesses, epsilon, delta) < level, canaries)


def fewest(disproved: Callable[[int], bool], most: int) -> int | None:
    """The least number from 1 to ``most`` that disproves, where more never disprove less; None where none does."""
    if not disproved(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if disproved(middle) else (middle, high)
    return high


def _check(canaries: int, guesses: int, right: int, delta: float) -> None:
    if not 0 <= right <= guesses <= canaries:
        raise ValueError(f"0 ≤ right ≤ guesses ≤ canaries: {right}, {guesses}, {canaries}")
    if not 0 <= delta < 1:
        raise ValueError(f"delta is at least 0 and below 1: {delta!r}")
