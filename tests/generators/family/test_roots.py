"""What hangs on one root is in one part: rows that know of each other do not judge what was learnt from one another."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synthkit.generators.family.roots import PARTS, parts_of, roots_of


@given(st.integers(0, 40), st.lists(st.integers(-2, 39), max_size=60), st.lists(st.integers(-1, 59), max_size=80))
def test_all_of_a_root_is_in_one_part_and_who_belongs_to_nobody_is_alone(
    roots: int, children: list[int], grandchildren: list[int]
) -> None:
    above = np.arange(roots)
    child = np.array([c for c in children if c < roots], dtype=np.int64)
    mine = roots_of(above, child)
    grand = np.array([g for g in grandchildren if g < len(child)], dtype=np.int64)
    theirs = roots_of(mine, grand)
    assert (mine[child >= 0] == child[child >= 0]).all()
    assert (theirs[grand >= 0] == mine[grand[grand >= 0]]).all()
    alone = theirs[grand < 0]
    assert len(np.unique(alone)) == len(alone)
    assert not np.isin(alone, mine).any()
    part = parts_of(theirs, 0)
    assert part.min(initial=0) >= 0
    assert part.max(initial=0) < PARTS
    if len(np.unique(theirs)) >= PARTS:
        assert all(len(np.unique(part[theirs == root])) == 1 for root in np.unique(theirs))
    else:
        assert len(np.unique(part)) == min(len(theirs), PARTS)
