"""The kinds of generators; those that a package made before there were kinds; and several tables at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.errors import BuildError, SynthError
from synthkit.generators import registry
from synthkit.generators.base import (
    Budget,
    Generator,
    Params,
    Progress,
    Query,
    Quota,
    Related,
    Taught,
    Trained,
    silent,
)
from synthkit.generators.related import fit_tables, sample_tables
from synthkit.generators.tables import Key, Tables
from synthkit.schema import Column, Schema, Table
from tests.packages import installed
from tests.synth import COPULA_PROJECT, make_project

OLD: Any = Generator  # as packages called it
KINDS = {"sql": Query, "llm_columns": Taught, "self_instruct": Taught}


@pytest.mark.parametrize("name", registry.names())
def test_each_generator_is_of_one_kind(name: str) -> None:
    assert type(registry.get(name)) is KINDS.get(name, Trained)


@pytest.mark.parametrize("name", KINDS)
def test_what_learns_nothing_is_asked_for_no_model(name: str) -> None:
    with pytest.raises(SynthError, match="learns no table by itself"):
        registry.trained(name)


# -- of before -----------------------------------------------------------------------------------------


def nothing(*_given: Any, **_more: Any) -> Any:
    """A function that nobody calls here."""


def test_a_package_of_before_builds_tables_and_is_told_what_it_is_called_now(tmp_path: Path) -> None:
    env = installed(
        tmp_path / "packages", "old", "synthkit.generators", "test.bootstrap = tests.earlier_generator:BOOTSTRAP"
    )
    models = COPULA_PROJECT["models/customers.yml"].replace("sdv.gaussian_copula", "test.bootstrap")
    project = make_project(tmp_path / "shop", {**COPULA_PROJECT, "models/customers.yml": models})
    done = project.synth("build", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FutureWarning: Generator(…)" in done.stderr
    assert "synthkit.generators.base.Trained(…)" in done.stderr
    assert {m: r["status"] for m, r in project.results().items()} == {"fake_customers": "pass", "by_tier": "pass"}


@pytest.mark.filterwarnings("default::FutureWarning")
def test_each_kind_of_before_is_the_kind_of_now() -> None:
    with pytest.warns(FutureWarning, match=r"base\.Trained"):
        trained = OLD("t", 1, Params, nothing, nothing, nothing, nothing, mechanisms=nothing, supports_epsilon=True)
    assert type(trained) is Trained
    assert (trained.fit, trained.load, trained.supports_epsilon) == (nothing, nothing, True)
    with pytest.warns(FutureWarning, match=r"base\.Query"):
        assert type(OLD(name="q", version=1, params=Params, kind="query")) is Query
    with pytest.warns(FutureWarning, match=r"base\.Taught"):
        taught = OLD(name="a", version=2, params=Params, kind="teacher", compose=nothing)
    assert type(taught) is Taught
    schema = Schema((Column("a", "text", "VARCHAR"),))
    assert taught.columns(Params(), schema) == schema
    assert (list(taught.estimate(Params(), 1, Path())), list(taught.warnings(Params()))) == ([], [])


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_one_of_before_leaves_out_is_said_when_it_is_needed(tmp_path: Path) -> None:
    bare = OLD("t", 1, Params, fit=nothing, sample=nothing, supports_epsilon=True)
    with pytest.raises(BuildError, match="cannot keep its models"):
        bare.save(None, tmp_path)
    with pytest.raises(SynthError, match="does not say what it would spend"):
        bare.mechanisms(Params(), Budget(1.0, 1e-6), Schema(()))
    silent_one = OLD("t", 1, Params, fit=nothing, sample=nothing, mechanisms=nothing)
    assert not silent_one.supports_epsilon  # it claims nothing
    with pytest.raises(TypeError, match="has no fit and sample"):
        OLD("t", 1, Params)
    with pytest.raises(TypeError, match="has no compose"):
        OLD("t", 1, Params, kind="teacher")


# -- several tables ------------------------------------------------------------------------------------

PEOPLE = Schema((Column("id", "id", "BIGINT"), Column("age", "integer", "BIGINT")), primary_key=("id",))
ORDERS = Schema((Column("person", "id", "BIGINT"), Column("paid", "integer", "BIGINT")))
KEY = Key("orders", ("person",), "people", owner=True)


def table(path: Path, schema: Schema, rows: dict[str, list[int]]) -> Table:
    pq.write_table(pa.table(rows), path)
    return Table(schema, (path,), len(next(iter(rows.values()))))


@pytest.fixture
def shop(tmp_path: Path) -> Tables:
    people = table(tmp_path / "people.parquet", PEOPLE, {"id": [1, 2, 3], "age": [10, 20, 30]})
    orders = table(tmp_path / "orders.parquet", ORDERS, {"person": [1, 1, 2, 2, 2], "paid": [11, 12, 21, 22, 23]})
    return Tables({"people": people, "orders": orders}, (KEY,))


def fit(tables: Tables, params: Any, *, budget: Any, seed: int, device: str, progress: Progress) -> Any:
    return {name: t.to_pandas() for name, t in tables.members.items()}


def sample(
    model: Any, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """People with replacement, under new keys, each with all that is theirs."""
    people, orders = model["people"], model["orders"]
    drawn = people.iloc[np.random.default_rng(seed).integers(0, len(people), rows)]
    yield "people", pa.RecordBatch.from_pydict({"id": list(range(rows)), "age": list(drawn["age"])})
    theirs = [(new, paid) for new, old in enumerate(drawn["id"]) for paid in orders.paid[orders.person == old]]
    yield "orders", pa.RecordBatch.from_pydict({"person": [n for n, _ in theirs], "paid": [p for _, p in theirs]})


FAMILY = replace(registry.trained("circuit"), name="test.family", related=Related(fit, sample))


def test_a_generator_that_learns_related_tables_draws_them_with_their_keys(shop: Tables) -> None:
    model = fit_tables(FAMILY, shop, Params(), budget=None, seed=0, device="cpu", progress=silent)
    drawn = dict(sample_tables(FAMILY, shop, model, 50, conditions=(), seed=1, progress=silent))
    people, orders = (drawn[name].to_pydict() for name in ("people", "orders"))
    assert len(people["id"]) == 50
    ages = dict(zip(people["id"], people["age"], strict=True))
    assert orders["person"]
    assert all(ages[person] == paid // 10 * 10 for person, paid in zip(*orders.values(), strict=True))


def test_one_table_goes_to_what_every_generator_has(tmp_path: Path) -> None:
    one = Tables.of(table(tmp_path / "t.parquet", PEOPLE.select(["age"]), {"age": [1, 2, 3] * 30}), "ages")
    circuit = registry.trained("circuit")
    params = circuit.params.model_validate({"states": 2, "min_steps": 5, "refinements": 0})
    given: dict[str, Any] = {"budget": None, "seed": 0, "device": "cpu", "progress": silent}
    model = fit_tables(circuit, one, params, **given)
    (name, rows), *_ = sample_tables(circuit, one, model, 20, conditions=(), seed=1, progress=silent)
    assert one.alone is not None
    alone = circuit.fit(one.alone, params, **given)
    (same,) = circuit.sample(alone, 20, conditions=(), seed=1, progress=silent)
    assert (name, rows) == ("ages", same)


@pytest.mark.parametrize("name", [n for n in registry.names() if n not in KINDS and registry.get(n).related is None])
def test_a_generator_that_learns_one_table_alone_refuses_several(name: str, shop: Tables) -> None:
    generator = registry.trained(name)
    with pytest.raises(SynthError, match=f"'{name}' learns one table alone, not 'people', 'orders' together"):
        fit_tables(generator, shop, generator.params(), budget=None, seed=0, device="cpu", progress=silent)
    with pytest.raises(SynthError, match="learns one table alone"):
        sample_tables(generator, shop, None, 5, conditions=(), seed=0, progress=silent)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ((replace(KEY, references="shops"),), "names 'shops', which is not there"),
        ((replace(KEY, table="people", columns=("id",), references="people"),), "to its owner leads to itself"),
        ((Key("people", ("id",), "orders"),), "'orders' does not stand before 'people'"),
        ((replace(KEY, columns=("person", "paid")),), "has 2 columns, and 1 name a row"),
        ((replace(KEY, columns=("whose",)),), "has no column 'whose'"),
        ((KEY, replace(KEY, columns=("paid",))), "'orders' has two owners"),
    ],
)
def test_keys_that_lead_nowhere_are_refused(shop: Tables, keys: tuple[Key, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Tables(shop.members, keys)


def test_no_tables_are_none() -> None:
    with pytest.raises(ValueError, match="there is no table"):
        Tables({})
