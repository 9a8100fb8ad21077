"""`synth promote`: another target publishes the same bytes, and only what is another there is judged again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.families import MEMBERS, FamilyProject, copy_of
from tests.private import PROJECT, PrivateProject, private_project
from tests.synth import SQL_PROJECT, Project, copied, make_project, write_csv

TARGETS = "targets: {dev: {}, prod: {vars: {most: 9}}}\n"
MODELS = """
    version: 1
    models:
      - name: customers
        generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
        audits:
          - not_null: {columns: [tier]}
          - volume
          - ours
      - name: tiers
        materialized: ephemeral
        generator: {name: sql, query: "select tier from {{ ref('customers') }}"}
        audits: [not_null: {columns: [tier]}]
      - name: by_tier
        generator: {name: sql, query: "select tier, count(*) as n from {{ ref('tiers') }} group by tier order by tier"}
        audits:
          - row_count: {max: "{{ var('most') }}"}
          - not_null: {columns: [n]}
"""
OURS = "select * from {{ this }} where tier not in (select tier from {{ ref('customers') }})\n"
FILES = {
    **SQL_PROJECT,
    "synth_project.yml": f"name: shop\nseed: 7\nvars: {{most: 5}}\n{TARGETS}",
    "models/customers.yml": MODELS,
    "audits/ours.sql": OURS,
}
TABLES = ("customers", "by_tier")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    shop = make_project(tmp_path_factory.mktemp("promote") / "shop", FILES)
    shop.ok("build")
    return shop


@pytest.fixture
def shop(built: Project, tmp_path: Path) -> Project:
    return copied(built, tmp_path / "shop")


def path(shop: Project, name: str, target: str = "prod") -> Path:
    return shop.root / f"warehouse/{target}/{name}.receipt.json"


def receipt(shop: Project, name: str, target: str = "prod") -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path(shop, name, target).read_text("utf-8"))
    return data


def edited(shop: Project, old: str, new: str, file: str = "models/customers.yml") -> None:
    place = shop.root / file
    text = place.read_text("utf-8")
    assert old in text
    place.write_text(text.replace(old, new), "utf-8")


def planned(shop: Project, *arguments: str) -> dict[str, dict[str, Any]]:
    lines = shop.ok("promote", "dev", "prod", "--plan", "--log-format", "json", *arguments).splitlines()
    return {a["model"]: a for a in map(json.loads, lines) if a["event"] == "ActionPlanned"}


def test_the_same_bytes_and_where_they_came_from(shop: Project) -> None:
    shop.ok("promote", "dev", "prod")
    for name in TABLES:
        (one,), (other,) = shop.parquet(name), shop.parquet(name, "prod")
        assert one.read_bytes() == other.read_bytes()
        dev, prod = receipt(shop, name, "dev"), receipt(shop, name)
        assert prod["promoted"] == {
            "target": "dev",
            "run_id": dev["run_id"],
            "published_at": dev["published_at"],
        }
        for key in ("sha256", "fingerprints", "environment", "versions", "seconds", "guarantees"):
            if name == "customers" or key != "fingerprints":
                assert prod[key] == dev[key], key
        assert prod["run_id"] != dev["run_id"]
    assert shop.ok("verify", "-t", "prod", "--full").startswith("verified")
    assert "nothing to do" in shop.ok("plan", "-t", "prod")  # the ephemeral one on the way is there, too
    assert "promoted    from dev" in shop.ok("show", "customers", "-t", "prod")
    assert json.loads(shop.ok("query", "-t", "prod", "select count(*) as n from by_tier", "--format", "json")) == [
        {"n": 3}
    ]


def test_it_is_done_once(shop: Project) -> None:
    shop.ok("promote", "dev", "prod")
    before = {name: path(shop, name).read_bytes() for name in TABLES}
    assert {a["action"] for a in planned(shop).values()} == {"reuse"}
    assert "nothing to do" in shop.ok("promote", "dev", "prod", "--plan")
    shop.ok("promote", "dev", "prod")
    assert {name: path(shop, name).read_bytes() for name in TABLES} == before


def test_only_audits_that_look_at_something_else_run_again(shop: Project) -> None:
    found = planned(shop)
    assert found["customers"]["changes"] == [
        "taken over: what not_null, ours found in 'dev'",
        "volume is run again: it is about the version that 'prod' published before",
    ]
    assert found["tiers"]["changes"] == ["taken over: what not_null found in 'dev'"]
    assert found["by_tier"]["changes"] == [
        "taken over: what not_null found in 'dev'",
        "row_count is run again: 'dev' judged by others of its limits",
    ]
    shop.ok("promote", "dev", "prod")
    dev, prod = receipt(shop, "by_tier", "dev")["audits"], receipt(shop, "by_tier")["audits"]
    assert [a["name"] for a in prod] == ["row_count", "not_null"]
    assert (dev[0]["threshold"], prod[0]["threshold"]) == ("max 5", "max 9")
    assert prod[1] == dev[1]  # also how long it took: it was not run


def test_what_compares_with_real_rows_runs_again_where_these_are_others(tmp_path: Path) -> None:
    real = """
              - name: real
                path: "data/{{ 'customers' if target == 'dev' else 'others' }}.csv"
                primary_key: customer_id
    """
    models = """
    version: 1
    models:
      - name: picked
        source: "{{ source('crm', 'real') }}"
        generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
        audits: [not_null: {columns: [tier]}, exact_match: {max: 1}]
    """
    shop = make_project(
        tmp_path / "shop",
        {
            "synth_project.yml": f"name: shop\nseed: 7\nvars: {{most: 5}}\n{TARGETS}",
            "models/sources.yml": FILES["models/sources.yml"].rstrip() + real,
            "models/m.yml": models,
        },
    )
    text = (shop.root / "data/customers.csv").read_text("utf-8").splitlines(keepends=True)
    (shop.root / "data/others.csv").write_text("".join(text[:150]), "utf-8")
    shop.ok("build")
    found = planned(shop)["picked"]["changes"]
    assert found == [
        "taken over: what not_null found in 'dev'",
        "exact_match is run again: it compares with real rows, which are others in 'prod'",
    ]


def test_the_target_s_own_limit_keeps_a_table_out_and_all_that_reads_it(shop: Project) -> None:
    edited(shop, "vars: {most: 9}", "vars: {most: 2}", "synth_project.yml")
    text = shop.fails("promote", "dev", "prod", "--select", "+by_tier")
    assert "row_count" in text
    assert path(shop, "customers").exists()
    assert not path(shop, "by_tier").exists()
    said = shop.fails("retry", "-t", "prod", code=2)
    assert "was a promotion" in said


def test_what_was_there_before_is_what_volume_compares_with(shop: Project) -> None:
    shop.ok("build", "-t", "prod")
    rows = (shop.root / "data/customers.csv").read_text("utf-8").splitlines(keepends=True)
    (shop.root / "data/customers.csv").write_text("".join(rows[:100]), "utf-8")
    edited(shop, "- volume\n", "- volume: {max_change: 0.9}\n")
    shop.ok("build")
    edited(shop, "- volume: {max_change: 0.9}\n", "- volume: {max_change: \"{{ 0.9 if target == 'dev' else 0.1 }}\"}\n")
    assert "volume" in shop.fails("promote", "dev", "prod")
    assert receipt(shop, "customers")["rows"] > 200 > receipt(shop, "customers", "dev")["rows"]


def test_what_may_not_go_is_told_of_all_tables_at_once_and_none_goes(shop: Project) -> None:
    (parquet,) = shop.parquet("customers")
    data = bytearray(parquet.read_bytes())
    data[len(data) // 2] ^= 1
    parquet.chmod(0o644)
    parquet.write_bytes(bytes(data))
    edited(shop, "group by tier order by tier", "group by tier order by n")
    text = shop.fails("promote", "dev", "prod")
    assert "customers: warehouse/dev/customers.receipt.json" in text
    assert "the rows of 'customers' are not those of its receipt" in text
    assert "by_tier: in 'dev' it is not what the YAML says now" in text
    assert "generator.query" in text or "query" in text
    assert not list((shop.root / "warehouse").glob("prod/*.json"))


def test_a_receipt_that_somebody_edited_goes_nowhere(shop: Project) -> None:
    file = path(shop, "by_tier", "dev")
    data = json.loads(file.read_text("utf-8"))
    data["audits"][0]["status"] = "fail"
    file.write_text(json.dumps(data), "utf-8")
    text = shop.fails("promote", "dev", "prod", "--plan")
    assert "by_tier: audits did not pass in 'dev': row_count" in text


def test_other_rows_are_asked_for(shop: Project) -> None:
    edited(shop, "select tier from", "select {{ 'distinct ' if target == 'prod' else '' }}tier from")
    text = shop.fails("promote", "dev", "prod")
    assert "tiers: 'prod' asks for other rows than 'dev' has: train hash changed: query" in text


def test_new_rows_of_a_source_make_what_dev_has_stale(shop: Project) -> None:
    write_csv(shop.root / "data/customers.csv", [{"customer_id": "C-1", "tier": "pro", "age": 40}])
    assert "in 'dev' it is not what the YAML says now" in shop.fails("promote", "dev", "prod")


def test_selected_tables_need_what_they_read(shop: Project) -> None:
    assert "--select +by_tier" in shop.fails("promote", "dev", "prod", "--select", "by_tier", code=2)
    shop.ok("promote", "dev", "prod", "--select", "customers")
    assert not path(shop, "by_tier").exists()
    shop.ok("promote", "dev", "prod", "--select", "tiers+")
    assert path(shop, "by_tier").exists()


def test_what_is_left_behind_is_told(shop: Project) -> None:
    shop.ok("promote", "dev", "prod")
    edited(shop, "source('crm', 'customers') }}\"}", "source('crm', 'customers') }} where age > 30\"}")
    shop.ok("build")
    text = shop.synth("promote", "dev", "prod", "--select", "customers").stdout
    assert "by_tier of 'prod' will have been made from other rows" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dev", "dev"), "is the same target twice"),
        (("dev", "prd"), "did you mean 'prod'"),
        (("prod", "dev"), "it was never built in 'prod'"),
    ],
)
def test_mistakes(shop: Project, words: tuple[str, str], said: str) -> None:
    done = shop.synth("promote", *words)
    assert done.returncode in (1, 2)
    assert said in done.stderr


def test_a_build_of_the_first_target_is_not_promoted_from(shop: Project) -> None:
    from synthkit.store.lock import ProjectLock

    with ProjectLock(shop.root / "target" / "lock").held():
        assert "another build runs" in shop.fails("promote", "dev", "prod", code=2)


def test_judged_again_it_still_comes_from_there(shop: Project) -> None:
    shop.ok("promote", "dev", "prod")
    shop.ok("audit", "-t", "prod")
    assert receipt(shop, "customers")["promoted"]["target"] == "dev"
    shop.ok("build", "-t", "prod", "--full-refresh")
    assert "promoted" not in receipt(shop, "customers")


def test_a_family_goes_whole(family_built_once: FamilyProject, tmp_path: Path) -> None:
    shop = copy_of(family_built_once, tmp_path / "shop")
    shop.edit("seed: 11\n", "seed: 11\ntargets: {dev: {}, prod: {}}\n", "synth_project.yml")
    text = shop.ok("promote", "dev", "prod", "--select", "synthetic_orders")
    assert "all are selected" in text
    for name in MEMBERS:
        dev, prod = receipt(shop, name, "dev"), receipt(shop, name)
        assert prod["sha256"] == dev["sha256"]
        assert [a["status"] for a in prod["audits"]] == [a["status"] for a in dev["audits"]]
        assert prod["promoted"]["run_id"] == dev["run_id"]
    assert len({receipt(shop, name)["run_id"] for name in MEMBERS}) == 1
    shop.ok("promote", "dev", "prod")
    assert shop.ok("verify", "-t", "prod", "--full").startswith("verified")


@pytest.fixture
def private(tmp_path: Path) -> PrivateProject:
    models = """
    version: 1
    models:
      - {name: fake, source: "{{ source('crm', 'customers') }}", generator: dp.histogram, epsilon: 1, size: 50, audits: []}
      - {name: tiers, generator: {name: sql, query: "select tier from {{ ref('fake') }}"}, audits: [not_null: {columns: [tier]}]}
    """
    project = PROJECT + "targets: {dev: {}, prod: {}}\n"
    shop = private_project(tmp_path / "shop", {"synth_project.yml": project, "models/customers.yml": models})
    shop.ok("build")
    return shop


def test_privacy_is_spent_once(private: PrivateProject) -> None:
    private.ok("promote", "dev", "prod")
    assert len(private.entries()) == 1
    dev, prod = receipt(private, "fake", "dev"), receipt(private, "fake")
    assert (prod["privacy"], prod["guarantees"], prod["sha256"]) == (dev["privacy"], dev["guarantees"], dev["sha256"])
    assert private.ok("verify", "-t", "prod", "--full").startswith("verified")
    private.ok("ledger", "verify")


def test_rows_of_another_training_upstream_are_told_apart(private: PrivateProject) -> None:
    private.ok("build", "-t", "prod", "--full-refresh", "--select", "fake")  # the same hash, other noise
    text = private.fails("promote", "dev", "prod", "--select", "tiers")
    assert "tiers: it was made from other rows of fake than 'prod' has" in text
    private.ok("promote", "dev", "prod")
    assert receipt(private, "fake")["sha256"] == receipt(private, "fake", "dev")["sha256"]
