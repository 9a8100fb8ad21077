"""The Python API: plan, build, read, and fit without a project; its doctests, and what docs/python.md shows."""

from __future__ import annotations

import doctest
import importlib
import json
import random
import re
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import synthkit
from synthkit.api.project import compile as compile_folder
from synthkit.errors import BuildError, ConfigurationError, SynthError
from synthkit.events import ModelFinished
from tests.synth import SQL_PROJECT, Project, customers, make_project, write_csv

SMALL = {"name": "circuit", "states": 2, "min_steps": 10, "epochs": 1, "refinements": 0}
FITTED: dict[str, Any] = {
    "generator": SMALL,
    "primary_key": "key",
    "columns": {"email": {"pii": "email"}},
    "constraints": "age >= 18",
    "seed": 5,
}
DOCS = Path(__file__).parent.parent / "docs" / "python.md"


def frame(rows: int = 120) -> pd.DataFrame:
    rng = random.Random(1)
    return pd.DataFrame(
        {
            "key": range(rows),
            "age": [rng.randint(18, 90) for _ in range(rows)],
            "tier": [rng.choice(["basic", "plus", "pro"]) for _ in range(rows)],
            "visits": pd.array([None if i % 9 == 0 else i % 7 for i in range(rows)], dtype="Int64"),
            "email": [f"person{i}@example.org" for i in range(rows)],
        }
    )


@pytest.fixture(scope="module")
def model() -> synthkit.TrainedModel:
    return synthkit.fit(frame(), **FITTED)


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return make_project(tmp_path / "shop")


# -- doctests and documents ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["synthkit", "synthkit.api.project", "synthkit.api.model", "synthkit.store.reader", "synthkit.records.receipt"],
)
def test_doctests(name: str, shop: Project, model: synthkit.TrainedModel) -> None:
    if name in ("synthkit.store.reader", "synthkit.records.receipt"):
        synthkit.build(shop.root)
    given = {"synthkit": synthkit, "shop": shop.root, "model": model}
    done = doctest.testmod(importlib.import_module(name), extraglobs=given)
    assert done.attempted
    assert not done.failed


def test_what_the_documentation_shows_runs(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.root.parent)
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), flags=re.DOTALL)
    code = "\n".join(blocks).replace('"epochs": 5', '"epochs": 1, "states": 2, "refinements": 0')  # in less time
    found: dict[str, Any] = {}
    exec(compile(code, str(DOCS), "exec"), found)
    assert found["run"].status == "pass"
    assert found["leavers"]["churned"].to_pylist() == ["yes"] * 500


def test_every_public_name_is_there_and_listed() -> None:
    assert set(dir(synthkit)) == set(synthkit.__all__)
    for name in synthkit.__all__:
        assert getattr(synthkit, name).__doc__ or name == "__version__"
        assert name == "__version__" or f"`synthkit.{name}(" in DOCS.read_text("utf-8") or name[0].isupper()
    with pytest.raises(AttributeError, match="no attribute 'biuld'"):
        _ = synthkit.biuld  # type: ignore[attr-defined]


# -- a project ---------------------------------------------------------------------------------------------


def test_plan_and_build_are_those_of_the_command_line(shop: Project) -> None:
    planned = json.loads(shop.ok("plan", "--output", "json"))
    assert [a.to_json() for a in synthkit.plan(shop.root).actions] == planned["actions"]
    seen: list[Any] = []
    run = synthkit.build(shop.root / "data", listener=seen.append)  # a folder inside it does, too
    assert (run.status, run.failed, run.counts()) == ("pass", False, {"pass": 2})
    assert [e.result for e in seen if isinstance(e, ModelFinished)] == list(run.results)
    assert synthkit.plan(shop.root).work == ()
    assert "2 unchanged" in shop.ok("build")  # what one built, the other finds
    assert [a.model for a in synthkit.plan(shop.root, select=["by_tier"], full_refresh=True).work] == ["by_tier"]


