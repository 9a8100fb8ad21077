"""`synth init --from dbt target/manifest.json`: sources, models, tests and descriptions of a dbt project taken over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.dbt_project import dbt_project, manifest
from tests.synth import Project, make_project, run_synth


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    root = tmp_path_factory.mktemp("dbt")
    dbt_project(root / "jaffle")
    done = run_synth(root / "jaffle", "init", "synthetic", "--from", "dbt", "target/manifest.json")
    assert done.returncode == 0, done.stdout + done.stderr
    return Project(root / "jaffle" / "synthetic"), done.stdout


def test_the_manifest_is_one_as_dbt_documents_it() -> None:
    parser = pytest.importorskip("dbt_artifacts_parser.parser")
    read = parser.parse_manifest_v12(manifest())
    assert {*read.sources} == {"source.jaffle.raw.customers", "source.jaffle.raw.orders"}


def test_sources_keys_and_descriptions_come_along(made: tuple[Project, str]) -> None:
    project, _ = made
    said = yaml.safe_load((project.root / "models/raw.yml").read_text("utf-8"))
    (group,) = said["sources"]
    assert (group["name"], group["description"], group["connection"]) == ("raw", "The shop's own tables", "jaffle")
    customers, orders = group["tables"]
    assert (customers["table"], customers["primary_key"]) == ("raw.customers", "id")
    assert orders["foreign_keys"] == [{"column": "customer_id", "references": "customers"}]
    assert (orders["tags"], orders["loaded_at_field"]) == (["daily"], "ordered")
    assert orders["freshness"] == {"warn_after": {"count": 12, "period": "hour"}}
    assert orders["columns"] == [{"name": "status", "description": "Where it is"}]


def test_tests_become_audits_and_tables_that_join_a_family(made: tuple[Project, str]) -> None:
    project, told = made
    (family,) = yaml.safe_load((project.root / "models/raw.yml").read_text("utf-8"))["models"]
    assert family["source"] == "{{ source('raw') }}"
    customers, orders = family["tables"]
    assert (customers["name"], orders["name"]) == ("synthetic_customers", "synthetic_orders")
    assert orders["audits"] == [
        {"set": "default"},
        {"not_null": {"columns": ["id", "status"]}},
        {"unique": {"columns": ["id"]}},
        {"accepted_values": {"column": "status", "values": ["placed", "sent", "returned"]}},
    ]
    (model,) = yaml.safe_load((project.root / "models/jaffle.yml").read_text("utf-8"))["models"]
    assert (model["name"], model["description"]) == ("synthetic_dim_customers", "A row for each customer")
    assert model["columns"] == [{"name": "age", "description": "In years"}]
    assert {"not_null": {"columns": ["customer_id"]}} in model["audits"]  # of age it only warned
    assert "tests that were left out, as nothing here says the same: not_null (1), unique (1)" in told
    assert not (project.root / "models/stg_orders.yml").exists()


def test_what_was_written_compiles_against_the_database_of_dbt(made: tuple[Project, str]) -> None:
    project, _ = made
    project.ok("compile")
    found = json.loads((project.root / "target/manifest.json").read_text("utf-8"))
    assert {*found["models"]} == {"synthetic_customers", "synthetic_orders", "synthetic_dim_customers"}
    assert found["sources"]["source:raw.customers"]["description"] == "People {{ 'not' }} rendered"
    assert found["exposures"]["board"]["depends_on"] == ["model:synthetic_dim_customers"]
    assert [c["name"] for c in found["models"]["synthetic_orders"]["schema"]["columns"]] == ["id", "customer_id", "status", "ordered"]  # fmt: skip


def test_into_a_project_that_is_there_and_only_once(tmp_path: Path) -> None:
    path = dbt_project(tmp_path / "jaffle")
    project = make_project(tmp_path / "shop", {"synth_project.yml": "name: shop\nseed: 7\n"})
    project.ok("init", "--from", str(path))
    project.ok("compile")
    assert "is there already" in project.fails("init", "--from", "dbt", str(path), code=2)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{}", "is no manifest of dbt"),
        ('{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v4.json"}, "nodes": {}, "sources": {}}', "dbt before 1.6"),
        (json.dumps(manifest("vertica")), "is on vertica, which no reader here reads"),
    ],
    ids=["none", "old", "adapter"],
)  # fmt: skip
def test_what_cannot_be_taken_over_is_said_and_nothing_written(said: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(said, "utf-8")
    done = run_synth(tmp_path, "init", "shop", "--from", "dbt", "manifest.json")
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "shop").exists()
