"""Planned shares that are whole numbers of rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synthkit.generators.family.shares import _dealt


@given(
    st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=8),
    st.lists(st.integers(1, 30), min_size=8, max_size=8),
    st.booleans(),
)
def test_rows_are_whole_and_no_more_than_there_are(shares: list[list[float]], rows: list[int], every: bool) -> None:
    """Each category has a whole number of rows, at most one away from what is wanted where that fits; all of them
    together have all rows where there is no other category."""
    size = np.array(rows[: len(shares)])
    wanted = np.array(shares) * size[:, None]
    found = _dealt(wanted, size, every=every)
    total = wanted.sum(axis=1)
    assert (found == np.rint(found)).all()
    assert (found >= 0).all()
    assert (found.sum(axis=1) <= size).all()
    if every:
        assert (found.sum(axis=1)[total > 0.01] == size[total > 0.01]).all()
    fits = total <= size
    if not every:
        assert (np.abs(found - wanted)[fits] <= 1 + 1e-6).all()


def test_a_share_that_is_a_number_of_rows_stays() -> None:
    wanted = np.array([[3.0, 7.0, 0.0], [0.0, 0.0, 1.0]])
    assert (_dealt(wanted, np.array([10, 1]), every=True) == wanted).all()
    assert _dealt(np.array([[2.6, 7.3, 0.1]]), np.array([10]), every=True).tolist() == [[3, 7, 0]]
