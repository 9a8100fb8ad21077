"""The door: what leaves is counted, has noise, and several rows of one unit are covered wherever they fall."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from synthkit.generators.marginals.release import Releases, same
from synthkit.privacy.accounting.mechanisms import ApproximateDP, BoundedRange, noisy_histograms
from synthkit.privacy.accounting.noise import Noise


def test_every_answer_is_counted() -> None:
    releases = Releases(Noise.seeded(0), sensitivity=3)
    for _ in range(4):
        releases.histogram(np.zeros((2, 3), dtype=np.int64), 5.0)
    releases.histogram(np.zeros(0, dtype=np.int64), 7.0)  # nothing to see is an answer, too
    assert releases.choose_first(np.array([1.0, 2.0]), lambda _: False, 0.1, 1.0) is None
    releases.choose_first(np.array([1.0, 2.0]), lambda _: True, 0.1, 1.0)
    releases.charge(1e-7)
    noisy = [noisy_histograms(7.0, 3, 1), noisy_histograms(5.0, 3, 4)]
    spent = [*noisy, BoundedRange(0.1, 2), ApproximateDP(0.0, 1e-7)]
    assert same(releases.spent, spent)
    assert not same(releases.spent, spent[:-1])
    assert not same(releases.spent, [*spent, BoundedRange(0.1)])
    assert not same(releases.spent, spent[1:])


def test_noise_has_its_scale() -> None:
    noisy = Releases(Noise.seeded(0)).histogram(np.full((200, 500), 7, dtype=np.int64), 30.0)
    assert noisy.mean() == pytest.approx(7, abs=0.4)  # four standard errors of 100,000 draws
    assert noisy.std() == pytest.approx(30, rel=0.01)
    with pytest.raises(TypeError, match="whole counts"):
        Releases(Noise.seeded(0)).histogram(np.zeros(3), 1.0)


def test_the_first_that_fits_has_the_odds_of_the_mechanism_over_those_that_fit() -> None:
    scores, fitting = np.array([3.0, 0.0, 1.0, 2.5]), {1, 2, 3}
    releases = Releases(Noise.seeded(0), sensitivity=2)
    drawn = [releases.choose_first(scores, fitting.__contains__, 2.0, 1.0) for _ in range(8_000)]
    odds = np.where([i in fitting for i in range(4)], np.exp(2.0 * scores / (2 * 1.0 * 2)), 0)
    expected = 8_000 * odds / odds.sum()
    counts = np.bincount(np.array(drawn, dtype=np.int64), minlength=4)
    assert counts[0] == 0
    assert np.abs(counts - expected).max() < 4.5 * np.sqrt(8_000 / 4)


def divergence(shifts: tuple[int, ...], sigma: float, epsilon: float) -> float:
    """The hockey-stick divergence of discrete Gaussians that differ by ``shifts``, one a coordinate, summed exactly.

    log p(x) / p(x - a) = (a² - 2 a x) / (2 sigma²), so only the sum of a * x matters.
    """
    reach = int(14 * sigma) + 1
    x = np.arange(-reach, reach + 1)
    mass = np.exp(-(x**2) / (2 * sigma**2))
    mass /= mass.sum()
    total, ends = np.ones(1), 0
    for a in shifts:
        spread = np.zeros(2 * reach * a + 1)
        spread[::a] = mass
        total, ends = np.convolve(total, spread), ends + reach * a
    loss = (sum(a * a for a in shifts) - 2 * np.arange(-ends, ends + 1)) / (2 * sigma**2)
    return float((total * np.maximum(0, 1 - np.exp(np.minimum(epsilon - loss, 0)))).sum())


@pytest.mark.parametrize("unit", [2, 3, 4])
@pytest.mark.parametrize("multiplier", [0.5, 1.0, 5.0, 30.0])
def test_rows_of_one_unit_in_several_cells_lose_no_more_than_in_one(unit: int, multiplier: float) -> None:
    """The mechanism is accounted as if all rows of a unit fell into one cell: here every other way is compared."""
    sigma = unit * multiplier
    ways = [s for n in range(2, unit + 1) for s in itertools.product(range(1, unit), repeat=n) if sum(s) == unit]
    for epsilon in np.linspace(-2, 4, 25) / multiplier:
        together = divergence((unit,), sigma, epsilon)
        for way in ways:
            assert divergence(way, sigma, epsilon) <= together + 1e-12