def test_a_failing_audit_is_a_result_and_a_fault_is_raised(shop: Project) -> None:
    text = SQL_PROJECT["models/customers.yml"]
    assert isinstance(text, str)
    shop.write({"models/customers.yml": text.replace("- not_null: {columns: [tier]}", "- row_count: {max: 3}")})
    run = synthkit.build(shop.root)
    assert run.failed
    assert [r.status for r in run.results] == ["fail", "skipped"]
    assert [a.model for a in synthkit.plan(shop.root, select="result:fail").actions] == ["customers"]
    shop.write({"models/customers.yml": text.replace("not_null", "not_nul")})
    with pytest.raises(ConfigurationError, match=r"models/customers.yml:6:\d+: there is no audit .not_nul."):
        synthkit.plan(shop.root)
    with pytest.raises(SynthError, match=r"there is no synth_project\.yml"):
        synthkit.build(shop.root.parent)


def test_a_retry_is_given_what_the_build_was(shop: Project) -> None:
    text = SQL_PROJECT["models/customers.yml"]
    assert isinstance(text, str)
    broken = text.replace("- not_null: {columns: [tier]}", "- row_count: {max: \"{{ var('most', 999) }}\"}")
    shop.write({"models/customers.yml": broken})
    assert synthkit.build(shop.root, vars={"most": 3}, seed=9).failed
    invocation = json.loads((shop.root / "target" / "invocation.json").read_text("utf-8"))
    assert (invocation["variables"], invocation["seed"]) == ('{"most": 3}', 9)
    assert "row_count" in shop.fails("retry")


def test_a_compiled_project_takes_no_other_settings(shop: Project) -> None:
    manifest = compile_folder(shop.root, seed=3)
    assert len(synthkit.plan(manifest).work) == 2
    with pytest.raises(TypeError, match="give seed to compile"):
        synthkit.plan(manifest, seed=4)


# -- a table at hand -----------------------------------------------------------------------------------------


def test_draws_have_the_table_s_columns_and_follow_from_the_seed(model: synthkit.TrainedModel) -> None:
    drawn = model.draw()
    assert drawn.num_rows == model.rows == 120
    assert drawn.schema.names == list(frame())
    assert drawn.schema.field("visits").type == pa.int64()
    assert len(set(drawn["key"].to_pylist())) == 120
    assert not set(drawn["email"].to_pylist()) & set(frame()["email"])
    assert model.draw(30) == model.draw(30)
    assert model.draw(30) != model.draw(30, seed=6)
    again = synthkit.fit(frame(), **FITTED)
    assert again.draw(30) == model.draw(30)


def test_conditions_and_constraints_hold(model: synthkit.TrainedModel) -> None:
    drawn = model.draw(40, {"tier": {"pro": 0.25, "plus": 0.75}, "visits": {"null": "50%", "3": "50%"}})
    assert sorted(drawn["tier"].to_pylist()) == ["plus"] * 30 + ["pro"] * 10
    assert drawn["visits"].null_count == 20
    over = synthkit.fit(frame(), generator=SMALL, constraints=["visits <= age"])
    assert all(row["visits"] is None or row["visits"] <= row["age"] for row in over.draw(200).to_pylist())


def test_a_saved_model_draws_the_same(model: synthkit.TrainedModel, tmp_path: Path) -> None:
    folder = model.save(tmp_path / "model")
    model.save(folder)  # anew
    loaded = synthkit.load_model(folder)
    assert loaded.draw(50) == model.draw(50)
    assert (repr(loaded), loaded.params, loaded.constraints) == (repr(model), model.params, ("age >= 18",))
    assert not [p for p in folder.rglob("*") if p.suffix not in ("", ".json", ".safetensors")]  # nothing that runs
    said = json.loads((folder / "model.json").read_text("utf-8"))
    (folder / "model.json").write_text(json.dumps({**said, "version": 0}), "utf-8")
    with pytest.raises(SynthError, match="another version of 'circuit'"):
        synthkit.load_model(folder)
    (tmp_path / "model.json").write_text("{}", "utf-8")
    with pytest.raises(SynthError, match="holds no saved model"):
        synthkit.load_model(tmp_path)
    (tmp_path / "other").mkdir()
    with pytest.raises(SynthError, match="holds no model"):
        model.save(tmp_path / "other")


