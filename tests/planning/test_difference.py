"""`synth plan` says which hash of a model changed, and names what in it did; what changes nothing is not told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from synthkit.planning.difference import changes
from tests.private import DECLARED
from tests.receipts import audited
from tests.synth import Project, make_project

PROJECT = """
    name: shop
    seed: 7
    vars: {epochs: 2, minimum: 20, most: 0.9, other: 1, label: x, city: "{{ env_var('CITY', 'Bonn') }}"}
"""
SOURCES = """
    version: 1
    sources:
      - name: crm
        tables:
          - {name: customers, path: "{{ var('folder', 'data') }}/customers.csv", primary_key: customer_id}
"""
MACROS = """
{% set suffix = 'x' %}
{% macro clean(column) %}trim({{ inner(column) }}){% endmacro %}
{% macro inner(column) %}lower({{ column }} || '{{ suffix }}'){% endmacro %}
{% macro unused() %}1{% endmacro %}
"""
MODELS = """
    version: 1
    models:
      - name: trained
        source: "{{ source('crm', 'customers') }}"
        generator: {name: sdv.tvae, epochs: "{{ var('epochs') }}", batch_size: 100}
        size: 100
        conditions: {churned: {"yes": 50%, "no": 50%}}
        audits:
          - ks: {max: "{{ var('most') }}", severity: warn}
          - row_count: {equals: 100}
          - old_enough: {minimum: 18}
      - name: grown
        generator: {name: sql, query: "select * from {{ source('crm', 'customers') }} where age >= {{ var('minimum') }}"}
        audits: []
      - name: cleaned
        generator: {name: sql, query: "select {{ clean('tier') }} as tier from {{ ref('grown') }}"}
        audits: []
      - name: labelled
        generator: {name: sql, query: "select '{{ env_var('LABEL', 'none') }}' as label, '{{ var('city') }}' as city, 1 as n"}
        audits:
          - accepted_values: {column: label, values: ["{{ env_var('LABEL', 'none') }}"]}
      - name: plain
        generator: {name: sql, query: "select 1 as n from {{ source('crm', 'customers') }} where age > 30 limit 1"}
        audits: []
