"""Sorting finds what NumPy's sets do."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synthkit.audits.measures.sorting import distinct, meet, places

numbers = st.lists(st.integers(0, 9) | st.integers(2**63, 2**64 - 1), max_size=30)


@given(numbers, numbers)
def test_what_sorting_finds_is_what_sets_have(a: list[int], b: list[int]) -> None:
    ours, theirs = (np.array(v, dtype=np.uint64) for v in (a, b))
    assert distinct(ours).tolist() == sorted(set(a))
    assert meet(ours, theirs) == bool(set(a) & set(b))
    if a:
        ordered = distinct(ours)
        at = places(ordered, theirs)
        assert [ordered[i] == v for i, v in zip(at, theirs, strict=True)] == [v in set(a) for v in b]