def test_tables_of_every_kind_are_learnt_alike(tmp_path: Path) -> None:
    plain = frame()[["age", "tier"]]
    path = tmp_path / "people.csv"
    plain.to_csv(path, sep=";", index=False)
    wanted = synthkit.fit(plain, generator=SMALL).draw(20).to_pylist()
    for table in (pl.from_pandas(plain), pa.Table.from_pandas(plain), plain.set_index("age").reset_index(), path):
        assert synthkit.fit(table, generator=SMALL).draw(20).to_pylist() == wanted


def test_what_is_all_made_up_needs_no_training() -> None:
    made = synthkit.fit(pa.table({"name": ["Ada", "Ben"] * 20}), columns={"name": {"pii": "first_name"}})
    assert made.draw(5).num_rows == 5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epsilon": 1}, "epsilon needs a project: its ledger counts"),
        ({"generator": "sql"}, "generator 'sql' learns no table by itself"),
        ({"generator": "aim"}, "needs epsilon"),
        ({"generator": "circuitt"}, "did you mean 'circuit'"),
        ({"generator": {"name": "circuit", "epoch": 3}}, "unknown key 'epoch' in generator circuit"),
        ({"generator": {"epochs": 3}}, "the generator has no name"),
        ({"primary_key": "kee"}, "the table has no column 'kee'"),
        ({"columns": {"emial": {"pii": "email"}}}, "did you mean 'email'"),
        ({"columns": {"email": {"pi": "email"}}}, "did you mean 'pii'"),
        ({"constraints": ["age > 200"]}, "120 of 120 break 'age > 200'"),
        ({"constraints": ["age > 20", "age < 10"]}, "at once"),
        ({"constraints": ["aeg > 20"]}, "did you mean 'age'"),
        ({"constraints": ["age ~ 20"]}, "is not understood"),
        ({"options": {"delimiter": ";"}}, "no reader option 'delimiter' for parquet"),
        ({"table": [1, 2]}, "a list is no table"),
        ({"table": "nowhere.csv"}, "there is no file"),
        ({"table": frame(0)}, "has no rows"),
        ({"table": frame().assign(age=float("inf"))}, "column 'age' holds 120 infinite values"),
        ({"table": pd.DataFrame({"a": [1, "x"]})}, "give each column one type"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_cannot_be_learnt(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SynthError, match=re.escape(message)):
        synthkit.fit(**{"table": frame(), "generator": SMALL, **given})


@pytest.mark.parametrize(
    ("n", "conditions", "message"),
    [
        (0, {}, "0 rows cannot be drawn"),
        (5, {"teir": "pro"}, "did you mean 'tier'"),
        (5, {"tier": "gold"}, "column 'tier' never is 'gold'"),
        (5, {"tier": {"pro": "90%"}}, "add up to 90%"),
        (5, {"age": 17}, "column 'age' never is 17"),
    ],
)
def test_what_cannot_be_drawn(model: synthkit.TrainedModel, n: int, conditions: dict[str, Any], message: str) -> None:
    with pytest.raises((SynthError, BuildError), match=re.escape(message)):
        model.draw(n, conditions)


def test_a_notebook_needs_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "c.csv", customers(60))
    synthkit.fit("c.csv", generator=SMALL).draw(3)
    assert [p.name for p in tmp_path.iterdir()] == ["c.csv"]  # nothing of the rows is left anywhere