"""
AUDIT = "select * from {{ this }} where age < {{ minimum }} - 100\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(
        tmp_path_factory.mktemp("explain") / "shop",
        {
            "synth_project.yml": PROJECT,
            "models/sources.yml": SOURCES,
            "models/models.yml": MODELS,
            "macros/text.sql": MACROS,
            "audits/old_enough.sql": AUDIT,
        },
    )
    project.ok("build", env={"LABEL": "s3cret-one"})
    return project


@pytest.fixture
def shop(built: Project, tmp_path: Path) -> Project:
    shutil.copytree(built.root, tmp_path / "shop")
    return Project(tmp_path / "shop")


def plan(project: Project, *arguments: str, label: str = "s3cret-one", env: Mapping[str, str] | None = None) -> Any:
    """Model → its lines, of those that are not reused."""
    text = project.ok("plan", "--output", "json", *arguments, env={"LABEL": label, **(env or {})})
    printed = project.ok("plan", *arguments, env={"LABEL": label, **(env or {})})
    actions = json.loads(text)["actions"]
    for line in (line for a in actions for line in a["changes"]):
        assert line in printed
    return {a["model"]: a["changes"] for a in actions if a["action"] != "reuse"}


def edited(project: Project, file: str, old: str, new: str) -> Project:
    path = project.root / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return project


def test_nothing_is_told_of_what_changed_nothing(shop: Project) -> None:
    assert plan(shop) == {}
    edited(shop, "synth_project.yml", "other: 1, label: x", "label: y, other: 2, new: 3")  # unrelated, another order
    edited(shop, "macros/text.sql", "{% macro unused() %}1", "{# a remark #}\n{% macro unused() %}2")
    edited(
        shop,
        "macros/text.sql",
        "clean(column) %}trim({{ inner(column) }})",
        "clean( column )  %}trim({{inner( column )}})",
    )
    edited(shop, "models/models.yml", "batch_size: 100}", "'batch_size': 100  }  # as before")
    edited(shop, "models/models.yml", "{equals: 100}", "{ equals:  100 }")
    assert plan(shop, env={"UNRELATED": "1"}) == {}
    assert plan(shop, "--vars", "{other: 9}") == {}


def test_a_variable(shop: Project) -> None:
    assert plan(shop, "--vars", "{epochs: 3}") == {
        "trained": ["train hash changed: generator.epochs 2 → 3 (var 'epochs')"]
    }


def test_a_variable_in_a_query_and_the_model_downstream(shop: Project) -> None:
    found = plan(shop, "--vars", "{minimum: 21}")
    assert found["grown"] == ["train hash changed: query (var 'minimum' 20 → 21)"]
    (line,) = found["cleaned"]
    assert line.startswith("train hash changed: upstream model 'grown' ")
    assert set(found) == {"grown", "cleaned"}


def test_a_parameter_that_no_variable_gives(shop: Project) -> None:
    edited(shop, "models/models.yml", "batch_size: 100", "batch_size: 50")
    assert plan(shop) == {"trained": ["train hash changed: generator.batch_size 100 → 50"]}


def test_a_variable_in_place_of_a_number_and_a_number_in_place_of_a_variable(shop: Project) -> None:
    edited(shop, "models/models.yml", "batch_size: 100", "batch_size: \"{{ var('other') * 50 }}\"")
    edited(shop, "models/models.yml", "epochs: \"{{ var('epochs') }}\"", "epochs: 3")
    assert plan(shop)["trained"] == [
        "train hash changed: generator.batch_size 100 → 50 (now by var 'other')",
        "train hash changed: generator.epochs 2 → 3 (no longer by var 'epochs')",
    ]


def test_a_macro_and_one_that_it_calls(shop: Project) -> None:
    edited(shop, "macros/text.sql", "%}trim({{ inner(column) }})", "%}rtrim({{ inner(column) }})")
    assert plan(shop) == {"cleaned": ["train hash changed: query (macro 'clean' changed)"]}
    edited(shop, "macros/text.sql", "%}rtrim(", "%}trim(")
    edited(shop, "macros/text.sql", "lower(", "upper(")
    assert plan(shop) == {"cleaned": ["train hash changed: query (macro 'inner' changed)"]}
    edited(shop, "macros/text.sql", "upper(", "lower(")
    edited(shop, "macros/text.sql", "suffix = 'x'", "suffix = 'y'")
    assert plan(shop) == {"cleaned": ["train hash changed: query (macro 'inner' changed)"]}


def test_an_environment_variable_is_named_and_its_value_is_not(shop: Project) -> None:
    done = shop.synth("plan", env={"LABEL": "s3cret-two"})
    assert "s3cret" not in done.stdout + done.stderr
    assert plan(shop, label="s3cret-two") == {
        "labelled": [
            "train hash changed: query (env_var 'CITY' or 'LABEL' changed)",
            "audit hash changed: accepted_values.values (env_var 'LABEL' changed)",
        ]
    }


def test_the_environment_behind_a_variable_is_named(shop: Project) -> None:
    (line,) = plan(shop, env={"CITY": "s3cret-city"})["labelled"]
    assert line == "train hash changed: query (env_var 'CITY' or 'LABEL' changed)"


def test_receipts_hold_no_value_of_the_environment_where_they_explain(shop: Project) -> None:
    receipt = json.loads((shop.root / "warehouse/dev/labelled.receipt.json").read_text("utf-8"))
    assert "s3cret" not in json.dumps(receipt["uses"])
    assert "Bonn" not in json.dumps(receipt["uses"])
    (query,) = (u for u in receipt["uses"] if u["path"] == ["query"])
    assert query["env_vars"] == ["CITY", "LABEL"]


def test_the_seed_of_the_project_and_of_a_model(shop: Project) -> None:
    found = plan(shop, "--seed", "8")
    assert found["plain"] == ["train hash changed: seed 7 → 8 (the project's)"]
    assert found["trained"] == ["train hash changed: seed 7 → 8 (the project's)"]
    edited(shop, "models/models.yml", "    size: 100\n", "    size: 100\n    seed: 5\n")
    (line,) = plan(shop)["trained"]
    assert line.startswith("train hash changed: seed ")
    assert line.endswith(" → 5")


def test_the_content_and_the_declaration_of_a_source(shop: Project) -> None:
    edited(shop, "data/customers.csv", "pro", "gold")
    found = plan(shop)
    for model in ("trained", "grown", "plain"):
        (line,) = found[model]
        assert line.startswith("train hash changed: rows of source crm.customers ")
    edited(shop, "data/customers.csv", "gold", "pro")
    shutil.copytree(shop.root / "data", shop.root / "other")
    found = plan(shop, "--vars", "{folder: other}")
    assert found["plain"][0] == "train hash changed: declaration of source crm.customers (var 'folder' data → other)"


def test_the_size_and_conditions_make_other_rows_of_the_same_training(shop: Project) -> None:
    edited(shop, "models/models.yml", "    size: 100\n", "    size: 50\n")
    edited(shop, "models/models.yml", '"yes": 50%, "no": 50%', '"yes": 40%, "no": 60%')
    assert plan(shop)["trained"] == [
        "sample hash changed: conditions.churned.no 50% → 60%",
        "sample hash changed: conditions.churned.yes 50% → 40%",
        "sample hash changed: size 100 → 50",
    ]
    assert "changed: conditions.churned.no, conditions.churned.yes, size; the trained model" in shop.ok("plan")


def test_parameters_of_audits(shop: Project) -> None:
    assert plan(shop, "--vars", "{most: 0.8}") == {"trained": ["audit hash changed: ks.max 0.9 → 0.8 (var 'most')"]}
    edited(shop, "models/models.yml", "{minimum: 18}", "{minimum: 21}")
    assert plan(shop) == {"trained": ["audit hash changed: old_enough.minimum 18 → 21"]}
    edited(shop, "models/models.yml", "- row_count: {equals: 100}", "- not_null: {columns: [age]}")
    edited(shop, "models/models.yml", "severity: warn", "severity: error")
    edited(shop, "models/models.yml", "{minimum: 21}", "{minimum: 18}")
    edited(shop, "audits/old_enough.sql", "- 100", "- 90")
    assert plan(shop)["trained"] == [
        "audit hash changed: audit 'not_null' added",
        "audit hash changed: audit 'row_count' removed",
        "audit hash changed: ks.severity warn → error",
        "audit hash changed: old_enough.sql (edited)",
    ]


def test_an_edited_query_shows_where(shop: Project) -> None:
    edited(shop, "models/models.yml", "age > 30", "age > 40")
    (line,) = plan(shop)["plain"]
    assert line.startswith("train hash changed: query …")
    assert "age > 30 limit 1 → …" in line
    edited(shop, "models/models.yml", '1 as n"}', '2 as n"}')
    assert plan(shop)["labelled"] == ["train hash changed: query (edited)"]


def test_a_receipt_that_does_not_say_what_was_used(shop: Project) -> None:
    """As older versions wrote it."""
    for name in ("trained", "labelled"):
        path = shop.root / f"warehouse/dev/{name}.receipt.json"
        receipt = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({k: v for k, v in receipt.items() if k not in ("uses", "required")}), "utf-8")
    assert plan(shop, "--vars", "{epochs: 3, most: 0.8}")["trained"] == [
        "train hash changed: generator.epochs 2 → 3 (var 'epochs')",
        "audit hash changed: audits",
    ]
    assert "s3cret" not in shop.ok("plan", env={"LABEL": "s3cret-two"})


DEFAULTS = {
    "synth_project.yml": """
        name: shop
        vars: {held: 20%, limit: 90}
        holdout: "{{ var('held') }}"
        targets: {dev: {vars: {start: 1}}}
        audit_sets:
          ages:
            - accepted_range: {column: age, max: "{{ var('limit') }}"}
            - accepted_range: {column: age, min: "{{ var('start') - 1 }}"}
        models: {+seed: "{{ var('start') }}"}
    """,
    "models/models.yml": """
        version: 1
        models:
          - name: hidden
            materialized: ephemeral
            generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
            audits: [{not_null: {columns: [age]}}, {set: ages}]
    """,
}


def test_what_folders_sets_and_the_project_say_is_told_as_if_the_model_said_it(tmp_path: Path) -> None:
    sources = SOURCES.replace("{{ var('folder', 'data') }}", "data")
    project = make_project(tmp_path / "shop", {**DEFAULTS, "models/sources.yml": sources})
    project.ok("build")
    assert plan(project) == {}
    assert plan(project, "--vars", "{limit: 95}") == {
        "hidden": ["audit hash changed: accepted_range.max 90 → 95 (var 'limit')"]
    }
    assert plan(project, "--vars", "{start: 2}") == {
        "hidden": [
            "train hash changed: seed 1 → 2 (var 'start')",
            "audit hash changed: accepted_range #2.min 0 → 1 (var 'start' 1 → 2)",
        ]
    }
    assert plan(project, "--vars", "{held: 25%}") == {"hidden": ["train hash changed: holdout 20% → 25% (var 'held')"]}
    edited(project, "synth_project.yml", "holdout: ", "device: cpu\nholdout: ")
    assert plan(project) == {}  # SQL runs on no device


def test_a_private_model_and_its_budget(tmp_path: Path) -> None:
    model = """
        version: 1
        models:
          - name: private
            source: "{{ source('crm', 'customers') }}"
            generator: independent
            epsilon: "{{ var('eps') }}"
            delta: 1e-4
            size: 50
            audits: []
    """
    files = {"synth_project.yml": "name: shop\nvars: {eps: 1}\n", "models/sources.yml": DECLARED, "models/m.yml": model}
    project = make_project(tmp_path / "shop", files)
    project.ok("build")
    assert plan(project) == {}
    assert plan(project, "--vars", "{eps: 0.5}") == {"private": ["train hash changed: epsilon 1.0 → 0.5 (var 'eps')"]}
    edited(project, "models/sources.yml", "bounds: [18, 90]", "bounds: [18, 95]")
    assert plan(project) == {"private": ["train hash changed: declaration of source crm.customers"]}


def test_two_receipts_of_another_kind_of_generator() -> None:
    """What one side alone has is told one by one; of what an older version did not write nothing is."""
    query = {"generator": {"name": "sql", "params": {"query": "select 1"}}, "sources": {}, "seed": 3}
    model = {
        "generator": {"name": "circuit", "version": 2, "params": {}},
        "sources": {"source:a.b": "0" * 64},
        "declared": {"source:a.b": "1" * 64},
        "epsilon": 1.0,
        "budget": {"epsilon": 1.0, "max_rows_per_unit": 2},
        "seed": 3,
    }
    before = audited(inputs={"train": query, "audit": {"reference": {"source:a.b": "0" * 64, "holdout": 0.2}}})
    after = audited(inputs={"train": model})
    assert [str(c) for c in changes(before, after)] == [
        'train hash changed: budget added: {"epsilon": 1.0, "max_rows_per_unit": 2}',
        "train hash changed: declaration of source a.b",
        "train hash changed: epsilon added: 1.0",
        "train hash changed: generator sql → circuit",
        "train hash changed: query removed: select 1",
        "train hash changed: version of generator circuit added: 2",
        "train hash changed: rows of source a.b added: 00000000",
        "audit hash changed: holdout removed: 0.2",
        "audit hash changed: rows of source a.b that its audits read removed: 00000000",
    ]


def test_a_budget_that_was_edited_is_told_of_where_the_models_epsilon_is_not() -> None:
    before, after = (audited(inputs={"train": {"epsilon": 1.0, "budget": {"epsilon": e}}}) for e in (1.0, 2.0))
    assert [c.subject for c in changes(before, after)] == ["budget.epsilon"]
