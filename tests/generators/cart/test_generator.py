"""Sequential trees as a generator: rows in, rows out, the same seed the same bytes, odd tables, exact conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from synthkit.errors import BuildError
from synthkit.generators import registry
from synthkit.generators.base import Quota, silent
from synthkit.generators.cart.generator import CART, Cart
from synthkit.generators.cart.params import CartParams
from synthkit.schema import Schema, Table
from tests.generators.tables import people, table_of


def fitted(table: Table, seed: int = 0, **params: Any) -> Cart:
    found: Cart = CART.fit(table, CartParams(**params), budget=None, seed=seed, device="cpu", progress=silent)
    return found


def drawn(model: Cart, rows: int, seed: int = 0, conditions: tuple[Quota, ...] = ()) -> pa.Table:
    return pa.Table.from_batches(CART.sample(model, rows, conditions=conditions, seed=seed, progress=silent))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, Cart]:
    table = people(tmp_path_factory.mktemp("people"))
    return table, fitted(table)


def test_it_is_registered() -> None:
    assert registry.get("cart") is CART


def test_shares_of_cells_come_back_within_sampling_error(model: tuple[Table, Cart]) -> None:
    """A mixture over leaves of all rows has no share bent: also of the last column, after all others are drawn."""
    table, cart = model
    real, rows = cart.encoder.codes_of(table), 40_000
    made = cart.trees.draw(rows, np.random.default_rng(3))
    for j, cells in enumerate(cart.encoder.cardinalities):
        want = np.bincount(real[:, j], minlength=cells) / len(real)
        have = np.bincount(made[:, j], minlength=cells) / rows
        error = np.sqrt(want * (1 - want) * (1 / len(real) + 1 / rows))
        assert (np.abs(have - want) <= 4.5 * error + 1e-3).all(), cart.encoder.columns[j].name


def test_the_same_seed_gives_the_same_bytes_also_from_disk_and_by_any_number_of_threads(
    model: tuple[Table, Cart], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, cart = model
    CART.save(cart, tmp_path)
    assert not list(tmp_path.glob("*.pkl"))
    first = drawn(cart, 3_000, seed=5)
    assert first.equals(drawn(CART.load(tmp_path), 3_000, seed=5))
    assert not first.equals(drawn(cart, 3_000, seed=6))
    for threads in ("1", "5"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        assert first.equals(drawn(fitted(table), 3_000, seed=5))


def test_what_never_goes_together_is_given_up_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthkit.generators.cart.generator.SEARCH", 200_000)
    a = np.repeat(["x", "y"], 500)
    table = table_of(tmp_path, {"a": ("categorical", pa.array(a)), "b": ("categorical", pa.array(a))})
    with pytest.raises(BuildError, match=r"condition a = 'x', b = 'y'.*0 such rows") as caught:
        drawn(fitted(table), 10, conditions=(Quota({"a": "x", "b": "y"}, 10),))
    assert "circuit" in (caught.value.hint or "")


def test_a_dependence_on_one_of_many_categories_is_learnt(tmp_path: Path) -> None:
    """No order of a hundred words was given: neighbours are found that go with like numbers."""
    rng = np.random.default_rng(0)
    level = rng.normal(size=100)
    word = rng.integers(0, 100, 8_000)
    columns = {
        "word": ("categorical", pa.array([f"w{i}" for i in word])),
        "number": ("float", pa.array(level[word] + 0.1 * rng.normal(size=8_000))),
    }
    made = drawn(fitted(table_of(tmp_path, columns)), 20_000).to_pandas()  # type: ignore[arg-type]
    # Some words are too few to be parted from their neighbours; nearly all of the spread is explained all the same.
    means = made.groupby("word").number.transform("mean")
    assert means.var() / made.number.var() > 0.9


def test_no_leaf_is_one_persons_alone(tmp_path: Path) -> None:
    """Twenty rows a person, all alike: a leaf of rows is one of few people, a leaf of people is not."""
    people_, each = 60, 20
    person = np.repeat(np.arange(people_), each)
    rng = np.random.default_rng(0)
    columns = {"person": ("integer", pa.array(person)), "a": ("float", pa.array(rng.normal(size=people_)[person]))}
    columns["b"] = ("float", pa.array(rng.normal(size=people_)[person]))
    table = table_of(tmp_path, columns)  # type: ignore[arg-type]
    learnt = tuple(c for c in table.schema.columns if c.name != "person")
    table = Table(Schema(learnt, privacy_unit="person"), table.paths, table.rows)
    cart = fitted(table, min_leaf=5, min_count=6)
    codes = cart.encoder.codes_of(table)
    column = cart.trees.columns[1]
    first = codes[:, cart.trees.order[0]]
    from synthkit.generators.cart.tree import leaves_of

    features = cart.trees.columns[0].places[first][:, None]
    for tree in column.trees:
        leaves = leaves_of(tree.splits, features)
        held = [len(np.unique(person[leaves == leaf])) for leaf in np.unique(leaves)]
        assert min(held) >= 6


@pytest.mark.parametrize("wrong", [{"trees": 0}, {"min_leaf": 0}, {"rare": "drop"}, {"max_rows": 0}, {"leaf": 3}])
def test_parameters_have_ranges(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CartParams(**wrong)


def test_of_many_rows_a_sample_is_learnt_from(model: tuple[Table, Cart]) -> None:
    cart = fitted(model[0], max_rows=500)
    assert {len(tree.cells) for column in cart.trees.columns for tree in column.trees} == {500}
    assert drawn(cart, 100).num_rows == 100


def test_a_value_that_the_sample_lacks_is_said_at_once(tmp_path: Path) -> None:
    values = pa.array(["rare"] * 6 + ["usual"] * 5_000)
    cart = fitted(table_of(tmp_path, {"a": ("categorical", values)}), max_rows=10)
    with pytest.raises(BuildError, match="condition a = 'rare': none of the rows that were learnt from has it"):
        drawn(cart, 10, conditions=(Quota({"a": "rare"}, 10),))
