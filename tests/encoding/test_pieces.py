"""The piece of a column's axis that a place is in: a guide leads there as a binary search does."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synthkit.encoding.cells import Bins


@given(st.integers(1, 12), st.lists(st.integers(0, 2**20), max_size=120), st.integers(0, 2**32 - 1))
def test_the_guide_finds_what_a_search_finds(cells: int, cuts: list[int], seed: int) -> None:
    """Pieces may be crowded in one cell, have no length, or begin where a sixteenth of a cell does."""
    inner = np.sort(np.concatenate([np.array(cuts, dtype=float) / 2**20 * cells, np.arange(1, cells)]))
    axis = np.concatenate([[0.0], inner, [float(cells)]])
    pieces = len(axis) - 1
    bins = Bins(axis, np.zeros(pieces), np.ones(pieces), np.zeros(pieces, bool), np.ones(cells, bool), rounded=False)
    random = np.random.default_rng(seed)
    t = np.concatenate([random.random(200) * cells, axis, np.nextafter(axis[1:], 0), np.arange(16 * cells + 1) / 16])
    expected = np.clip(np.searchsorted(axis, t, side="right") - 1, 0, pieces - 1)
    np.testing.assert_array_equal(bins._piece_at(t), expected)
