"""The distances: exact against scipy, bounded, symmetric, and intervals that cover the truth."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, norm
from scipy.stats.contingency import association

from synthkit.audits.measures.distances import (
    cramers_distance,
    cramers_v,
    ks_critical,
    ks_distance,
    ks_statistic,
    pool_rare,
)

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60).map(lambda v: np.sort(np.array(v)))
ties = st.lists(st.integers(-3, 3), min_size=1, max_size=60).map(lambda v: np.sort(np.array(v, dtype=np.int64)))
tables = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=2, max_size=12)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sides(table: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.array([r for r in table if sum(r)], dtype=float).reshape(-1, 2).T
    assume(len(a) > 1 and a.sum() > 0 and b.sum() > 0)
    return a, b


# -- Kolmogorov–Smirnov --------------------------------------------------------------------------------


@given(st.one_of(st.tuples(numbers, numbers), st.tuples(ties, ties)))
@settings(deadline=None)
def test_ks_equals_scipys_exactly(samples: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = samples
    assert ks_statistic(x, y)[0] == ks_2samp(x, y, method="exact").statistic


@given(numbers, numbers)
@settings(deadline=None)
def test_ks_is_a_bounded_symmetric_distance(x: np.ndarray, y: np.ndarray) -> None:
    value = ks_statistic(x, y)[0]
    assert 0.0 <= value <= 1.0
    assert value == ks_statistic(y, x)[0]
    assert ks_statistic(x, x)[0] == 0.0
    assert ks_statistic(x, x + 1e7)[0] == 1.0


@given(ties, ties)
@settings(deadline=None)
def test_ks_does_not_change_under_monotone_maps(x: np.ndarray, y: np.ndarray) -> None:
    value = ks_statistic(x, y)[0]
    assert ks_statistic(np.exp(x), np.exp(y))[0] == value
    assert ks_statistic(x**3, y**3)[0] == value
    assert math.isclose(ks_statistic(np.sort(-x), np.sort(-y))[0], value, abs_tol=1e-12)


@given(numbers, numbers, st.integers(0, 5))
@settings(deadline=None, max_examples=30)
def test_the_ks_interval_holds_the_value_and_is_repeatable(x: np.ndarray, y: np.ndarray, seed: int) -> None:
    found = ks_distance(x, y, rng(seed))
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found == ks_distance(x, y, rng(seed))


def test_the_critical_value_is_the_textbooks() -> None:
    assert ks_critical(1000, 1000, 0.05) == pytest.approx(0.061, abs=5e-4)
    assert ks_critical(10**6, 10**6, 0.05) == pytest.approx(0.0019, abs=5e-5)
    assert ks_critical(50, 80, 0.01) > ks_critical(50, 80, 0.05)


def ks_rate(n: int, m: int, shift: float, repeats: int) -> float:
    """How often the interval holds the true distance of two unit normals ``shift`` apart."""
    truth = 2 * norm.cdf(shift / 2) - 1
    hits = 0
    for seed in range(repeats):
        draw = rng(seed)
        found = ks_distance(np.sort(draw.normal(shift, 1, n)), np.sort(draw.normal(0, 1, m)), draw)
        hits += found.low <= truth <= found.high
    return hits / repeats


def test_the_ks_interval_covers_the_truth() -> None:
    # 100 repetitions: a rate of 95 % has a standard error of 2.2 %; the bound is three of them lower.
    assert ks_rate(300, 100, 0.0, 100) >= 0.88
    assert ks_rate(300, 100, 0.8, 100) >= 0.88


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(60, 60), (4000, 800)])
@pytest.mark.parametrize("shift", [0.0, 0.1, 1.5])
def test_ks_coverage_over_sizes_and_distances(n: int, m: int, shift: float) -> None:
    # 400 repetitions, standard error 1.1 %. Measured: 96 % to 99 %.
    assert ks_rate(n, m, shift, 400) >= 0.92


# -- Cramér's V ----------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 50), min_size=2, max_size=8), st.permutations(range(8)))
@settings(deadline=None)
def test_v_of_equal_sizes_is_the_textbooks(counts: list[int], order: list[int]) -> None:
    a = np.array(counts, dtype=float)
    b = a[[i for i in order if i < len(a)]]  # as many rows, in other categories
    kept = (a + b) > 0
    assume(kept.sum() > 1)
    theirs = association(np.stack([a[kept], b[kept]]).astype(int), method="cramer")
    assert cramers_v(a[kept], b[kept]) == pytest.approx(theirs, abs=1e-9)


@given(tables)
@settings(deadline=None)
def test_v_is_bounded_symmetric_and_depends_on_shares_alone(table: list[tuple[int, int]]) -> None:
    a, b = sides(table)
    value = cramers_v(a, b)
    assert 0.0 <= value <= 1.0 + 1e-12
    assert value == pytest.approx(cramers_v(b, a))
    assert value == pytest.approx(cramers_v(1000 * a, b))
    assert cramers_v(a + 1, 7 * (a + 1)) == pytest.approx(0.0, abs=1e-7)
    found = cramers_distance(a, b)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0


def test_v_is_one_where_nothing_is_shared() -> None:
    assert cramers_v(np.array([5.0, 0.0]), np.array([0.0, 9.0])) == 1.0


def shares(categories: int, tilt: float) -> tuple[np.ndarray, np.ndarray]:
    q = rng(5).dirichlet(np.full(categories, 8.0))
    p = q * np.exp(tilt * np.linspace(-1, 1, categories))
    return p / p.sum(), q


def v_rate(n: int, m: int, categories: int, tilt: float, repeats: int) -> float:
    p, q = shares(categories, tilt)
    truth = 0.0 if tilt == 0 else cramers_v(p, q)
    hits = 0
    for seed in range(repeats):
        draw = rng(seed)
        a, b = draw.multinomial(n, p).astype(float), draw.multinomial(m, q).astype(float)
        kept = (a + b) > 0
        found = cramers_distance(a[kept], b[kept])
        hits += found.low <= truth <= found.high
    return hits / repeats


@pytest.mark.parametrize(("n", "m"), [(300, 300), (5000, 800), (1_000_000, 500)])
@pytest.mark.parametrize("categories", [2, 6, 20])
@pytest.mark.parametrize("tilt", [0.0, 0.1, 0.5, 1.5])
def test_the_interval_of_v_covers_the_truth(n: int, m: int, categories: int, tilt: float) -> None:
    # 300 repetitions: standard error 1.26 %, three of them below 95 %. At tilt 0 only one end can miss.
    rate = v_rate(n, m, categories, tilt, 300)
    assert rate >= 0.912
    assert rate <= (1.0 if tilt < 0.5 else 0.99)


def test_the_correction_takes_off_the_bias_of_many_categories() -> None:
    draw, p = rng(1), np.full(50, 0.02)
    raw, corrected = [], []
    for _ in range(100):
        a, b = draw.multinomial(4000, p).astype(float), draw.multinomial(1000, p).astype(float)
        raw.append(cramers_v(a, b))
        corrected.append(cramers_distance(a, b).value)
    assert np.mean(raw) == pytest.approx(math.sqrt(49 * (1 / 4000 + 1 / 1000) / 4), rel=0.05)
    assert np.mean(corrected) < 0.03


def test_noise_is_exceeded_as_often_as_it_says() -> None:
    # alpha = 5 % over 1,000 repetitions: standard error 0.7 %.
    draw, p = rng(2), np.array([0.5, 0.3, 0.2])
    above = 0
    for _ in range(1000):
        found = cramers_distance(draw.multinomial(900, p).astype(float), draw.multinomial(300, p).astype(float))
        above += found.value > found.noise
    assert 0.03 <= above / 1000 <= 0.07


# -- pooling -------------------------------------------------------------------------------------------


@given(tables)
@settings(deadline=None)
def test_pooling_keeps_every_row_and_leaves_no_small_cell(table: list[tuple[int, int]]) -> None:
    a, b = sides(table)
    x, y, rare = pool_rare(a, b)
    assert (x.sum(), y.sum()) == (a.sum(), b.sum())
    share = min(a.sum(), b.sum()) / (a.sum() + b.sum())
    assert len(x) == (~rare).sum() + (1 if rare.any() else 0)
    if len(x) > 2:
        assert ((x + y) * share).min() >= 5.0 - 1e-9


@pytest.mark.parametrize("make", [lambda k: np.full(k, 1.0), lambda k: np.full(k, 100.0)])
def test_pooling_joins_all_or_nothing_at_the_extremes(make: Callable[[int], np.ndarray]) -> None:
    a = make(6)
    x, _, rare = pool_rare(a, a)
    assert len(x) == (1 if a[0] == 1 else 6)
    assert rare.all() == (a[0] == 1)
