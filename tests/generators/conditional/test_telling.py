"""What features tell of a column, where rows of one entity are alike and all have the entity's features."""

from __future__ import annotations

import numpy as np

from synthkit.generators.conditional.additive import Shape
from synthkit.generators.conditional.boosting import Learning
from synthkit.generators.conditional.dichotomies import Features, fit_conditional
from synthkit.generators.conditional.telling import repeated_in, told_by

ENTITIES, ROWS, CODES, IDLE = 120, 60, 30, 40  # idle: features of an entity that tell nothing of it
WHOSE = np.repeat(np.arange(ENTITIES), ROWS)


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.argsort(np.argsort(values)) * CODES // len(values)).astype(np.uint8)


def _world(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells that follow an entity's level, and features: idle ones, one of the level, and one of the row alone."""
    rng = np.random.default_rng(seed)
    level, own = rng.normal(size=ENTITIES), rng.normal(size=(2, ENTITIES * ROWS))
    idle = rng.integers(0, CODES, (ENTITIES, IDLE)).astype(np.uint8)
    told = _ranks(level + 0.5 * rng.normal(size=ENTITIES))
    cells = _ranks(level[WHOSE] + 0.4 * own[0] + own[1])
    return cells.astype(np.int64), np.column_stack([idle[WHOSE], told[WHOSE], _ranks(own[0])])


def _shape(features: int) -> Shape:
    codes = np.full(features, CODES)
    return Shape(codes + 1, np.zeros(features, dtype=bool), codes)


def test_whose_rows_they_are_is_not_taken_for_what_an_entity_tells() -> None:
    cells, x = _world(0)
    order, counts = np.unique(cells, return_counts=True)
    known = _shape(IDLE + 2), np.arange(IDLE + 2), True
    before = told_by(cells, order, counts, x, *known)
    after = told_by(cells, order, counts, x, *known, repeated_in(x, (WHOSE,)))
    assert (before[:IDLE] > before[-1]).all()  # so the row's own feature stood behind forty that tell nothing
    assert after[-2] > after[-1]
    assert (after[:IDLE] > after[-1]).sum() <= 2  # of forty, by chance
    assert abs(after[:IDLE].mean()) < 0.1 * before[:IDLE].mean()
    assert after[-1] == before[-1]


def test_a_column_asks_what_its_rows_tell_before_what_only_says_whose_they_are() -> None:
    cells, x = _world(1)
    part, asked = WHOSE % 9, []
    for same in ((), repeated_in(x, (WHOSE,))):
        given = Features(x, _shape(IDLE + 2), same)
        found = fit_conditional(
            cells, given, np.arange(IDLE + 2), part, ordered=True, learning=Learning(trees=1), most=5
        )
        asked.append(set(found.features.tolist()))
    assert IDLE + 1 not in asked[0]
    assert {IDLE, IDLE + 1} <= asked[1]


def test_a_feature_is_dealt_among_the_widest_groups_in_which_it_is_the_same() -> None:
    root, entity = np.arange(24) // 8, np.arange(24) // 2
    x = np.column_stack([root % 2, entity % 3, np.arange(24), np.zeros(24)]).astype(np.uint8)
    wide, narrow = repeated_in(x, (root, entity))
    assert (wide.features.tolist(), narrow.features.tolist()) == ([0, 3], [1])
    assert repeated_in(x, (np.arange(24),)) == ()
