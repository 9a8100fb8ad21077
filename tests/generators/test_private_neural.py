"""ctgan and tvae with epsilon: what they learn, what they spend, and that nothing of a row gets round the noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from synthkit.errors import BuildError
from synthkit.generators.base import Budget, Quota, Trained, silent
from synthkit.generators.checkpoint import FileCheckpoint, Saved
from synthkit.generators.neural import private_gan, private_vae
from synthkit.generators.neural.ctgan import CTGAN
from synthkit.generators.neural.dpsgd import PrivateGradients
from synthkit.generators.neural.private_model import BATCH, PrivateModel
from synthkit.generators.neural.tvae import TVAE
from synthkit.schema import Column, Schema, Table

BOTH = pytest.mark.parametrize("generator", [CTGAN, TVAE], ids=["ctgan", "tvae"])
ROWS = 3_000
SCHEMA = Schema(
    (
        Column("age", "integer", "BIGINT", nullable=False, bounds=(18, 79)),
        Column("income", "float", "DOUBLE", bounds=(0, 200_000), decimals=2),
        Column("leaves", "categorical", "VARCHAR", nullable=False, values=("yes", "no")),
        Column("city", "categorical", "VARCHAR", values=("Bern", "Basel", "Chur", "Genf")),
    )
)
PLENTY = Budget(50.0, 1e-6, rows=ROWS, insecure_seed=1)
SHORT: dict[str, Any] = {"epochs": 1, "batch_size": 500}


def people(rows: int = ROWS) -> dict[str, list[Any]]:
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, rows)
    income = np.round(rng.gamma(3, 10_000, rows) * (1 + (age > 40)), 2).clip(0, 200_000)
    leaves = np.where(rng.random(rows) < np.where(income > 50_000, 0.02, 0.4), "yes", "no")
    city = rng.choice(["Bern", "Basel", "Chur"], rows, p=[0.5, 0.4, 0.1])
    missing = rng.random(rows) < 0.1
    return {
        "age": age.tolist(),
        "income": [None if m else float(i) for i, m in zip(income, missing, strict=True)],
        "leaves": leaves.tolist(),
        "city": city.tolist(),
    }


def table_of(path: Path, columns: dict[str, list[Any]], schema: Schema = SCHEMA) -> Table:
    path.mkdir(exist_ok=True)
    types = pa.schema([("age", pa.int64()), ("income", pa.float64()), ("leaves", pa.string()), ("city", pa.string())])
    rows = pa.table(columns, schema=types)
    pq.write_table(rows, path / "rows.parquet")
    return Table(schema, (path / "rows.parquet",), rows.num_rows)


def fitted(generator: Trained, table: Table, budget: Budget = PLENTY, seed: int = 0, **params: Any) -> PrivateModel:
    given = generator.params.model_validate(params)
    found: PrivateModel = generator.fit(table, given, budget=budget, seed=seed, device="cpu", progress=silent)
    return found


def drawn(
    generator: Trained, model: PrivateModel, rows: int, seed: int = 0, conditions: tuple[Quota, ...] = ()
) -> pa.Table:
    return pa.Table.from_batches(generator.sample(model, rows, conditions=conditions, seed=seed, progress=silent))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return table_of(tmp_path_factory.mktemp("people"), people())


@pytest.fixture(scope="module")
def models(table: Table) -> dict[str, PrivateModel]:
    return {g.name: fitted(g, table) for g in (CTGAN, TVAE)}


@BOTH
def test_rows_have_the_declared_types_marginals_and_dependencies(
    generator: Trained, models: dict[str, PrivateModel], table: Table
) -> None:
    rows = drawn(generator, models[generator.name], 10_000)
    assert rows.schema.equals(table.to_arrow().schema)
    real, made = table.to_pandas(), rows.to_pandas()
    assert made.age.between(18, 79).all()
    assert made.income.dropna().between(0, 200_000).all()
    assert (made.income.dropna().round(2) == made.income.dropna()).all()
    assert set(made.city.dropna()) <= {"Bern", "Basel", "Chur", "Genf"}
    # the calibration meets the noisy histograms; drawing 10,000 rows adds a standard error of 0.005
    assert made.income.isna().mean() == pytest.approx(real.income.isna().mean(), abs=0.03)
    assert (made.city == "Chur").mean() == pytest.approx((real.city == "Chur").mean(), abs=0.03)
    assert made.age.mean() == pytest.approx(real.age.mean(), abs=1.5)
    # who is rich seldom leaves: 2 % against 40 %. Unrelated columns would give 0 with a standard error of 0.01.
    rich, poor = made[made.income > 50_000], made[made.income <= 50_000]
    assert (poor.leaves == "yes").mean() - (rich.leaves == "yes").mean() > 0.1


@BOTH
def test_a_model_from_disk_draws_the_same_rows(
    generator: Trained, models: dict[str, PrivateModel], tmp_path: Path
) -> None:
    generator.save(models[generator.name], tmp_path)
    assert {p.suffix for p in tmp_path.iterdir()} == {".json", ".safetensors"}
    first = drawn(generator, models[generator.name], 3_000, seed=5)
    assert first.equals(drawn(generator, generator.load(tmp_path), 3_000, seed=5))
    assert not first.equals(drawn(generator, models[generator.name], 3_000, seed=6))


@BOTH
def test_quotas_are_exact_and_keep_the_dependencies(generator: Trained, models: dict[str, PrivateModel]) -> None:
    quotas = (Quota({"leaves": "yes", "city": "Chur"}, 300), Quota({"income": None}, 100), Quota({"age": 30}, 50))
    rows = drawn(generator, models[generator.name], 450, conditions=quotas).to_pandas()
    assert len(rows) == 450
    assert ((rows.leaves == "yes") & (rows.city == "Chur")).sum() >= 300
    assert rows.income.isna().sum() >= 100
    assert (rows.age == 30).sum() >= 50
    leaving = drawn(generator, models[generator.name], 2_000, conditions=(Quota({"leaves": "yes"}, 2_000),)).to_pandas()
    anyone = drawn(generator, models[generator.name], 5_000).to_pandas()
    assert (leaving.income > 50_000).mean() < (anyone.income > 50_000).mean() - 0.05
    with pytest.raises(BuildError, match="declared without 'Paris'"):
        drawn(generator, models[generator.name], 5, conditions=(Quota({"city": "Paris"}, 5),))


@BOTH
def test_memory_of_sampling_does_not_grow(generator: Trained, models: dict[str, PrivateModel]) -> None:
    batches = generator.sample(models[generator.name], 40_000, conditions=(), seed=0, progress=silent)
    assert max(b.num_rows for b in batches) <= BATCH


def weights_equal(a: PrivateModel, b: PrivateModel) -> bool:
    return all(torch.equal(a.weights[k], b.weights[k]) for k in a.weights) and torch.equal(a.shift, b.shift)


@BOTH
def test_noise_is_new_each_time_unless_a_seed_is_asked_for(generator: Trained, table: Table) -> None:
    secure = replace(PLENTY, insecure_seed=None)
    assert not weights_equal(*(fitted(generator, table, secure, **SHORT) for _ in range(2)))
    assert weights_equal(*(fitted(generator, table, **SHORT) for _ in range(2)))
    other = replace(PLENTY, insecure_seed=2)
    assert not weights_equal(fitted(generator, table, other, **SHORT), fitted(generator, table, **SHORT))


@BOTH
def test_the_seed_moves_no_noise(generator: Trained, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    samples: list[list[torch.Tensor]] = []
    original = PrivateGradients._sample

    def noted(self: PrivateGradients, most: int) -> Any:
        parts = list(original(self, most))
        samples[-1] += parts
        return iter(parts)

    monkeypatch.setattr(PrivateGradients, "_sample", noted)
    models = []
    for seed in (0, 1):
        samples.append([])
        models.append(fitted(generator, table, seed=seed, **SHORT))
    for a, b in zip(models[0].encoder.cuts, models[1].encoder.cuts, strict=True):
        assert all(np.array_equal(a.to_arrays()[k], b.to_arrays()[k]) for k in a.to_arrays())
    assert torch.equal(samples[0][0], samples[1][0])  # the first sample is drawn by the noise, whatever the seed
    assert not weights_equal(*models)


ODD = pytest.mark.parametrize(
    ("odd", "meant"),
    [
        ({"age": 10**12}, {"age": 79}),
        ({"age": -5}, {"age": 18}),
        ({"income": float("inf")}, {"income": 200_000.0}),
        ({"income": float("nan")}, {"income": None}),
        ({"income": 1.23456789}, {"income": 1.23}),
        ({"city": "a word that only this row holds"}, {"city": None}),
    ],
    ids=["above", "below", "infinite", "nan", "digits", "undeclared"],
)


@BOTH
@ODD
def test_a_row_outside_the_declaration_learns_what_its_declared_neighbour_does(
    generator: Trained, tmp_path: Path, odd: dict[str, Any], meant: dict[str, Any]
) -> None:
    """Bytes and all: types, cells, weights, files."""
    found = []
    for name, changed in (("odd", odd), ("meant", meant)):
        columns = people(200)
        for column, value in changed.items():
            columns[column][17] = value
        model = fitted(generator, table_of(tmp_path / name, columns), **SHORT)
        (tmp_path / name / "model").mkdir()
        generator.save(model, tmp_path / name / "model")
        found.append([p.read_bytes() for p in sorted((tmp_path / name / "model").iterdir())])
    assert found[0] == found[1]


@BOTH
def test_the_number_of_rows_decides_nothing(
    generator: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps, divisor, noise, record and networks' inputs are those of the declared rows; no row at all trains too."""
    plans = []
    original = PrivateGradients.__init__

    def noted(self: PrivateGradients, rows: int, plan: Any, *rest: Any) -> None:
        plans.append(plan)
        original(self, rows, plan, *rest)

    monkeypatch.setattr(PrivateGradients, "__init__", noted)
    records = []
    for rows in (0, 1, 200):
        model = fitted(generator, table_of(tmp_path / str(rows), people(rows)), **SHORT)
        records.append(model.record)
        assert model.encoder.encoder.axes[0].points == 62
        assert drawn(generator, model, 50).num_rows == 50
    assert plans[0] == plans[1] == plans[2]
    assert records[0] == records[1] == records[2]


