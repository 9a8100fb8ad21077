"""What stands for scipy where a plan is made, held against scipy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit
from scipy.stats import theilslopes

from synthkit.stats.student import two_sided
from synthkit.stats.trend import CONFIDENCE, trend


@pytest.mark.parametrize("share", [0.5, 0.95, 0.999])
def test_quantiles_of_students_t(share: float) -> None:
    for freedom in range(1, 60):
        assert two_sided(freedom, share) == pytest.approx(stdtrit(freedom, (1 + share) / 2), rel=1e-11)


@given(st.lists(st.one_of(st.integers(-3, 3), st.floats(-100, 100)).map(float), min_size=5, max_size=25))
def test_slopes_and_their_interval(values: list[float]) -> None:
    fit = theilslopes(values, range(len(values)), CONFIDENCE)
    found = trend(values, relative=False)
    assert found.ends is not None
    assert (found.slope, *found.ends) == pytest.approx((fit.slope, fit.low_slope, fit.high_slope), rel=1e-9, abs=1e-9)
