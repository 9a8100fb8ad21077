"""Stale sources as a user meets them: `synth freshness`, a build that leaves their models alone, and the faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.synth import SQL_PROJECT, Project, customers, make_project, write_csv

SOURCES = """
    version: 1
    sources:
      - name: crm
        loaded_at_field: joined
        freshness: {warn_after: {count: 12, period: hour}, error_after: {count: 7, period: day}}
        tables:
          - {name: customers, path: data/customers.csv, primary_key: customer_id}
          - {name: calm, path: data/customers.csv, freshness: null}
"""
AT = {"fresh": "2026-01-01T06:00:00Z", "old": "2026-01-03", "stale": "2026-02-01"}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    project = make_project(tmp_path / "shop", {**SQL_PROJECT, "models/sources.yml": SOURCES})
    rows = customers(200)
    rows[0]["joined"] = "2026-01-01"
    write_csv(project.root / "data" / "customers.csv", rows)
    return project


@pytest.mark.parametrize(("when", "word", "code"), [("fresh", "pass", 0), ("old", "warn", 0), ("stale", "error", 1)])
def test_the_verb(shop: Project, when: str, word: str, code: int) -> None:
    done = shop.synth("freshness", env={"SYNTH_NOW": AT[when]})
    assert done.returncode == code
    assert done.stdout.startswith(f"{word:<5}  crm.customers: last loaded")
    assert done.stdout.count("\n") == 1  # a null turns the group's off
    (found,) = json.loads(shop.synth("freshness", "--format", "json", env={"SYNTH_NOW": AT[when]}).stdout)
    assert (found["status"], found["loaded_at"]) == (word, "2026-01-01T00:00:00+00:00")


def test_a_build_leaves_the_models_of_a_stale_source_alone(shop: Project) -> None:
    shop.ok("build", env={"SYNTH_NOW": AT["fresh"]})
    published = shop.parquet("customers")
    assert "warning: crm.customers: last loaded 2 days ago" in shop.ok("build", env={"SYNTH_NOW": AT["old"]})
    done = shop.synth("build", env={"SYNTH_NOW": AT["stale"]})
    assert done.returncode == 1
    assert "stale source: crm.customers: last loaded 31 days ago, error_after 7 days" in done.stdout
    results = shop.results()
    assert (results["customers"]["status"], results["by_tier"]["status"]) == ("error", "skipped")
    assert shop.parquet("customers") == published
    shop.ok("audit", env={"SYNTH_NOW": AT["stale"]})  # audits judge what is published, whatever the clock says


def test_freshness_is_in_no_fingerprint(shop: Project) -> None:
    shop.ok("build", env={"SYNTH_NOW": AT["fresh"]})
    text = SOURCES.replace("count: 7", "count: 700").replace("count: 12", "count: 99")
    shop.write({"models/sources.yml": text})
    shop.ok("build", env={"SYNTH_NOW": AT["stale"]})
    assert {r["status"] for r in shop.results().values()} == {"reused"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("loaded_at_field: joined", "loaded_at_field: joind", "models/sources.yml:4:22: error: 'customers' has no column 'joind'"),
        ("loaded_at_field: joined", "loaded_at_field: tier", "'tier' is VARCHAR, no point in time"),
        ("period: day", "period: week", "period"),
        ("count: 7, period: day", "count: 1, period: hour", "warn_after 12 hours is later than error_after 1 hour"),
        ("warn_after", "warn_afer", "unknown key 'warn_afer'"),
    ],
)  # fmt: skip
def test_faults(shop: Project, old: str, new: str, message: str) -> None:
    shop.write({"models/sources.yml": SOURCES.replace(old, new)})
    assert message in shop.fails("compile", code=2)


def test_no_private_row_is_asked_when_it_was_loaded(shop: Project) -> None:
    model = """
        version: 1
        models:
          - name: fake
            source: "{{ source('crm', 'customers') }}"
            generator: {name: independent, preprocessing_share: 0.3}
            epsilon: 1
            size: 100
            audits: []
    """
    shop.write({"models/customers.yml": model})
    text = shop.fails("compile", code=2)
    assert "the newest 'joined' is a private row's" in text
    by_file = SOURCES.replace("        loaded_at_field: joined\n", "")
    shop.write({"models/sources.yml": by_file})
    assert "private row" not in shop.synth("compile").stderr


def test_a_clock_that_is_none(shop: Project) -> None:
    done = shop.synth("freshness", env={"SYNTH_NOW": "yesterday"})
    assert done.returncode == 2
    assert "SYNTH_NOW='yesterday' is no time" in done.stderr
