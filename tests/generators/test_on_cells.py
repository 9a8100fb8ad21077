"""What the generators that learn cells have in common: rows in, rows out, odd tables, exact conditions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from synthkit.errors import BuildError
from synthkit.generators.base import Budget, Quota, Trained, silent
from synthkit.generators.cart.generator import CART
from synthkit.generators.circuit.generator import CIRCUIT
from synthkit.schema import Table
from tests.generators.tables import odd_columns, people, table_of

EACH = pytest.mark.parametrize("generator", [CIRCUIT, CART], ids=["circuit", "cart"])


def fitted(generator: Trained, table: Table, budget: Budget | None = None) -> Any:
    params = generator.params()
    return generator.fit(table, params, budget=budget, seed=0, device="cpu", progress=silent)


def drawn(generator: Trained, model: Any, rows: int, seed: int = 0, conditions: tuple[Quota, ...] = ()) -> pa.Table:
    return pa.Table.from_batches(generator.sample(model, rows, conditions=conditions, seed=seed, progress=silent))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Table, Any]]:
    table = people(tmp_path_factory.mktemp("people"))
    return {g.name: (table, fitted(g, table)) for g in (CIRCUIT, CART)}


@EACH
def test_rows_have_the_sources_types_and_dependencies(generator: Trained, models: dict[str, tuple[Table, Any]]) -> None:
    table, model = models[generator.name]
    rows = drawn(generator, model, 20_000)
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


@EACH
def test_quotas_are_exact_and_keep_the_class_distribution(
    generator: Trained, models: dict[str, tuple[Table, Any]]
) -> None:
    table, model = models[generator.name]
    quotas = (Quota({"leaves": "yes", "city": "Chur"}, 3_000), Quota({"income": None}, 1_000), Quota({"age": 30}, 500))
    rows = drawn(generator, model, 4_500, conditions=quotas).to_pandas()
    assert len(rows) == 4_500
    first = rows[(rows.leaves == "yes") & (rows.city == "Chur")]
    assert len(first) >= 3_000
    assert rows.income.isna().sum() >= 1_000
    assert (rows.age == 30).sum() >= 500
    # A condition is no shuffling of cells: those who leave are poor here as they are in the source.
    real = table.to_pandas()
    wanted = (real[real.leaves == "yes"].income > 50_000).mean()
    assert (first.income > 50_000).mean() == pytest.approx(wanted, abs=0.05)


@EACH
def test_conditions_equal_the_rows_of_that_class_among_unconditioned_ones(
    generator: Trained, models: dict[str, tuple[Table, Any]]
) -> None:
    _, model = models[generator.name]
    free = drawn(generator, model, 60_000, seed=1).to_pandas()
    quotas = (Quota({"leaves": "yes"}, 10_000),)
    given = drawn(generator, model, 10_000, seed=2, conditions=quotas).to_pandas()
    chosen = free[free.leaves == "yes"]
    for column in ("age", "income"):
        assert ks_2samp(chosen[column].dropna(), given[column].dropna()).pvalue > 1e-4
    error = math.sqrt(0.24 * (1 / len(chosen) + 1 / 10_000))
    assert (chosen.city == "Bern").mean() == pytest.approx((given.city == "Bern").mean(), abs=4.5 * error)


@EACH
@pytest.mark.parametrize(
    ("values", "message"),
    [({"city": "Genf"}, "never is 'Genf'"), ({"age": 200}, "never is 200"), ({"city": None}, "missing values here")],
)
def test_a_value_that_was_never_seen_is_refused(
    generator: Trained, models: dict[str, tuple[Table, Any]], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(BuildError, match=message):
        drawn(generator, models[generator.name][1], 10, conditions=(Quota(values, 10),))


@EACH
@pytest.mark.parametrize("rows", [1, 2, 15])
def test_few_rows_train(generator: Trained, tmp_path: Path, rows: int) -> None:
    table = table_of(
        tmp_path,
        {"a": ("integer", pa.array(range(rows))), "b": ("categorical", pa.array(["x"] * rows))},
    )
    found = drawn(generator, fitted(generator, table), 50).to_pandas()
    assert set(found.b) == {"x"}
    assert found.a.between(0, rows - 1).all()


@EACH
def test_odd_columns_train(generator: Trained, tmp_path: Path) -> None:
    found = drawn(generator, fitted(generator, odd_columns(tmp_path)), 1_000).to_pandas()
    assert (found.constant == 2.5).all()
    assert found.missing.isna().all()
    assert abs(found.normal.mean()) < 0.3


@EACH
def test_a_single_column_is_its_own_distribution(generator: Trained, tmp_path: Path) -> None:
    values = np.repeat(["a", "b", "c"], [600, 300, 100])
    model = fitted(generator, table_of(tmp_path, {"x": ("categorical", pa.array(values))}))
    found = drawn(generator, model, 20_000).to_pandas()
    assert found.x.value_counts(normalize=True).to_dict() == pytest.approx({"a": 0.6, "b": 0.3, "c": 0.1}, abs=0.03)


@EACH
def test_nothing_to_learn_from_and_a_budget_are_refused(generator: Trained, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no rows"):
        fitted(generator, table_of(tmp_path, {"a": ("integer", pa.array([], pa.int64()))}))
    with pytest.raises(BuildError, match="no differential privacy"):
        fitted(generator, people(tmp_path, 20), Budget(1.0, 1e-6))


@EACH
def test_memory_of_sampling_does_not_grow(generator: Trained, models: dict[str, tuple[Table, Any]]) -> None:
    model = models[generator.name][1]
    sizes = [b.num_rows for b in generator.sample(model, 200_000, conditions=(), seed=0, progress=silent)]
    assert sum(sizes) == 200_000
    assert max(sizes) <= 122_880  # a row group of the file