@BOTH
def test_a_row_that_no_column_can_hold_is_left_out(generator: Trained, tmp_path: Path) -> None:
    columns = people(200)
    without = {k: v[:17] + v[18:] for k, v in columns.items()}
    columns["leaves"][17] = "perhaps"  # declared not nullable, so there is no cell for it
    a, b = (fitted(generator, table_of(tmp_path / n, c), **SHORT) for n, c in (("with", columns), ("without", without)))
    assert weights_equal(a, b)


@BOTH
def test_what_was_spent_is_what_was_declared(generator: Trained, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    spent = []
    original = PrivateGradients.mean

    def noted(self: PrivateGradients, *given: Any) -> Any:
        spent.append(self)
        return original(self, *given)

    monkeypatch.setattr(PrivateGradients, "mean", noted)
    budget = Budget(2.0, 1e-6, rows=ROWS, max_rows_per_unit=2, insecure_seed=1)
    fitted(generator, table, budget, **SHORT)
    assert generator.supports_epsilon
    declared = generator.mechanisms(generator.params.model_validate(SHORT), budget, SCHEMA)
    assert spent[-1].spent == declared[0]
    assert len(spent) == declared[0].to_json()["steps"] == 6

    def twice(self: PrivateGradients, *given: Any) -> Any:
        original(self, *given)
        return original(self, *given)

    monkeypatch.setattr(PrivateGradients, "mean", twice)
    with pytest.raises(AssertionError, match="was to release"):
        fitted(generator, table, budget, **SHORT)


@BOTH
def test_a_training_with_a_budget_is_neither_saved_on_the_way_nor_resumed(
    generator: Trained, table: Table, tmp_path: Path
) -> None:
    checkpoint = FileCheckpoint(tmp_path / "state.safetensors", every=0.0)
    checkpoint.save(Saved({"random": torch.zeros(3)}, {"step": 3}))
    before = (tmp_path / "state.safetensors").read_bytes()
    params = generator.params.model_validate(SHORT)
    kept = generator.fit(  # type: ignore[call-arg]
        table, params, budget=PLENTY, seed=0, device="cpu", progress=silent, checkpoint=checkpoint
    )
    assert weights_equal(kept, fitted(generator, table, **SHORT))
    assert (tmp_path / "state.safetensors").read_bytes() == before


@BOTH
def test_only_what_makes_rows_is_kept(generator: Trained, models: dict[str, PrivateModel]) -> None:
    names = models[generator.name].weights.keys()
    assert not any(n.startswith(("in.", "mean.", "log_variance.")) for n in names)
    assert set(models[generator.name].record) == {"rate", "steps", "noise_multiplier", "sigma"}  # no loss of the rows


@BOTH
def test_progress_tells_steps_and_no_loss(generator: Trained, table: Table) -> None:
    seen: list[tuple[Any, ...]] = []
    generator.fit(
        table,
        generator.params.model_validate({**SHORT, "looks": 2}),
        budget=PLENTY,
        seed=0,
        device="cpu",
        progress=lambda *told: seen.append(told),
    )
    assert seen == [(3, 6, "steps"), (6, 6, "steps")]


@BOTH
def test_undeclared_columns_and_rows_are_refused(generator: Trained, table: Table) -> None:
    with pytest.raises(BuildError, match="number of rows"):
        fitted(generator, table, replace(PLENTY, rows=None))
    undeclared = replace(table, schema=Schema((replace(SCHEMA.columns[0], bounds=None), *SCHEMA.columns[1:])))
    with pytest.raises(BuildError, match="age"):
        fitted(generator, undeclared)


@BOTH
def test_undeclared_columns_can_be_paid_for(generator: Trained, table: Table) -> None:
    schema = Schema(tuple(replace(c, bounds=None, values=None) for c in SCHEMA.columns))
    model = fitted(generator, replace(table, schema=schema), preprocessing_share=0.2, **SHORT)
    found = drawn(generator, model, 2_000).to_pandas()
    assert {"Bern", "Basel", "Chur"} == set(found.city.dropna())  # Genf is declared elsewhere, and nobody lives there
    assert found.age.between(16, 128).all()  # powers of two around what was seen
    assert found.age.mean() == pytest.approx(48, abs=5)


@BOTH
@pytest.mark.parametrize("columns", [1, 2])
def test_one_column_and_constant_columns_train(generator: Trained, tmp_path: Path, columns: int) -> None:
    schema = Schema(
        (
            Column("only", "categorical", "VARCHAR", nullable=False, values=("x",)),
            Column("same", "integer", "BIGINT", nullable=False, bounds=(0, 10**12)),
        )[:columns]
    )
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"only": ["x"] * 100, "same": pa.array([7] * 100, pa.int64())}), path)
    model = fitted(generator, Table(schema, (path,), 100), replace(PLENTY, rows=100), **SHORT)
    found = drawn(generator, model, 200).to_pandas()
    assert set(found.only) == {"x"}
    if columns == 2:
        assert (found.same == 7).mean() > 0.9


