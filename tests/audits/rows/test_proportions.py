"""Intervals of shares and of what two of them make, against published values and exact coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from synthkit.audits.rows.proportions import clustered, excess, risk, wilson


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 2_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    found = wilson(*counts)
    known = binomtest(*counts).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-9)


def test_a_difference_is_newcombes() -> None:
    # Newcombe 1998, table II, method 10: 56/70 against 48/80, and 9/10 against 3/10
    for (a, n, b, m), ends in (((56, 70, 48, 80), (0.0524, 0.3339)), ((9, 10, 3, 10), (0.1705, 0.8090))):
        found = excess(wilson(a, n), wilson(b, m))
        assert (found.low, found.high) == pytest.approx(ends, abs=5e-5)


def test_clusters_count_once() -> None:
    """A hundred successes of one cluster tell as much as one."""
    one, many = clustered(np.ones(100), np.zeros(100), 1_000), clustered(np.ones(100), np.arange(100), 1_000)
    assert one.value == many.value == pytest.approx(0.1)
    assert (many.low, many.high) == (wilson(100, 1_000).low, wilson(100, 1_000).high)
    assert (one.low, one.high) == pytest.approx((wilson(1, 10).low, wilson(1, 10).high))
    assert clustered(np.empty(0), np.empty(0), 50) == wilson(0, 50)


def test_a_risk_is_one_less_the_ratio_of_failures() -> None:
    assert risk(wilson(50, 100), wilson(100, 100)) is None
    everything = risk(wilson(1_000, 1_000), wilson(10, 1_000))
    assert everything is not None
    assert everything.value == 1.0
    assert everything.high == 1.0
    assert 0.99 < everything.low < 1.0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(0, 399))
def test_a_risk_lies_in_its_interval(a: int, b: int) -> None:
    found = risk(wilson(a, 400), wilson(b, 400))
    assert found is not None
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9 <= 1 + 2e-9


@pytest.mark.parametrize(("main", "control"), [(0.3, 0.3), (0.02, 0.01), (0.9, 0.6), (0.5, 0.45)])
def test_the_intervals_of_a_risk_cover(main: float, control: float) -> None:
    rng, held = np.random.default_rng(1), 0
    for _ in range(2_000):
        found = risk(wilson(rng.binomial(500, main), 500), wilson(rng.binomial(500, control), 500))
        assert found is not None
        held += found.low <= (main - control) / (1 - control) <= found.high
    assert 0.935 <= held / 2_000 <= 0.98  # three standard errors of 2,000 draws around 95 %, and a little over it
