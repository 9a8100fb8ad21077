"""A one-run audit against a whole trade-off curve, not one (ε, δ) on it: what several guesses may get right at most
(Mahloujifar, Melis & Chaudhuri 2024, "Auditing f-differential privacy in one run", https://arxiv.org/abs/2410.22235).

As in :mod:`.audit_bound`, each of m canaries is in by a coin of its own, and c of the r guesses about
them are right. Let g be concave such that P[in ∈ A] ≤ g(P[out ∈ A]) and the same with the sides exchanged, for every
event A and whatever the other coins are. Take a canary u at random and the event "u is guessed as s, and at least i − 1
guesses about the others are right". Where u's coin is s it means that u is right and c ≥ i; where u's coin is the other
one, that u is wrong and c ≥ i − 1. Averaging over u and all coins, by Jensen's inequality,

    E[c · 1{c ≥ i}] / m  ≤  g(E[(r − c) · 1{c ≥ i − 1}] / m)      for every i from 1 to r.

With P_i = P[c ≥ i] the left side is (i·P_i + Σ_{j>i} P_j) / m and the right side's argument ((r − i + 1)·P_{i−1} −
Σ_{j≥i} P_j) / m, so that the constraint gives a least P_{i−1}, which grows with every P_j, j ≥ i. Mass above v may be
moved to v without breaking a constraint. Hence P_v = q can hold only if the least P_0 that follows from it, step by
step, is at most 1: the largest such q is the p-value of v right guesses.

Trainings may be repeated, each with canaries and coins of its own: their guesses then count as those of one. But as
the coins of one training may be guessed together (a mechanism that tells all with chance 0.65, else nothing, keeps the
curve of one that tells of each with chance 0.65), it takes many trainings to see *how often* each canary tells.
Then i = 1 above bounds the expected share of right guesses of one training, and the mean over trainings, each between 0
and 1, exceeds it by chance as Hoeffding says (1963).

Where noise is Gaussian, this sees what (ε, δ) cannot: at ε = 1, δ = 1e-5, a guess about a random canary is right with
chance 0.553 at most, not 0.731.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.privacy.accounting.audit_bound import fewest
from synthkit.privacy.accounting.bounds import Attacker

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def envelope(attacker: Attacker) -> tuple[list[float], list[float]]:
    """Corners (x, g(x)), ascending in both, of the least concave g above the attacker's curve and its mirror image, the
    curve of whoever looks for "out"."""
    import numpy as np

    rates = np.concatenate([attacker.fpr, 1 - attacker.highest, [1.0]])
    highs = np.concatenate([attacker.highest, 1 - attacker.fpr, [1.0]])
    hull: list[tuple[float, float]] = []
    for i in np.lexsort((highs, rates)).tolist():
        x, y = float(rates[i]), float(highs[i])
        if hull and y <= hull[-1][1]:
            continue  # g does not fall
        while hull and (hull[-1][0] == x or (len(hull) > 1 and _below(hull[-2], hull[-1], (x, y)))):
            hull.pop()
        hull.append((x, y))
    return [x for x, _ in hull], [y for _, y in hull]


def _below(left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]) -> bool:
    """Whether the middle point lies on the chord of the others, or below it."""
    (x0, y0), (x1, y1), (x2, y2) = left, middle, right
    return (y1 - y0) * (x2 - x0) <= (y2 - y0) * (x1 - x0)


def p_value(curve: Attacker, canaries: int, guesses: int, right: int) -> float:
    """The chance of ``right`` or more right guesses if the training keeps ``curve``, from above.

    Raises:
        ValueError: not 0 ≤ right ≤ guesses ≤ canaries.
    """
    if not 0 <= right <= guesses <= canaries:
        raise ValueError(f"0 ≤ right ≤ guesses ≤ canaries: {right}, {guesses}, {canaries}")
    if right == 0:
        return 1.0
    corners = envelope(curve)
    low, high = 0.0, 1.0
    if _possible(high, corners, canaries, guesses, right):
        return 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _possible(middle, corners, canaries, guesses, right) else (low, middle)
    return high


def right_needed(curve: Attacker, canaries: int, guesses: int, level: float) -> int | None:
    """The fewest right guesses of ``guesses`` that disprove the curve at ``level``; None where not even all do."""
    corners = envelope(curve)
    return fewest(lambda right: not _possible(level, corners, canaries, guesses, right), guesses)


def share_of_runs(curve: Attacker, canaries: int, guesses: int) -> float:
    """The largest expected share of right guesses of one training."""
    import numpy as np

    rates, highs = envelope(curve)
    low, high = 0.0, float(guesses)
    for _ in range(60):
        middle = (low + high) / 2
        possible = middle / canaries <= float(np.interp((guesses - middle) / canaries, rates, highs))
        low, high = (middle, high) if possible else (low, middle)
    return high / guesses


def p_value_of_runs(curve: Attacker, canaries: int, guesses: int, right: int, runs: int) -> float:
    """The chance of ``right`` or more right guesses in all of ``runs`` independent trainings, from above.

    Args:
        canaries, guesses: of each training.
    """
    import math

    found, most = right / (guesses * runs), share_of_runs(curve, canaries, guesses)
    if found <= most:
        return 1.0
    apart = found * math.log(found / most)
    if found < 1:
        apart += (1 - found) * math.log((1 - found) / (1 - most))
    return math.exp(-runs * apart)


def _possible(q: float, corners: tuple[list[float], list[float]], canaries: int, guesses: int, right: int) -> bool:
    """Whether P[c ≥ right] = q leaves P[c ≥ 0] at 1 or less."""
    from bisect import bisect_left

    rates, highs = corners
    chance, above = q, 0.0  # P_i, and the sum of P_j over j > i
    for i in range(right, 0, -1):
        y = (i * chance + above) / canaries
        if y > highs[-1]:
            return False
        at = bisect_left(highs, y)
        x = rates[at]
        if at and highs[at] > highs[at - 1]:
            share = (y - highs[at - 1]) / (highs[at] - highs[at - 1])
            x = rates[at - 1] + share * (rates[at] - rates[at - 1])
        elif not at:
            x = 0.0
        above += chance
        chance = max(chance, (canaries * x + above) / (guesses - i + 1))
        if chance > 1:
            return False
    return True
