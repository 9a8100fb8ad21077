"""The circuit as a generator: rows in, rows out, the same seed the same bytes, odd tables, exact conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from synthkit.generators import registry
from synthkit.generators.base import Quota, silent
from synthkit.generators.circuit.generator import CIRCUIT, Circuit
from synthkit.generators.circuit.params import CircuitParams
from synthkit.schema import Table
from tests.generators.tables import people, table_of


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


def test_ten_thousand_categories_and_five_hundred_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    many = {"many": ("categorical", pa.array([f"c{i}" for i in rng.integers(0, 10_000, 20_000)]))}
    model = fitted(table_of(tmp_path, {**many, "y": ("integer", pa.array(rng.integers(0, 9, 20_000)))}), min_steps=50)
    assert model.encoder.cardinalities[0] <= 1_001
    assert drawn(model, 5_000).to_pandas().many.nunique() > 2_000  # the rare ones come back too
    wide = {f"x{j}": ("integer", pa.array(rng.integers(0, 5, 300))) for j in range(500)}
    found = fitted(table_of(tmp_path, wide), states=4, min_steps=20, epochs=1, refinements=0)  # type: ignore[arg-type]
    assert drawn(found, 100).num_columns == 500


@pytest.mark.parametrize(
    "wrong", [{"states": 0}, {"max_ratio": 1.0}, {"rare": "drop"}, {"epochs": 0}, {"batchsize": 3}]
)
def test_parameters_have_ranges(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CircuitParams(**wrong)
