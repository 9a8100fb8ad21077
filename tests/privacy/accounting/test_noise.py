"""The noise has exactly the distribution that the accountant assumes.

Statistical tests have a fixed seed and fail below p = 1e-3, so that a sampler that is right fails one in a thousand
seeds, and these seeds are not among them; 200,000 draws show a cell's probability to be off by 1 % of the noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from synthkit.privacy.accounting import sampling
from synthkit.privacy.accounting.noise import Noise

DRAWS = 200_000
LEAST = 1e-3


def chi_square(drawn: npt.NDArray[Any], weight: Callable[[npt.NDArray[Any]], npt.NDArray[Any]], reach: int) -> float:
    """The p-value of the draws against the weights over −reach … reach, rare cells pooled, everything beyond counted."""
    support = np.arange(-reach, reach + 1)
    mass = weight(support.astype(float))
    expected = mass / mass.sum() * len(drawn)
    observed = np.bincount(np.clip(drawn, -reach, reach) + reach, minlength=2 * reach + 1)
    common = expected >= 10
    pooled = np.append(expected[common], expected[~common].sum()), np.append(observed[common], observed[~common].sum())
    if pooled[0][-1] < 1:  # nothing to expect there, and almost nothing may come
        assert pooled[1][-1] <= 5
        pooled = pooled[0][:-1], pooled[1][:-1]
    return float(stats.chisquare(pooled[1], pooled[0] * pooled[1].sum() / pooled[0].sum()).pvalue)


@pytest.mark.parametrize("sigma", [0.3, 0.7, 1.0, 2.0, 3.3, 12.5, 47.0])
def test_discrete_gaussian(sigma: float) -> None:
    drawn = Noise.seeded(11).discrete_gaussian(sigma, DRAWS)
    assert drawn.dtype == np.int64
    assert chi_square(drawn, lambda y: np.exp(-0.5 * (y / sigma) ** 2), math.ceil(12 * sigma)) > LEAST


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.5, 20.0])
def test_discrete_laplace(scale: float) -> None:
    drawn = Noise.seeded(12).discrete_laplace(scale, DRAWS)
    assert drawn.dtype == np.int64
    assert chi_square(drawn, lambda y: np.exp(-abs(y) / scale), math.ceil(40 * scale)) > LEAST


@pytest.mark.parametrize(("sigma", "size"), [(500.0, DRAWS), (3e4, 20_000), (1e9, 3_000)])
def test_wide_noise_by_its_quantiles(sigma: float, size: int) -> None:
    """Where there are too many values to count, the discrete and the continuous distribution are alike; 3e4 and 1e9
    need more than 63 bits."""
    drawn = Noise.seeded(13).discrete_gaussian(sigma, size)
    assert drawn.dtype == np.int64
    assert (
        stats.kstest(drawn + np.random.default_rng(0).uniform(-0.5, 0.5, size), stats.norm(0, sigma).cdf).pvalue > LEAST
    )
    laplace = Noise.seeded(14).discrete_laplace(sigma, size)
    jitter = np.random.default_rng(0).uniform(-0.5, 0.5, size)
    assert stats.kstest(laplace + jitter, stats.laplace(0, sigma).cdf).pvalue > LEAST


def test_both_arithmetics_give_the_same_draws() -> None:
    """Python's unbounded integers decide as 63 bits do."""
    numerators = np.arange(0, 5000, 7)
    small = sampling.bernoulli_exp(_replay(3), numerators, 2048)
    large = sampling.bernoulli_exp(_replay(3), numerators.astype(object), 2048)
    assert (small == large).all()
    assert 0 < small.mean() < 1


def _replay(seed: int) -> sampling.Words:
    stream = np.random.Philox(seed)
    return lambda size: stream.random_raw(size)


@pytest.mark.parametrize("gamma", [Fraction(0), Fraction(1, 3), Fraction(1), Fraction(17, 5), Fraction(9)])
def test_bernoulli_exp(gamma: Fraction) -> None:
    numerators = np.full(DRAWS, gamma.numerator)
    hits = int(sampling.bernoulli_exp(_replay(4), numerators, gamma.denominator).sum())
    if gamma == 0:
        assert hits == DRAWS
    else:
        assert stats.binomtest(hits, DRAWS, math.exp(-gamma)).pvalue > LEAST


