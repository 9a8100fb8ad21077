"""The normal distribution against 50 digits."""

from __future__ import annotations

from collections.abc import Iterator

import mpmath
import numpy as np
import pytest

from synthkit.privacy.accounting.losses import _fast_length
from synthkit.privacy.accounting.normal import FAR, cumulative, log_cumulative

POINTS = np.array([-1e8, -1e5, -300, -38.5, -30, FAR - 1e-9, FAR, FAR + 1e-9, -7, -1, -1e-9, 0, 0.3, 1, 3, 8, 12])


@pytest.fixture(autouse=True)
def _digits() -> Iterator[None]:
    with mpmath.workdps(50):
        yield


def test_cumulative() -> None:
    for x, found in zip(POINTS, cumulative(POINTS), strict=True):
        true = mpmath.ncdf(float(x))
        assert abs(found - true) <= max(2e-13 * true, mpmath.mpf(1e-300)), x


def test_log_cumulative_also_where_the_share_itself_underflows() -> None:
    for x, found in zip(POINTS, log_cumulative(POINTS), strict=True):
        true = mpmath.log(mpmath.ncdf(float(x)))
        assert abs(found - true) <= abs(true) * 1e-13, x


def test_log_cumulative_rises_where_its_ways_meet() -> None:
    near = FAR + np.arange(-500, 500) * 1e-6
    assert (np.diff(log_cumulative(near)) > 0).all()


@pytest.mark.parametrize("least", [1, 2, 7, 11, 1023, 1025, 65_537, 1_234_567, 2**21 - 3])
def test_a_length_whose_transform_is_fast_is_the_next_product_of_small_primes(least: int) -> None:
    def smooth(n: int) -> bool:
        for p in (2, 3, 5):
            while n % p == 0:
                n //= p
        return n == 1

    assert _fast_length(least) == next(n for n in range(least, 2 * least + 1) if smooth(n))
