"""Sequential trees as a generator: rows in, rows out, the same seed the same bytes, odd tables, exact conditions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from scipy.stats import ks_2samp

from synthkit.errors import BuildError
from synthkit.generators import registry
from synthkit.generators.base import Budget, Quota, silent
from synthkit.generators.cart.generator import CART, Cart
from synthkit.generators.cart.params import CartParams
from synthkit.schema import Schema, Table
from tests.generators.tables import odd_columns, people, table_of


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


def test_rows_have_the_sources_types_and_dependencies(model: tuple[Table, Cart]) -> None:
    table, cart = model
    rows = drawn(cart, 20_000)
    assert rows.schema.equals(table.to_arrow().schema)
    real, made = table.to_pandas(), rows.to_pandas()
    assert made.age.between(18, 79).all()
    assert (made.income.isna().mean()) == pytest.approx(0.1, abs=0.02)
    assert (made.visits == 0).mean() == pytest.approx((real.visits == 0).mean(), abs=0.03)
    for frame in (real, made):
        rich = frame[frame.income > 50_000]
        poor = frame[frame.income < 50_000]
        assert (rich.leaves == "yes").mean() < 0.07
        assert (poor.leaves == "yes").mean() == pytest.approx(0.3, abs=0.06)


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


def test_quotas_are_exact_and_keep_the_class_distribution(model: tuple[Table, Cart]) -> None:
    table, cart = model
    quotas = (Quota({"leaves": "yes", "city": "Chur"}, 3_000), Quota({"income": None}, 1_000), Quota({"age": 30}, 500))
    rows = drawn(cart, 4_500, conditions=quotas).to_pandas()
    assert len(rows) == 4_500
    first = rows[(rows.leaves == "yes") & (rows.city == "Chur")]
    assert len(first) >= 3_000
    assert rows.income.isna().sum() >= 1_000
    assert (rows.age == 30).sum() >= 500
    # A condition is no shuffling of cells: those who leave are poor here as they are in the source.
    real = table.to_pandas()
    wanted = (real[real.leaves == "yes"].income > 50_000).mean()
    assert (first.income > 50_000).mean() == pytest.approx(wanted, abs=0.05)


def test_conditions_equal_the_rows_of_that_class_among_unconditioned_ones(model: tuple[Table, Cart]) -> None:
    _, cart = model
    free = drawn(cart, 60_000, seed=1).to_pandas()
    given = drawn(cart, 10_000, seed=2, conditions=(Quota({"leaves": "yes"}, 10_000),)).to_pandas()
    chosen = free[free.leaves == "yes"]
    for column in ("age", "income"):
        assert ks_2samp(chosen[column].dropna(), given[column].dropna()).pvalue > 1e-4
    error = math.sqrt(0.24 * (1 / len(chosen) + 1 / 10_000))
    assert (chosen.city == "Bern").mean() == pytest.approx((given.city == "Bern").mean(), abs=4.5 * error)


@pytest.mark.parametrize(
    ("values", "message"),
    [({"city": "Genf"}, "never is 'Genf'"), ({"age": 200}, "never is 200"), ({"city": None}, "missing values here")],
)
def test_a_value_that_was_never_seen_is_refused(
    model: tuple[Table, Cart], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(BuildError, match=message):
        drawn(model[1], 10, conditions=(Quota(values, 10),))


def test_what_never_goes_together_is_given_up_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthkit.generators.cart.generator.SEARCH", 200_000)
    a = np.repeat(["x", "y"], 500)
    table = table_of(tmp_path, {"a": ("categorical", pa.array(a)), "b": ("categorical", pa.array(a))})
    with pytest.raises(BuildError, match=r"condition a = 'x', b = 'y'.*0 such rows") as caught:
        drawn(fitted(table), 10, conditions=(Quota({"a": "x", "b": "y"}, 10),))
    assert "circuit" in (caught.value.hint or "")


@pytest.mark.parametrize("rows", [1, 2, 15])
def test_few_rows_train(tmp_path: Path, rows: int) -> None:
    table = table_of(
        tmp_path,
        {"a": ("integer", pa.array(range(rows))), "b": ("categorical", pa.array(["x"] * rows))},
    )
    found = drawn(fitted(table), 50).to_pandas()
    assert set(found.b) == {"x"}
    assert found.a.between(0, rows - 1).all()


def test_odd_columns_train(tmp_path: Path) -> None:
    found = drawn(fitted(odd_columns(tmp_path)), 1_000).to_pandas()
    assert (found.constant == 2.5).all()
    assert found.missing.isna().all()
    assert abs(found.normal.mean()) < 0.3


def test_a_single_column_is_its_own_distribution(tmp_path: Path) -> None:
    values = np.repeat(["a", "b", "c"], [600, 300, 100])
    found = drawn(fitted(table_of(tmp_path, {"x": ("categorical", pa.array(values))})), 20_000).to_pandas()
    assert found.x.value_counts(normalize=True).to_dict() == pytest.approx({"a": 0.6, "b": 0.3, "c": 0.1}, abs=0.03)


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


def test_nothing_to_learn_from_and_a_budget_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no rows"):
        fitted(table_of(tmp_path, {"a": ("integer", pa.array([], pa.int64()))}))
    table = people(tmp_path, 20)
    with pytest.raises(BuildError, match="no differential privacy"):
        CART.fit(table, CartParams(), budget=Budget(1.0, 1e-6), seed=0, device="cpu", progress=silent)


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


def test_memory_of_sampling_does_not_grow(model: tuple[Table, Cart]) -> None:
    sizes = [b.num_rows for b in CART.sample(model[1], 200_000, conditions=(), seed=0, progress=silent)]
    assert sum(sizes) == 200_000
    assert max(sizes) <= 65_536
