"""SDV's synthesizers behind the Protocol: types, seeds, conditions, and models on disk without pickle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from synthkit.encoding.fill import fill, plan_columns
from synthkit.errors import BuildError
from synthkit.generators import registry
from synthkit.generators.base import Quota, silent
from synthkit.generators.sdv.frame import encode
from synthkit.generators.sdv.state import allowed_class, load_state, save_state
from synthkit.schema import Table
from tests.tables import make_table, mixed_columns

FAST: dict[str, dict[str, Any]] = {
    "sdv.gaussian_copula": {},
    "sdv.ctgan": {"epochs": 2, "batch_size": 50},
    "sdv.tvae": {"epochs": 2, "batch_size": 50},
    "sdv.copula_gan": {"epochs": 2, "batch_size": 50},
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return make_table(tmp_path_factory.mktemp("mixed") / "t.parquet", mixed_columns())


def fitted(name: str, table: Table, seed: int = 1, **params: Any) -> tuple[Any, Any]:
    generator = registry.trained(name)
    plan = plan_columns(table)
    learnt = replace(table, schema=plan.modelled)
    model = generator.fit(
        learnt, generator.params(**{**FAST[name], **params}), budget=None, seed=seed, device="cpu", progress=silent
    )
    return plan, model


def drawn(name: str, plan: Any, model: Any, rows: int, seed: int = 5, quotas: Sequence[Quota] = ()) -> pa.Table:
    generator = registry.trained(name)
    batches = generator.sample(model, rows, conditions=quotas, seed=seed, progress=silent)
    return pa.Table.from_batches(list(fill(batches, plan, rows=rows, seed=seed)))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FAST))
def test_rows_come_back_in_the_sources_types_and_the_same_from_disk(name: str, mixed: Table, tmp_path: Path) -> None:
    plan, model = fitted(name, mixed)
    rows = drawn(name, plan, model, 70)
    assert rows.num_rows == 70
    assert rows.schema.names == list(mixed.schema.names)
    assert rows.schema.types == mixed.to_arrow().schema.types
    assert set(rows.column("kind").to_pylist()) <= {"a", "b", "c", None}
    assert set(rows.column("grade").to_pylist()) <= {1, 2, 3, 4, 5}
    assert set(rows.column("constant").to_pylist()) == {"same"}
    assert rows.column("nothing").null_count == 70
    assert rows.column("select").null_count == 0
    assert all(0 <= v <= 500 for v in rows.column("select").to_pylist())
    registry.get(name).save(model, tmp_path)
    assert not [p for p in tmp_path.iterdir() if p.suffix in (".pkl", ".pickle", ".pt")]
    again = registry.get(name).load(tmp_path)
    assert drawn(name, plan, again, 70).equals(rows)
    assert not drawn(name, plan, again, 70, seed=6).equals(rows)


@pytest.mark.slow
def test_the_same_seed_learns_the_same_model(mixed: Table) -> None:
    one, two, other = (fitted("sdv.ctgan", mixed, seed) for seed in (1, 1, 2))
    assert drawn("sdv.ctgan", *one, 40).equals(drawn("sdv.ctgan", *two, 40))
    assert not drawn("sdv.ctgan", *one, 40).equals(drawn("sdv.ctgan", *other, 40))


@pytest.mark.slow
def test_quotas_are_met_exactly(mixed: Table) -> None:
    plan, model = fitted("sdv.gaussian_copula", mixed)
    quotas = (Quota({"kind": "a", "grade": 3}, 7), Quota({"kind": None}, 5), Quota({"kind": "b"}, 28))
    rows = drawn("sdv.gaussian_copula", plan, model, 40, quotas=quotas)
    kinds = rows.column("kind").to_pylist()
    assert [kinds.count(k) for k in ("a", None, "b")] == [7, 5, 28]
    assert [g for g, k in zip(rows.column("grade").to_pylist(), kinds, strict=True) if k == "a"] == [3] * 7


@pytest.mark.slow
def test_a_quota_that_cannot_be_met_is_an_error_that_names_it(mixed: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthkit.generators.exact import rejection

    monkeypatch.setattr(rejection, "LEAST_SEARCH", 2_000)
    plan, model = fitted("sdv.gaussian_copula", mixed)
    with pytest.raises(BuildError, match="0 of 4 rows with kind = 'never'"):
        drawn("sdv.gaussian_copula", plan, model, 4, quotas=[Quota({"kind": "never"}, 4)])


def test_encoding_and_decoding_is_the_identity(mixed: Table) -> None:
    names = [n for n in mixed.schema.names if n not in ("nothing",)]
    table = replace(mixed, schema=mixed.schema.select(names))
    frame, encoded = encode(table)
    back = pa.Table.from_batches([encoded.decode(frame)])
    assert back.equals(table.to_arrow(names))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("sdv.ctgan", {"epoch": 3}),
        ("sdv.ctgan", {"epochs": 0}),
        ("sdv.ctgan", {"batch_size": 55, "pac": 10}),
        ("sdv.ctgan", {"generator_dim": []}),
        ("sdv.tvae", {"loss_factor": -1}),
        ("sdv.gaussian_copula", {"default_distribution": "normal"}),
        ("sdv.gaussian_copula", {"numerical_distributions": {"a": "gauss"}}),
        ("sql", {}),
        ("sql", {"query": "select 1", "file": "x.sql"}),
    ],
)
def test_wrong_parameters_are_refused(name: str, params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        registry.get(name).params(**params)


def test_every_parameter_of_sdv_can_be_set() -> None:
    import inspect

    import sdv.single_table

    from synthkit.generators.sdv.generator import _CLASSES

    for name, cls in _CLASSES.items():
        signature = inspect.signature(getattr(sdv.single_table, cls).__init__).parameters
        documented = {p for p in signature if p not in ("self", "metadata")}
        ours = registry.get(name).params
        assert documented == set(ours.model_fields)
        for parameter in documented:
            default = signature[parameter].default
            mine = ours.model_fields[parameter].default
            assert mine == (tuple(default) if isinstance(default, list | tuple) else default), (name, parameter)


def test_a_forged_model_can_name_no_other_class(tmp_path: Path) -> None:
    for name in ("os:system", "builtins:eval", "subprocess:Popen", "sdvx:Y"):
        with pytest.raises(BuildError, match="may not"):
            allowed_class(name)
    save_state({"a": [1, 2.5, None]}, tmp_path)
    graph = json.loads((tmp_path / "graph.json").read_text())
    graph["root"] = {"id": 0, "object": "subprocess:Popen", "state": [["args", "true"]]}
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    with pytest.raises(BuildError, match="subprocess"):
        load_state(tmp_path)


def test_state_keeps_sharing_cycles_and_types(tmp_path: Path) -> None:
    import numpy as np
    import pandas as pd

    shared: list[Any] = [1]
    shared.append(shared)
    value = {
        "a": shared,
        "b": shared,
        ("t", 1): {2, 3},
        "array": np.arange(6).reshape(2, 3),
        "objects": np.array(["x", None], dtype=object),
        "nan": float("nan"),
        "series": pd.Series([1.5, 2.5], index=["p", "q"], name="s"),
        "frame": pd.DataFrame({"u": [1, 2], "v": ["x", "y"]}),
        "rng": np.random.RandomState(3),
        "dtype": np.dtype("int32"),
        "scalar": np.float32(1.25),
    }
    save_state(value, tmp_path)
    back = load_state(tmp_path)
    assert back["a"] is back["b"]
    assert back["a"][1] is back["a"]
    assert back["t", 1] == {2, 3}
    assert back["array"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert back["objects"].tolist() == ["x", None]
    assert back["nan"] != back["nan"]
    pd.testing.assert_series_equal(back["series"], value["series"])
    pd.testing.assert_frame_equal(back["frame"], value["frame"])
    assert back["rng"].rand() == np.random.RandomState(3).rand()
    assert back["dtype"] == np.dtype("int32")
    assert back["scalar"] == 1.25
    assert type(back["scalar"]) is np.float32


def test_nothing_outside_the_sdv_files_imports_sdv() -> None:
    import re

    import synthkit

    root = Path(synthkit.__file__).parent
    importers = [
        p.relative_to(root).as_posix()
        for p in root.rglob("*.py")
        if re.search(r"^\s*(?:import|from) (?:sdv|rdt|ctgan|copulas|deepecho)\b", p.read_text(), re.MULTILINE)
    ]
    assert importers
    assert all(p.startswith("generators/sdv") for p in importers)
