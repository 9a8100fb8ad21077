"""Audit sets: named in the project file, taken by models; every fault in one has its place."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from synthkit.project.yamlfile import Document, parse_text
from synthkit.scaffold.schemas import schema
from tests.synth import SQL_PROJECT, Project, make_project

PROJECT = """
    name: shop
    seed: 7
    vars: {most: 90}
    audit_sets:
      keys:
        - not_null: {columns: [customer_id]}
        - unique: {columns: [customer_id]}
      ages:
        - accepted_range: {column: age, min: 18, max: "{{ var('most') }}"}
"""
MODELS = """
    version: 1
    models:
      - name: customers
        generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
        audits:
          - set: keys
          - row_count: {min: 1}
          - set: ages
"""


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return make_project(tmp_path / "shop", SQL_PROJECT).write(
        {"synth_project.yml": PROJECT, "models/customers.yml": MODELS}
    )


def test_sets_and_own_audits_run_in_their_order(shop: Project) -> None:
    shop.ok("build")
    names = [a["name"] for a in shop.results()["customers"]["audits"]]
    assert names == ["not_null", "unique", "row_count", "accepted_range"]


def test_a_set_may_use_variables(shop: Project) -> None:
    assert "accepted_range" in shop.fails("build", "--vars", "{most: 20}")


def test_a_changed_set_audits_again_and_builds_nothing(shop: Project) -> None:
    shop.ok("build")
    shop.write({"synth_project.yml": PROJECT.replace("min: 18", "min: 17")})
    shop.ok("build")
    assert shop.results()["customers"]["action"] == "audit"


def test_folders_take_sets_too(shop: Project) -> None:
    shop.write(
        {
            "synth_project.yml": PROJECT + "    models:\n      +audits: [{set: keys}]\n",
            "models/customers.yml": MODELS.partition("        audits:")[0],
        }
    )
    shop.ok("build")
    assert [a["name"] for a in shop.results()["customers"]["audits"]] == ["not_null", "unique"]


@pytest.mark.parametrize(
    ("file", "old", "new", "message", "hint"),
    [
        ("models/customers.yml", "set: ages", "set: agse", "models/customers.yml:8:14: error: there is no audit set 'agse'", "'ages'"),
        ("models/customers.yml", "\n          - set: keys\n          - row_count: {min: 1}\n          - set: ages\n", " keys\n", "must be a list", "write audits: [{set: keys}]"),
        ("synth_project.yml", "column: age,", "column: agee,", "synth_project.yml:9:32: error: audit 'accepted_range' names the column 'agee', which 'customers' does not have", "'age'"),
        ("synth_project.yml", "unique:", "uniqe:", "synth_project.yml:7:14: error: there is no audit 'uniqe'", "'unique'"),
        ("synth_project.yml", "min: 18", "mni: 18", "synth_project.yml:9:37: error: unknown key 'mni'", "'min'"),
        ("synth_project.yml", "- unique: {columns: [customer_id]}", "- set: ages", "audit 'set' takes named parameters", ""),
        ("synth_project.yml", "      keys:\n        - not_null: {columns: [customer_id]}", "      keys: 3\n      more:\n        - not_null: {columns: [customer_id]}", "the audits of audit set 'keys' must be a list", ""),
    ],
)  # fmt: skip
def test_faults(shop: Project, file: str, old: str, new: str, message: str, hint: str) -> None:
    text = {"synth_project.yml": PROJECT, "models/customers.yml": MODELS}[file]
    assert old in text
    shop.write({file: text.replace(old, new)})
    said = shop.fails("compile", code=2)
    assert message in said
    assert hint in said


def test_the_json_schema_knows_them() -> None:
    project, models = (jsonschema.Draft202012Validator(schema(name)) for name in ("project", "models"))
    assert project.is_valid(parse_text(PROJECT, Document(Path("x.yml"))).value)
    assert models.is_valid(parse_text(MODELS, Document(Path("x.yml"))).value)
    assert not project.is_valid({"name": "x", "audit_sets": {"a": [{"ks": {"maximum": 1}}]}})


def test_the_default_set_is_taken_by_its_name(shop: Project) -> None:
    """It stands where it is taken, and is what a model without audits has."""
    own = "          - set: keys\n          - row_count: {min: 1}\n          - set: ages\n"
    sets = "          - set: default\n          - set: ages\n"
    shop.write({"models/customers.yml": MODELS.replace(own, sets)})
    shop.ok("build")
    names = [a["name"] for a in shop.results()["customers"]["audits"]]
    shop.write({"models/customers.yml": MODELS.partition("        audits:")[0]})
    shop.ok("build")
    default = [a["name"] for a in shop.results()["customers"]["audits"]]
    assert names == [*default, "accepted_range"]
    assert default


def test_a_project_may_call_a_set_of_its_own_default(shop: Project) -> None:
    shop.write(
        {
            "synth_project.yml": PROJECT.replace("      keys:", "      default:"),
            "models/customers.yml": MODELS.replace("set: keys", "set: default"),
        }
    )
    shop.ok("build")
    names = [a["name"] for a in shop.results()["customers"]["audits"]]
    assert names == ["not_null", "unique", "row_count", "accepted_range"]