@pytest.mark.parametrize("bound", [2, 3, 7, 1000, 2**40, 2**62 + 1, 2**63, 3 * 2**62, 2**70 + 5])
def test_below_is_uniform(bound: int) -> None:
    drawn = sampling.below(_replay(5), bound, 20_000)
    assert min(drawn) >= 0
    assert max(drawn) < bound
    cells = [min(int(value) * 16 // bound, 15) for value in drawn]
    sizes = np.array([-(-(cell + 1) * bound // 16) - -(-cell * bound // 16) for cell in range(16)], dtype=float)
    counts = np.bincount(cells, minlength=16)
    expected = sizes / sizes.sum() * len(cells)
    assert (counts[expected == 0] == 0).all()
    assert stats.chisquare(counts[expected > 0], expected[expected > 0]).pvalue > LEAST


def test_below_rejects_the_words_of_the_last_turn() -> None:
    """2⁶⁴ = 3·k + 1: the largest word would favour 0, and is drawn again."""
    feed = iter([2**64 - 1, 2**64 - 2])
    assert sampling.below(lambda size: np.array([next(feed) for _ in range(size)], dtype=np.uint64), 3, 1).tolist() == [
        (2**64 - 2) % 3
    ]


@given(st.floats(1e-3, 1e9))
def test_noise_is_never_less_than_asked(sigma: float) -> None:
    square, spread, precision = sampling.grid_of(sigma)
    assert Fraction(square, precision) >= Fraction(sigma) ** 2
    if sigma >= 1:
        assert Fraction(square, precision) <= Fraction(sigma) ** 2 * (1 + Fraction(1, 10**6))
        assert sigma / 2 < spread < sigma * 2


def test_symmetry_and_variance() -> None:
    drawn = Noise.seeded(15).discrete_gaussian(6.0, DRAWS)
    # the mean and the variance of 200,000 draws, within four of their standard errors
    assert abs(drawn.mean()) < 4 * 6 / math.sqrt(DRAWS)
    assert abs(drawn.var() / 36 - 1) < 4 * math.sqrt(2 / DRAWS)
    assert abs(int((drawn > 0).sum()) - int((drawn < 0).sum())) < 4 * math.sqrt(DRAWS)


def test_the_seeded_source_repeats_and_says_so() -> None:
    one, two = Noise.seeded(7), Noise.seeded(7)
    assert one.insecure
    assert (one.discrete_gaussian(10, 50) == two.discrete_gaussian(10, 50)).all()
    assert (one.normal(5) == two.normal(5)).all()
    assert (Noise.seeded(8).discrete_gaussian(10, 50) != Noise.seeded(7).discrete_gaussian(10, 50)).any()


def test_the_secure_source_does_not_repeat() -> None:
    one, two = Noise.secure(), Noise.secure()
    assert not one.insecure
    draws = [one.discrete_gaussian(1e6, 50), one.discrete_gaussian(1e6, 50), two.discrete_gaussian(1e6, 50)]
    assert all((a != b).any() for i, a in enumerate(draws) for b in draws[:i])


def test_secure_noise_has_the_same_distribution() -> None:
    """No seed, so a tolerance that fails one run in 10⁸."""
    drawn = Noise.secure().discrete_gaussian(2.0, DRAWS)
    assert chi_square(drawn, lambda y: np.exp(-0.5 * (y / 2) ** 2), 24) > 1e-8


@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_sizes(size: int) -> None:
    noise = Noise.seeded(1)
    assert len(noise.discrete_gaussian(3, size)) == size
    assert len(noise.discrete_laplace(3, size)) == size
    assert len(noise.normal(size)) == size
    assert len(noise.poisson_sample(size, 0.5)) == size


def test_normal() -> None:
    drawn = Noise.seeded(16).normal(DRAWS)
    assert stats.kstest(drawn, stats.norm.cdf).pvalue > LEAST
    assert abs(np.corrcoef(drawn[: DRAWS // 2], drawn[DRAWS // 2 :])[0, 1]) < 4 / math.sqrt(DRAWS / 2)


@pytest.mark.parametrize("rate", [0.015, 0.5, 1.0, 1e-4])
def test_poisson_sample(rate: float) -> None:
    sample = Noise.seeded(17).poisson_sample(DRAWS, rate)
    assert sample.dtype == bool
    assert stats.binomtest(int(sample.sum()), DRAWS, rate).pvalue > LEAST
    # independent: neighbours are both in the sample as often as rate²
    both = int((sample[1:] & sample[:-1]).sum())
    assert abs(both - (DRAWS - 1) * rate**2) <= 5 * math.sqrt(DRAWS * rate**2) + 1


SCORES = np.array([0.0, 1.0, 2.5, 2.5, -3.0, 4.0])


def exact(scores: npt.NDArray[Any], epsilon: float, sensitivity: float) -> list[float]:
    """The probabilities of the mechanism that is sampled from, to 15 digits."""
    numerators, denominator = sampling.exponential_weights(scores, epsilon, sensitivity)
    weights = [math.exp(-int(n) / denominator) for n in numerators]
    return [w / math.fsum(weights) for w in weights]


@pytest.mark.parametrize(("epsilon", "sensitivity"), [(1.0, 1.0), (0.1, 0.5), (4.0, 3.0)])
def test_choice_has_the_exponential_mechanisms_probabilities(epsilon: float, sensitivity: float) -> None:
    weights = np.exp(epsilon * SCORES / (2 * sensitivity))
    assert exact(SCORES, epsilon, sensitivity) == pytest.approx(weights / weights.sum(), rel=1e-4)
    noise = Noise.seeded(18)
    chosen = [noise.choose(SCORES, epsilon=epsilon, sensitivity=sensitivity) for _ in range(6_000)]
    counts = np.bincount(chosen, minlength=len(SCORES))
    expected = weights / weights.sum() * len(chosen)
    assert (
        stats.chisquare(
            counts[expected > 5], expected[expected > 5] * counts[expected > 5].sum() / expected[expected > 5].sum()
        ).pvalue
        > LEAST
    )


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1, 1)), min_size=1, max_size=12),
    st.floats(1e-3, 10),
    st.floats(1e-3, 1e3),
)
def test_choice_is_bounded_range(scores: list[tuple[float, float]], epsilon: float, sensitivity: float) -> None:
    """On neighbouring scores the exponents γ differ, up to a constant, by at most ε/2: exactly, in whole numbers. So
    the logarithms of all ratios of probabilities lie in a range of length ε."""
    one = np.array([score * sensitivity for score, _ in scores])
    two = np.array([score * sensitivity + move * sensitivity for score, move in scores])
    (first, denominator), (second, same) = (
        sampling.exponential_weights(side, epsilon, sensitivity) for side in (one, two)
    )
    assert denominator == same
    moved = [int(a) - int(b) for a, b in zip(first, second, strict=True)]
    assert Fraction(max(moved) - min(moved), denominator) <= Fraction(epsilon)


def test_choice_among_far_apart_scores_needs_more_than_63_bits() -> None:
    scores = np.array([0.0, 2.0**30, 2.0**30 - 1])
    noise = Noise.seeded(19)
    chosen = {noise.choose(scores, epsilon=1.0, sensitivity=1.0) for _ in range(60)}
    assert chosen == {1, 2}
    numerators, denominator = sampling.exponential_weights(scores, 1.0, 1.0)
    assert int(numerators[2]) / denominator == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda noise: noise.discrete_gaussian(0.0, 1),
        lambda noise: noise.discrete_gaussian(float("nan"), 1),
        lambda noise: noise.discrete_laplace(float("inf"), 1),
        lambda noise: noise.discrete_laplace(2.0**41, 1),
        lambda noise: noise.poisson_sample(5, 0.0),
        lambda noise: noise.poisson_sample(5, 1.1),
        lambda noise: noise.choose(np.array([]), epsilon=1, sensitivity=1),
        lambda noise: noise.choose(np.array([1.0, np.nan]), epsilon=1, sensitivity=1),
        lambda noise: noise.choose(np.array([1.0, 2.0**31]), epsilon=1, sensitivity=1),
        lambda noise: noise.choose(np.array([1.0]), epsilon=0, sensitivity=1),
        lambda noise: noise.choose(np.array([1.0]), epsilon=1, sensitivity=-1),
    ],
)
def test_what_is_out_of_range(call: Callable[[Noise], Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        call(Noise.seeded(1))
