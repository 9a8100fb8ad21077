"""ctgan and tvae as generators: rows in, rows out, the same seed the same bytes, odd tables, conditions, the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from pydantic import ValidationError

from synthkit.errors import BuildError
from synthkit.generators import registry
from synthkit.generators.base import Quota, Trained, silent
from synthkit.generators.neural.ctgan import CTGAN
from synthkit.generators.neural.model import BATCH, NeuralModel
from synthkit.generators.neural.tvae import TVAE
from synthkit.generators.sdv.params import CtganParams as SdvCtgan
from synthkit.generators.sdv.params import TvaeParams as SdvTvae
from synthkit.schema import Table
from tests.generators.tables import odd_columns, people, table_of

SHORT: dict[str, Any] = {"batch_size": 50, "epochs": 2, "looks": 2, "min_steps": 1}
DIMENSIONS = {"ctgan": ("generator_dim", "discriminator_dim"), "tvae": ("compress_dims", "decompress_dims")}
BOTH = pytest.mark.parametrize("generator", [CTGAN, TVAE], ids=["ctgan", "tvae"])


def fitted(generator: Trained, table: Table, seed: int = 0, device: str = "cpu", **params: Any) -> NeuralModel:
    given = generator.params.model_validate(params)
    found: NeuralModel = generator.fit(table, given, budget=None, seed=seed, device=device, progress=silent)
    return found


def drawn(
    generator: Trained, model: NeuralModel, rows: int, seed: int = 0, conditions: tuple[Quota, ...] = ()
) -> pa.Table:
    batches = generator.sample(model, rows, conditions=conditions, seed=seed, progress=silent)
    return pa.Table.from_batches(batches)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return people(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def gan(table: Table) -> NeuralModel:
    small = {"generator_dim": (64, 64), "discriminator_dim": (64, 64), "embedding_dim": 32, "discriminator_steps": 2}
    rates = {"generator_lr": 2e-3, "discriminator_lr": 2e-3}
    return fitted(CTGAN, table, batch_size=200, epochs=80, looks=10, min_steps=1, **small, **rates)


@pytest.fixture(scope="module")
def vae(table: Table) -> NeuralModel:
    return fitted(TVAE, table, batch_size=200, epochs=40, min_steps=1, lr=3e-3, looks=10)


@pytest.fixture
def models(gan: NeuralModel, vae: NeuralModel) -> dict[str, NeuralModel]:
    return {"ctgan": gan, "tvae": vae}


@BOTH
def test_rows_have_the_sources_types_marginals_and_dependencies(
    generator: Trained, models: dict[str, NeuralModel], table: Table
) -> None:
    assert registry.get(generator.name) is generator
    rows = drawn(generator, models[generator.name], 10_000)
    assert rows.schema.equals(table.to_arrow().schema)
    real, made = table.to_pandas(), rows.to_pandas()
    assert made.age.between(18, 79).all()
    assert made.income.isna().mean() == pytest.approx(0.1, abs=0.04)
    assert (made.visits == 0).mean() == pytest.approx((real.visits == 0).mean(), abs=0.05)
    assert (made.city == "Chur").mean() == pytest.approx((real.city == "Chur").mean(), abs=0.04)
    # Who is rich seldom leaves: 2 % against 30 % in the source. Unrelated columns would give 0 with a standard error of
    # 0.01; so few steps give a part of it.
    rich, poor = made[made.income > 50_000], made[made.income <= 50_000]
    assert (poor.leaves == "yes").mean() - (rich.leaves == "yes").mean() > 0.05


@BOTH
def test_the_same_seed_gives_the_same_bytes_also_from_disk(generator: Trained, table: Table, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = fitted(generator, table, **SHORT)
    torch.manual_seed(2)  # nothing depends on the global state
    again = fitted(generator, table, **SHORT)
    generator.save(model, tmp_path)
    assert {p.suffix for p in tmp_path.iterdir()} == {".json", ".safetensors"}
    first = drawn(generator, model, 3_000, seed=5)
    assert first.equals(drawn(generator, again, 3_000, seed=5))
    assert first.equals(drawn(generator, generator.load(tmp_path), 3_000, seed=5))
    assert not first.equals(drawn(generator, model, 3_000, seed=6))
    assert not first.equals(drawn(generator, fitted(generator, table, seed=1, **SHORT), 3_000, seed=5))


@BOTH
def test_quotas_are_exact(generator: Trained, models: dict[str, NeuralModel]) -> None:
    quotas = (Quota({"leaves": "yes", "city": "Chur"}, 300), Quota({"income": None}, 100), Quota({"visits": 0}, 50))
    rows = drawn(generator, models[generator.name], 450, conditions=quotas).to_pandas()
    assert len(rows) == 450
    assert ((rows.leaves == "yes") & (rows.city == "Chur")).sum() >= 300
    assert rows.income.isna().sum() >= 100
    with pytest.raises(BuildError, match="never is 'Genf'"):
        drawn(generator, models[generator.name], 5, conditions=(Quota({"city": "Genf"}, 5),))


def test_ctgan_draws_a_rare_class_under_its_condition(gan: NeuralModel) -> None:
    # Without the condition vector, one row in nine would be from Chur.
    cell = gan.cell_for({"city": "Chur"})
    assert cell is not None
    rows = gan.draw(2_000, torch.Generator().manual_seed(0), cell).to_pandas()
    assert (rows.city == "Chur").mean() > 0.5


@BOTH
def test_the_record_shows_losses_and_coverage(generator: Trained, models: dict[str, NeuralModel]) -> None:
    record = models[generator.name].record
    looks = record["looks"]
    assert [look["step"] for look in looks] == sorted({look["step"] for look in looks})
    assert {"coverage", "marginals", "pairs"} < set(looks[0])
    assert all(0 <= look["coverage"] <= 1 and 0 <= look["pairs"] <= 1 for look in looks)
    assert looks[record["kept"]]["pairs"] == min(look["pairs"] for look in looks)


@BOTH
def test_training_stops_early_without_progress_and_at_max_steps(generator: Trained, table: Table) -> None:
    # A learning rate at which nothing moves: the first judgement is as good as the later ones but for chance.
    slow = {"generator_lr": 1e-9, "discriminator_lr": 1e-9} if generator is CTGAN else {"lr": 1e-9}
    model = fitted(generator, table, batch_size=500, epochs=60, looks=60, patience=3, min_steps=1, **slow)
    assert len(model.record["looks"]) < 60
    assert fitted(generator, table, batch_size=50, epochs=50, max_steps=20).record["looks"][-1]["step"] == 20


@BOTH
@pytest.mark.parametrize("rows", [1, 2, 15])
def test_few_rows_train(generator: Trained, tmp_path: Path, rows: int) -> None:
    table = table_of(tmp_path, {"a": ("integer", pa.array(range(rows))), "b": ("categorical", pa.array(["x"] * rows))})
    found = drawn(generator, fitted(generator, table, epochs=3, min_steps=1), 50).to_pandas()
    assert set(found.b) == {"x"}
    assert found.a.between(0, rows - 1).all()


@BOTH
def test_odd_columns_train(generator: Trained, tmp_path: Path) -> None:
    table = odd_columns(tmp_path)
    found = drawn(generator, fitted(generator, table, **SHORT), 1_000).to_pandas()
    assert (found.constant == 2.5).all()
    assert found.missing.isna().all()
    assert abs(found.normal.mean()) < 0.5


@BOTH
@pytest.mark.parametrize("kind", ["continuous", "discrete", "constant"])
def test_a_single_column_trains(generator: Trained, tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(0)
    values = {"continuous": rng.normal(size=600), "discrete": rng.integers(0, 3, 600), "constant": np.ones(600)}[kind]
    table = table_of(tmp_path, {"x": ("float", pa.array(values.astype(float)))})
    found = drawn(generator, fitted(generator, table, **SHORT), 5_000).to_pandas()
    assert found.x.mean() == pytest.approx(values.mean(), abs=0.3)
    assert set(found.x) <= set(values) or kind == "continuous"


@BOTH
@pytest.mark.long
def test_ten_thousand_categories_and_five_hundred_columns(generator: Trained, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    many = {"many": ("categorical", pa.array([f"c{i}" for i in rng.integers(0, 10_000, 5_000)]))}
    model = fitted(generator, table_of(tmp_path, many), batch_size=50, max_steps=10)  # type: ignore[arg-type]
    assert model.layout.cells <= 1_001
    assert drawn(generator, model, 5_000).to_pandas().many.nunique() > 1_001  # the rare ones come back too
    wide = {f"x{j}": ("integer", pa.array(rng.integers(0, 5, 300))) for j in range(500)}
    found = fitted(generator, table_of(tmp_path, wide), batch_size=50, max_steps=5)  # type: ignore[arg-type]
    assert drawn(generator, found, 100).num_columns == 500


@BOTH
def test_every_parameter_of_sdv_is_taken_under_its_name(generator: Trained) -> None:
    theirs = SdvCtgan if generator is CTGAN else SdvTvae
    assert set(theirs.model_fields) <= set(generator.params.model_fields)
    generator.params.model_validate(theirs().model_dump())


@pytest.mark.parametrize(
    ("generator", "wrong"),
    [
        (CTGAN, {"batch_size": 55, "pac": 10}),
        (CTGAN, {"pac": 0}),
        (CTGAN, {"generator_dim": []}),
        (CTGAN, {"temperature": 0}),
        (CTGAN, {"discriminator_lr": 1}),
        (CTGAN, {"enforce_rounding": False}),
        (TVAE, {"loss_factor": 0}),
        (TVAE, {"prior": "uniform"}),
        (TVAE, {"compress_dims": [0]}),
        (TVAE, {"averaging": 1}),
        (TVAE, {"epoch": 3}),
    ],
)
def test_parameters_have_ranges(generator: Trained, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        generator.params.model_validate(wrong)


@BOTH
def test_nothing_to_learn_from_and_an_absent_gpu_are_refused(generator: Trained, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no rows"):
        fitted(generator, table_of(tmp_path, {"a": ("integer", pa.array([], pa.int64()))}))
    table = people(tmp_path, 20)
    with pytest.raises(BuildError, match="cuda:99"):
        fitted(generator, table, device="cuda:99", **SHORT)


@BOTH
def test_mixed_precision_trains(generator: Trained, table: Table) -> None:
    model = fitted(generator, table, amp=True, **SHORT)
    assert drawn(generator, model, 100).num_rows == 100


@BOTH
@pytest.mark.long
def test_compiled_steps_learn_the_same(generator: Trained, tmp_path: Path) -> None:
    """Two columns and one layer a network: the compiler's time grows with each column and each layer."""
    rng = np.random.default_rng(0)
    number, category = pa.array(rng.normal(size=500)), pa.array(rng.choice(["a", "b"], 500))
    small = {"embedding_dim": 8, **dict.fromkeys(DIMENSIONS[generator.name], (16,))}
    table = table_of(tmp_path, {"x": ("float", number), "c": ("categorical", category)})
    plain, compiled = (fitted(generator, table, compile=c, **SHORT, **small).record["looks"] for c in (False, True))
    assert [look["step"] for look in compiled] == [look["step"] for look in plain]
    for ours, theirs in zip(compiled, plain, strict=True):
        # The order of sums differs between the two, and what differs grows with the steps.
        assert ours == pytest.approx(theirs, rel=0.01, abs=0.01)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@BOTH
def test_it_trains_on_a_gpu_without_waiting_for_it(generator: Trained, table: Table) -> None:
    model = fitted(generator, table, device="cuda", **SHORT)
    assert all(w.device.type == "cpu" for w in model.weights.values())
    assert drawn(generator, model, 500).num_rows == 500


@BOTH
def test_memory_of_sampling_does_not_grow(generator: Trained, models: dict[str, NeuralModel]) -> None:
    batches = generator.sample(models[generator.name], 100_000, conditions=(), seed=0, progress=silent)
    sizes = [b.num_rows for b in batches]
    assert sum(sizes) == 100_000
    assert max(sizes) <= BATCH
