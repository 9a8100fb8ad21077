"""`models/x.sql` is the query of the model `x`, as dbt reads it, with its YAML beside it or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.synth import COPULA_PROJECT, Project, make_project

FILES = {
    "synth_project.yml": "name: shop\nseed: 7\nmodels:\n  marts:\n    +tags: [mart]\n",
    "models/sources.yml": COPULA_PROJECT["models/sources.yml"],
    "models/tables.yml": """
        version: 1
        models:
          - name: by_tier
            description: Customers by tier
            columns: [{name: tier, description: the tier}]
            audits: [row_count: {max: 9}]
    """,
    "models/by_tier.sql": "{{ config(materialized='view', tags=['a']) }}\n"
    "select tier, count(*) as n from {{ ref('people') }} group by tier order by tier\n",
    "models/marts/people.sql": "select * from {{ source('crm', 'customers') }}\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return make_project(tmp_path / "shop", FILES)


def models(shop: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shop.ok("compile", "--log-format", "json"))["models"]
    return found


def faults(shop: Project) -> str:
    return shop.fails("compile", code=2)


def test_a_file_is_a_model_and_its_yaml_describes_it(shop: Project) -> None:
    found = models(shop)
    assert set(found) == {"people", "by_tier"}
    by_tier = found["by_tier"]
    assert (by_tier["description"], by_tier["materialized"], by_tier["tags"]) == ("Customers by tier", "view", ["a"])
    assert found["people"]["tags"] == ["mart"]  # of the folder that the file lies in
    shop.ok("build")
    assert [row["n"] for row in shop.query("select n from by_tier order by n")] != []
    receipt = json.loads((shop.root / "warehouse/dev/by_tier.receipt.json").read_text("utf-8"))
    assert receipt["column_descriptions"] == {"tier": "the tier"}
    assert [a["name"] for a in receipt["audits"]] == ["row_count"]
    assert "nothing to do" in shop.ok("plan")
    shop.write({"models/marts/people.sql": "select * from {{ source('crm', 'customers') }} where age > 30\n"})
    plan = json.loads(shop.ok("plan", "--output", "json"))["actions"]
    assert [(a["model"], a["action"]) for a in plan] == [("people", "query"), ("by_tier", "query")]
    assert plan[0]["reason"] == "changed: query"


def test_what_the_file_says_wins_over_the_yaml_and_that_over_the_folder(shop: Project) -> None:
    shop.write(
        {
            "models/more.yml": "models: [{name: people, materialized: view, tags: [own]}]\n",
            "models/marts/people.sql": "{{ config(materialized='parquet') }} select * from {{ source('crm', 'customers') }}\n",
        }
    )
    people = models(shop)["people"]
    assert (people["materialized"], people["tags"]) == ("parquet", ["mart", "own"])  # of the query's folder


def test_a_disabled_file_is_left_out(shop: Project) -> None:
    shop.write({"models/off.sql": "{{ config(enabled=false) }} select 1 as a\n"})
    assert set(models(shop)) == {"people", "by_tier"}
    shop.write({"models/off.sql": "select 1 as a\n", "models/off.yml": "models: [{name: 'off', enabled: false}]\n"})
    assert set(models(shop)) == {"people", "by_tier"}


def test_a_file_that_a_model_names_is_that_model_s(shop: Project) -> None:
    shop.write(
        {
            "models/text/q.sql": "select 1 as a\n",
            "models/q.yml": "models: [{name: one, audits: [], generator: {name: sql, file: models/text/q.sql}}]\n",
        }
    )
    assert set(models(shop)) == {"people", "by_tier", "one"}


def test_bare_sql_means_the_file_beside(shop: Project) -> None:
    shop.write({"models/more.yml": "models: [{name: people, generator: sql, audits: []}]\n"})
    assert models(shop)["people"]["generator"]["params"]["file"] == "models/marts/people.sql"


def test_sql_of_audits_and_macros_is_no_model_wherever_it_lies(shop: Project) -> None:
    shop.write(
        {
            "synth_project.yml": "name: shop\npaths: {models: [models], audits: [models/checks], macros: [models/helpers]}\n",
            "models/checks/none.sql": "select * from {{ this }} where false\n",
            "models/helpers/m.sql": "{% macro one() %}1{% endmacro %}\n",
        }
    )
    assert set(models(shop)) == {"people", "by_tier"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"models/more.yml": "models:\n  - name: people\n    generator: circuit\n    source: \"{{ source('crm', 'customers') }}\"\n"},
            "models/more.yml:3:16: error: models/marts/people.sql would be the query of 'people', which has another",
        ),
        (
            {"models/more.yml": "models: [{name: people, generator: {name: sql, query: select 1 as a}}]\n"},
            "would be the query of 'people', which has another generator",
        ),
        ({"models/people.sql": "select 1 as a\n"}, "'people' is also in models/"),
        ({"models/x.sql": "select *\nfrom {{ ref('peple') }}\n"}, "models/x.sql:1:1: error: there is no model 'peple'"),
        ({"models/x.sql": "{{ config(schema='s') }} select 1 as a\n"}, "config() has an unknown key 'schema'"),
        ({"models/x.sql": "--\n{{ config(tags=[var('y')]) }} select 1 as a\n"}, "models/x.sql:2:1: error: config(tags=…) is no constant"),
        ({"models/x.sql": "{{ config(materialized='tabel') }} select 1 as a\n"}, "models/x.sql:1:1: error: materialized in model 'x' cannot be 'tabel'"),
        ({"models/9x.sql": "select 1 as a\n"}, "'9x' is no name for a model"),
        ({"models/x.sql": "drop table a\n"}, "the query of 'x'"),
        ({"models/x.sql": b"select '\xff' as a\n"}, "cannot read the query's file"),
        (
            {"models/more.yml": "models:\n  - name: people\n    tests: [unique]\n"},
            "models/more.yml:3:5: error: unknown key 'tests' in model 'people'",
        ),
        ({"models/more.yml": "models:\n  - name: people\n    data_tests: [unique]\n"}, "it is called audits here"),
        (
            {"models/more.yml": "models:\n  - name: people\n    columns:\n      - name: tier\n        tests: [unique]\n"},
            "models/more.yml:5:9: error: unknown key 'tests' in column 'tier'",
        ),
    ],
)  # fmt: skip
def test_mistakes_have_their_place(shop: Project, files: dict[str, str | bytes], said: str) -> None:
    shop.write(files)
    assert said in faults(shop)