@BOTH
def test_a_training_that_diverges_is_no_model(
    generator: Trained, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = private_gan if generator is CTGAN else private_vae
    original = loop.train

    def diverging(given: Any, params: Any) -> Any:
        found = original(given, params)
        next(iter(found.values()))[0] = torch.nan
        return found

    monkeypatch.setattr(loop, "train", diverging)
    with pytest.raises(BuildError, match="diverged"):
        fitted(generator, table, **SHORT)


def test_values_without_any_probability_are_refused(models: dict[str, PrivateModel]) -> None:
    model = models["tvae"]
    cell = model.encoder.cell_of("city", "Chur")
    shift = model.shift.clone()
    shift[cell] = -torch.inf
    with pytest.raises(BuildError, match=r"city.*no probability"):
        drawn(TVAE, replace(model, shift=shift), 5, conditions=(Quota({"city": "Chur"}, 5),))


@BOTH
def test_what_a_rows_loss_draws_is_secret(generator: Trained, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a public seed it would be dealt out in the sample's order, and one row more would move all behind it."""
    shapes: list[tuple[int, ...]] = []
    sizes: list[int] = []
    draw, sample = PrivateGradients.normal, PrivateGradients._sample

    def noted_draw(self: PrivateGradients, *shape: int) -> torch.Tensor:
        shapes.append(shape)
        return draw(self, *shape)

    def noted_sample(self: PrivateGradients, most: int) -> Any:
        for part in sample(self, most):
            sizes.append(len(part))
            yield part

    monkeypatch.setattr(PrivateGradients, "normal", noted_draw)
    monkeypatch.setattr(PrivateGradients, "_sample", noted_sample)
    fitted(generator, table, embedding_dim=3, **SHORT)
    assert len(set(sizes)) > 1
    # an encoding's noise per row; or a partner and a place between the two per row
    wanted = [(n,) for n in sizes for _ in range(2)] if generator is CTGAN else [(n, 3) for n in sizes]
    assert [s for s in shapes if s[0] in sizes] == wanted
