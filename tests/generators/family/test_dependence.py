"""What hangs together in the source does in the drawn tables: between siblings, in few rows, along a key to the own table."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.planted.__main__ import drawn_from
from benchmarks.planted.worlds import bank, office, shop
from synthkit.encoding.cells import Values
from synthkit.encoding.pools import fit_bins
from synthkit.generators.conditional.additive import Shape
from synthkit.generators.conditional.boosting import ABREAST, Learning
from synthkit.generators.conditional.dichotomies import Features, fit_conditional
from synthkit.generators.family.inheriting import inherited

KEPT = 0.5  # of a planted correlation, at least; before, siblings kept 0.3 or less and forty parents nothing


def test_what_a_table_shows_of_an_entity_goes_with_what_another_shows_of_it() -> None:
    world = shop(400)
    source, drawn = drawn_from(world, world.make(1), seed=1)
    for label in ("siblings: mean freight × mean stars", "one to one: freight × late"):
        assert world.probes[label](drawn) / world.probes[label](source) > KEPT, label
    assert all(hold(drawn) == 1.0 for hold in world.exact.values())


def test_two_keys_of_a_row_never_name_the_same_row_where_they_never_do() -> None:
    world = bank(250)
    _, drawn = drawn_from(world, world.make(1), seed=1)
    assert {label: hold(drawn) for label, hold in world.exact.items()} == dict.fromkeys(world.exact, 1.0)


def test_forty_parents_tell_of_their_rows_and_a_row_of_the_one_above() -> None:
    world = office(600)
    source, drawn = drawn_from(world, world.make(1), seed=1)
    for label, least in (("few parents: budget × workers", 0.3), ("own table: skill × the boss's", 0.3)):
        assert world.probes[label](drawn) / world.probes[label](source) > least, label
    assert all(hold(drawn) == 1.0 for hold in world.exact.values())


def test_columns_of_the_row_above_are_asked_for_only_where_they_tell_something() -> None:
    rng = np.random.default_rng(0)
    boss = np.append(-1, rng.integers(0, 40, 399))
    level = rng.normal(size=400)
    for i in range(1, 400):
        level[i] += level[boss[i]] if boss[i] < i else 0.0
    cells = np.stack([np.argsort(np.argsort(level)) // 10, rng.integers(0, 40, 400)], axis=1)

    class Numbers:
        numeric, cells = True, 40

    assert inherited([Numbers(), Numbers()], cells, boss) == (0,)  # type: ignore[list-item]


@pytest.mark.parametrize("people", [40, 60, 100])
def test_few_people_have_fewer_cells_and_not_one(people: int) -> None:
    """Cells of less than ``min_count`` people each were joined into a single one."""
    ones = np.ones(people, dtype=np.int64)
    values = Values(np.arange(people, dtype=np.float64), ones, ones, True, None)
    found = fit_bins(values, most=12, fewer=True)
    codes, _ = found.place(np.arange(people, dtype=np.float64), np.random.default_rng(0))
    assert 4 <= found.cells <= 12
    assert np.bincount(codes).min() >= 5


def test_few_rows_and_many_are_told_the_same_and_a_row_is_led_to_its_cell_unless_it_is_unlikely() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 20, (3_000, 4)).astype(np.uint8)
    cells = np.clip(x[:, 0] + rng.integers(-2, 3, 3_000), 0, 19).astype(np.int64)
    shape = Shape(np.full(4, 21), np.zeros(4, dtype=bool), np.full(4, 20))
    found = fit_conditional(
        cells, Features(x, shape), np.arange(4), rng.integers(0, 9, 3_000), ordered=True, learning=Learning()
    )
    forest = next(f.forest for f in found.forks if f.forest is not None and f.forest.trees > 1)
    asked = np.ascontiguousarray(x[:, found.features])
    few = np.concatenate([forest.total(asked[i : i + ABREAST]) for i in range(0, 3_000, ABREAST)])
    assert (few == forest.total(asked)).all()
    led = found.draw(x, rng, near=cells)
    assert (led == cells).mean() > 0.95
    far = found.draw(x, rng, near=np.where(x[:, 0] < 5, 19, -1))
    assert (far[x[:, 0] < 5] < 12).all()
