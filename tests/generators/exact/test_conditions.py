"""Conditions become exact numbers of rows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.errors import SynthError
from synthkit.generators.exact.conditions import check_conditions, quotas, share, typed_value
from synthkit.schema import Column, Schema
from tests.synth import Project, write_csv

SCHEMA = Schema(
    (
        Column("churn", "categorical", "VARCHAR"),
        Column("plan", "categorical", "VARCHAR", values=("a", "b", "c")),
        Column("flag", "boolean", "BOOLEAN"),
        Column("n", "integer", "BIGINT"),
        Column("id", "id", "VARCHAR"),
    )
)


def test_shares_of_one_column() -> None:
    found = quotas({"churn": {"yes": "50%", "no": "50%"}}, 301, SCHEMA)
    assert {q.values["churn"]: q.rows for q in found} == {"yes": 151, "no": 150}


def test_one_value_for_all_rows() -> None:
    (only,) = quotas({"churn": "yes"}, 10, SCHEMA)
    assert (dict(only.values), only.rows) == ({"churn": "yes"}, 10)


def test_shares_of_two_columns_multiply() -> None:
    found = quotas({"churn": {"yes": "25%", "no": "75%"}, "flag": {"true": 0.5, "no": 0.5}}, 80, SCHEMA)
    assert {(q.values["churn"], q.values["flag"]): q.rows for q in found} == {
        ("yes", True): 10,
        ("yes", False): 10,
        ("no", True): 30,
        ("no", False): 30,
    }


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=3), st.integers(1, 100_000))
def test_rows_add_up_and_are_within_one_of_their_share(weights: list[int], rows: int) -> None:
    total = sum(weights)
    wanted = {v: w / total for v, w in zip("abc", weights, strict=False)}
    found = quotas({"plan": wanted}, rows, SCHEMA)
    assert sum(q.rows for q in found) == rows
    for q in found:
        assert abs(q.rows - wanted[q.values["plan"]] * rows) < 1 + 1e-6


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"chrun": "yes"}, "no column 'chrun'"),
        ({"churn": {"yes": "50%", "no": "40%"}}, "add up to 90%"),
        ({"churn": {"yes": "half", "no": "50%"}}, "not a share"),
        ({"churn": {"yes": "150%"}}, "not between"),
        ({"plan": {"d": "100%"}}, "no declared value"),
        ({"flag": "perhaps"}, "neither true nor false"),
        ({"n": "many"}, "integer"),
        ({"id": "C-1"}, "not modelled"),
    ],
)
def test_what_is_wrong_is_said(conditions: dict[str, object], message: str) -> None:
    problems = check_conditions(conditions, SCHEMA)
    assert problems
    assert message in problems[0][1]
    with pytest.raises(SynthError, match="conditions"):
        quotas(conditions, 10, SCHEMA)


def test_values_take_the_columns_type() -> None:
    assert typed_value("3", SCHEMA.by_name["n"]) == 3
    assert typed_value("yes", SCHEMA.by_name["flag"]) is True
    assert typed_value("1.50", Column("d", "decimal", "DECIMAL(10,2)")) == Decimal("1.50")
    assert share("12.5%") == 0.125


def test_null_is_the_missing_value() -> None:
    found = quotas({"churn": {"null": "10%", "ops": "45%", "law": "45%"}}, 200, SCHEMA)
    assert {q.values["churn"]: q.rows for q in found} == {None: 20, "ops": 90, "law": 90}
    (only,) = quotas({"n": None}, 10, SCHEMA)
    assert dict(only.values) == {"n": None}
    assert {q.values["n"] for q in quotas({"n": {"null": 0.5, "3": 0.5}}, 10, SCHEMA)} == {None, 3}


def test_a_declared_value_of_that_name_is_a_value() -> None:
    schema = Schema((Column("plan", "categorical", "VARCHAR", values=("null", "b")),))
    assert {q.values["plan"] for q in quotas({"plan": {"null": 0.5, "b": 0.5}}, 10, schema)} == {"null", "b"}


@pytest.mark.parametrize(
    ("column", "wanted", "message"),
    [
        (Column("k", "categorical", "VARCHAR", nullable=False), {"null": 0.5, "a": 0.5}, "has no missing values"),
        (Column("k", "integer", "BIGINT", nullable=False), None, "has no missing values"),
        (Column("age", "integer", "BIGINT", bounds=(18, 100)), 17, "lies outside the bounds"),
        (Column("age", "integer", "BIGINT", bounds=(18, 100)), {"101": 0.5, "20": 0.5}, "lies outside the bounds"),
        (Column("d", "date", "DATE", bounds=("2020-01-01", "2020-12-31")), "2021-01-01", "lies outside the bounds"),
    ],
)
def test_what_the_declaration_rules_out_is_a_fault(column: Column, wanted: object, message: str) -> None:
    [(path, said, hint)] = check_conditions({column.name: wanted}, Schema((column,)))
    assert message in said
    assert path[0] == column.name
    assert hint


PROJECT = {
    "synth_project.yml": "name: shop\nseed: 7\n",
    "models/m.yml": """
        version: 1
        sources:
          - {name: crm, tables: [{name: people, path: data/people.csv}]}
        models:
          - name: people
            source: "{{ source('crm', 'people') }}"
            generator: circuit
            size: 200
            conditions: {dept: {null: 10%, ops: 45%, law: 45%}}
            audits: []
    """,
}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    rows = [{"dept": ("", "ops", "law", "hr")[0 if i % 20 == 0 else 1 + i % 3], "n": i % 7} for i in range(400)]
    write_csv(tmp_path / "data" / "people.csv", rows)
    return Project(tmp_path).write(PROJECT)


def test_a_share_of_missing_values_is_met(shop: Project) -> None:
    shop.ok("build")
    counts = shop.query("select dept, count(*) as n from people group by all order by all")
    assert {r["dept"]: r["n"] for r in counts} == {None: 20, "ops": 90, "law": 90}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("{dept: {sales: 10%, ops: 90%}}", "column 'dept' never is 'sales' in the training rows"),
        ("{n: {null: 10%, 3: 90%}}", "column 'n' has no missing values"),
        ("{n: 9}", "column 'n' never reaches 9 in the training rows"),
    ],
)
def test_what_the_training_rows_lack_is_said_before_training(shop: Project, wanted: str, message: str) -> None:
    text = PROJECT["models/m.yml"].replace("{dept: {null: 10%, ops: 45%, law: 45%}}", wanted)
    shop.write({"models/m.yml": text})
    assert message in shop.fails("build")
    assert not list((shop.root / "target" / "cache").rglob("circuit.safetensors"))
