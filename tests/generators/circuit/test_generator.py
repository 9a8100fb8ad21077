"""The circuit as a generator: rows in, rows out, the same seed the same bytes, odd tables, exact conditions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from synthkit.errors import BuildError
from synthkit.generators import registry
from synthkit.generators.base import Budget, Quota, silent
from synthkit.generators.circuit.generator import CIRCUIT, Circuit
from synthkit.generators.circuit.params import CircuitParams
from synthkit.schema import Table
from tests.generators.tables import odd_columns, people, table_of


def fitted(table: Table, seed: int = 0, **params: Any) -> Circuit:
    found: Circuit = CIRCUIT.fit(  # type: ignore[misc]
        table, CircuitParams(**params), budget=None, seed=seed, device="cpu", progress=silent
    )
    return found


def drawn(model: Circuit, rows: int, seed: int = 0, conditions: tuple[Quota, ...] = ()) -> pa.Table:
    assert CIRCUIT.sample is not None
    return pa.Table.from_batches(CIRCUIT.sample(model, rows, conditions=conditions, seed=seed, progress=silent))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, Circuit]:
    table = people(tmp_path_factory.mktemp("people"))
    return table, fitted(table)


def test_it_is_registered() -> None:
    assert registry.get("circuit") is CIRCUIT


def test_rows_have_the_sources_types_and_dependencies(model: tuple[Table, Circuit]) -> None:
    table, circuit = model
    rows = drawn(circuit, 20_000)
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


def test_the_same_seed_gives_the_same_bytes_also_from_disk(model: tuple[Table, Circuit], tmp_path: Path) -> None:
    table, circuit = model
    again = fitted(table)
    assert CIRCUIT.save is not None
    assert CIRCUIT.load is not None
    CIRCUIT.save(circuit, tmp_path)
    assert not list(tmp_path.glob("*.pkl"))
    loaded = CIRCUIT.load(tmp_path)
    first = drawn(circuit, 3_000, seed=5)
    assert first.equals(drawn(again, 3_000, seed=5))
    assert first.equals(drawn(loaded, 3_000, seed=5))
    assert not first.equals(drawn(circuit, 3_000, seed=6))


def test_quotas_are_exact_and_keep_the_class_distribution(model: tuple[Table, Circuit]) -> None:
    table, circuit = model
    quotas = (Quota({"leaves": "yes", "city": "Chur"}, 3_000), Quota({"income": None}, 1_000), Quota({"age": 30}, 500))
    rows = drawn(circuit, 4_500, conditions=quotas).to_pandas()
    assert len(rows) == 4_500
    first = rows[(rows.leaves == "yes") & (rows.city == "Chur")]
    assert len(first) >= 3_000
    assert rows.income.isna().sum() >= 1_000
    assert (rows.age == 30).sum() >= 500
    # A condition is no shuffling of cells: those who leave are poor here as they are in the source.
    real = table.to_pandas()
    wanted = (real[real.leaves == "yes"].income > 50_000).mean()
    assert (first.income > 50_000).mean() == pytest.approx(wanted, abs=0.05)


def test_conditions_equal_the_rows_of_that_class_among_unconditioned_ones(model: tuple[Table, Circuit]) -> None:
    _, circuit = model
    free = drawn(circuit, 60_000, seed=1).to_pandas()
    given = drawn(circuit, 10_000, seed=2, conditions=(Quota({"leaves": "yes"}, 10_000),)).to_pandas()
    from scipy.stats import ks_2samp

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
    model: tuple[Table, Circuit], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(BuildError, match=message):
        drawn(model[1], 10, conditions=(Quota(values, 10),))


def test_likelihoods_prefer_real_rows_to_shuffled_ones(model: tuple[Table, Circuit]) -> None:
    table, circuit = model
    real = table.to_arrow().combine_chunks().to_batches()[0]
    order = np.random.default_rng(0).permutation(real.num_rows)
    shuffled = pa.record_batch([real.column(0), real.column(1).take(pa.array(order)), *real.columns[2:]], real.schema)
    assert float(circuit.log_prob(real).mean()) > float(circuit.log_prob(shuffled).mean()) + 0.05


def test_imputation_keeps_given_cells_and_follows_the_others(model: tuple[Table, Circuit]) -> None:
    table, circuit = model
    real = table.to_arrow().combine_chunks().to_batches()[0]
    mask = np.ones(real.num_rows, dtype=bool)
    filled = circuit.complete(real, {"leaves": mask}, seed=3)
    assert filled.column("income").equals(real.column("income"))
    frame = filled.to_pandas()
    assert (frame[frame.income > 50_000].leaves == "yes").mean() < 0.08
    assert (frame[frame.income < 50_000].leaves == "yes").mean() == pytest.approx(0.3, abs=0.06)


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
    table = odd_columns(tmp_path)
    found = drawn(fitted(table), 1_000).to_pandas()
    assert (found.constant == 2.5).all()
    assert found.missing.isna().all()
    assert abs(found.normal.mean()) < 0.3


def test_a_single_column_is_its_own_distribution(tmp_path: Path) -> None:
    values = np.repeat(["a", "b", "c"], [600, 300, 100])
    found = drawn(fitted(table_of(tmp_path, {"x": ("categorical", pa.array(values))})), 20_000).to_pandas()
    assert found.x.value_counts(normalize=True).to_dict() == pytest.approx({"a": 0.6, "b": 0.3, "c": 0.1}, abs=0.03)


def test_ten_thousand_categories_and_five_hundred_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    many = {"many": ("categorical", pa.array([f"c{i}" for i in rng.integers(0, 10_000, 20_000)]))}
    model = fitted(table_of(tmp_path, {**many, "y": ("integer", pa.array(rng.integers(0, 9, 20_000)))}), min_steps=50)
    assert model.encoder.cardinalities[0] <= 1_001
    assert drawn(model, 5_000).to_pandas().many.nunique() > 2_000  # the rare ones come back too
    wide = {f"x{j}": ("integer", pa.array(rng.integers(0, 5, 300))) for j in range(500)}
    found = fitted(table_of(tmp_path, wide), states=4, min_steps=20, epochs=1, refinements=0)  # type: ignore[arg-type]
    assert drawn(found, 100).num_columns == 500


def test_nothing_to_learn_from_and_a_budget_are_refused(tmp_path: Path) -> None:
    empty = table_of(tmp_path, {"a": ("integer", pa.array([], pa.int64()))})
    with pytest.raises(BuildError, match="no rows"):
        fitted(empty)
    table = people(tmp_path, 20)
    with pytest.raises(BuildError, match="no differential privacy"):
        CIRCUIT.fit(  # type: ignore[misc]
            table, CircuitParams(), budget=Budget(1.0, 1e-6), seed=0, device="cpu", progress=silent
        )


@pytest.mark.parametrize(
    "wrong", [{"states": 0}, {"max_ratio": 1.0}, {"rare": "drop"}, {"epochs": 0}, {"batchsize": 3}]
)
def test_parameters_have_ranges(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CircuitParams(**wrong)


def test_memory_of_sampling_does_not_grow(model: tuple[Table, Circuit]) -> None:
    assert CIRCUIT.sample is not None
    sizes = [b.num_rows for b in CIRCUIT.sample(model[1], 200_000, conditions=(), seed=0, progress=silent)]
    assert sum(sizes) == 200_000
    assert max(sizes) <= 65_536
