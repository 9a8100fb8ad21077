"""Which of the two draws, by what evidence, and that it is the one whose rows come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthkit.generators.base import Quota, silent
from synthkit.generators.cart.generator import CART
from synthkit.generators.circuit.generator import CIRCUIT
from synthkit.generators.race.generator import RACE, Race, _judges
from synthkit.generators.race.judging import told_apart
from synthkit.generators.race.params import RaceParams
from synthkit.schema import Table
from tests.generators.tables import table_of

FAST = RaceParams(min_rows=1_000, bins=20)


def columns(rows: int, related: bool) -> dict[str, tuple[str, pa.Array]]:
    """Eight numbers and a class; ``related``: each number is one of two before it, or their difference, with noise."""
    random = np.random.default_rng(0)
    numbers = [random.normal(size=rows), random.normal(size=rows)]
    for k in range(6):
        a, b = numbers[-1], numbers[-2]
        mixed = np.select([k % 3 == 0 and a > b, a * b > 0], [a - b, b], a) + 0.01 * random.normal(size=rows)
        numbers.append(mixed if related else random.normal(size=rows))
    of_few = random.random(rows) < 0.002
    label = np.where(of_few, "few", np.where(numbers[-1] > 0, "up", "down"))
    found = {f"n{k}": ("float", pa.array(values)) for k, values in enumerate(numbers)}
    return {**found, "label": ("categorical", pa.array(label))}


def fitted(table: Table, params: RaceParams = FAST, seed: int = 0) -> Race:
    model = RACE.fit(table, params, budget=None, seed=seed, device="cpu", progress=silent)
    assert isinstance(model, Race)
    return model


def drawn(generator: Any, model: Any, rows: int, *conditions: Quota) -> pa.Table:
    return pa.Table.from_batches(generator.sample(model, rows, conditions=conditions, seed=3, progress=silent))


@pytest.fixture(scope="module")
def related(tmp_path_factory: pytest.TempPathFactory) -> Race:
    return fitted(table_of(tmp_path_factory.mktemp("related"), columns(6_000, related=True)))


def test_of_numbers_that_follow_from_others_the_trees_draw(related: Race, tmp_path: Path) -> None:
    assert related.told["cart"] < related.told["circuit"] - FAST.lead
    assert related.cart is not None
    assert drawn(RACE, related, 500).equals(drawn(CART, related.cart, 500))
    RACE.save(related, tmp_path)
    again = RACE.load(tmp_path)
    assert again.told == related.told
    assert drawn(RACE, again, 500).equals(drawn(RACE, related, 500))


def test_the_trees_that_draw_have_seen_all_rows(related: Race) -> None:
    """The race's own were grown from four fifths."""
    assert related.cart is not None
    first = related.cart.trees.columns[0].trees[0]
    assert len(first.cells) == 6_000


def test_a_rare_condition_is_the_circuits(related: Race) -> None:
    few, up = Quota({"label": "few"}, 40), Quota({"label": "up"}, 60)
    assert related.cart is not None
    assert drawn(RACE, related, 60, up).equals(drawn(CART, related.cart, 60, up))
    both = drawn(RACE, related, 100, few, up)
    assert both.equals(drawn(CIRCUIT, related.circuit, 100, few, up))
    assert both["label"].to_pylist().count("few") == 40


@pytest.mark.parametrize("rows", [900, 2_000], ids=["few rows", "a table without dependences"])
def test_the_circuit_draws_where_the_trees_are_not_ahead(tmp_path: Path, rows: int) -> None:
    table = table_of(tmp_path, columns(rows, related=rows == 900))
    model = fitted(table)
    assert model.cart is None
    assert bool(model.told) == (rows >= FAST.min_rows)
    alone = CIRCUIT.fit(table, CIRCUIT.params(bins=20), budget=None, seed=0, device="cpu", progress=silent)
    assert drawn(RACE, model, 300).equals(drawn(CIRCUIT, alone, 300))
    (tmp_path / "model").mkdir()
    RACE.save(model, tmp_path / "model")
    assert RACE.load(tmp_path / "model").cart is None


def test_another_version_of_circuit_or_cart_is_another_race() -> None:
    """Its rows are theirs, and must be made again when theirs are."""
    assert divmod(RACE.version % 10_000, 100) == (CIRCUIT.version, CART.version)


def test_a_unit_judges_with_all_its_rows_or_none() -> None:
    units = np.repeat(np.arange(300), np.random.default_rng(0).integers(1, 9, 300))
    judges = _judges(len(units), units, 200, 0)
    assert 190 <= judges.sum() <= 200
    assert not set(units[judges]) & set(units[~judges])
    assert _judges(1_000, None, 4_000, 0).sum() == 200


def test_one_person_with_most_rows_judges_nothing() -> None:
    units = np.concatenate([np.zeros(5_000, dtype=int), np.arange(1, 1_000)])
    judges = _judges(len(units), units, 400, 0)
    assert judges.sum() == 400
    assert not judges[:5_000].any()
    assert not _judges(3_000, np.repeat([1, 2, 3], 1_000), 400, 0).any()


def test_judges_tell_apart_what_differs_and_no_more() -> None:
    codes = np.random.default_rng(0).integers(0, 20, (1_600, 4))
    shifted = np.minimum(codes[800:] + 6, 19)
    assert told_apart(codes[:800], codes[800:], [3], 0) == pytest.approx(0.5, abs=0.05)
    assert told_apart(codes[:800], shifted, [3], 0) > 0.8
