"""The build as a user meets it: stage, audit, publish; what runs again and what does not; what stops it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.synth import COPULA_PROJECT, OTHER_HASHES, Project, make_project, write_csv

FAILING = """
    version: 1
    models:
      - name: customers
        generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
        audits:
          - accepted_values: {column: tier, values: [basic, plus]}
      - name: by_tier
        generator: {name: sql, query: "select tier from {{ ref('customers') }}"}
        audits: []
"""


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_build_publishes_audited_tables(built_shop: Project) -> None:
    results = built_shop.results()
    assert {r["status"] for r in results.values()} == {"pass"}
    assert len(built_shop.parquet("customers")) == 1
    rows = built_shop.query("select tier, n from by_tier order by tier")
    assert [r["tier"] for r in rows] == ["basic", "plus", "pro"]


def test_a_source_never_shows_its_holdout_to_an_sql_model(built_shop: Project) -> None:
    count = built_shop.query("select count(*) as n from customers")[0]["n"]
    assert 260 <= count <= 370  # about 80 % of 400


def test_a_second_build_does_nothing(built_shop: Project) -> None:
    before = digest(built_shop.parquet("customers")[0])
    built_shop.ok("build")
    assert {r["status"] for r in built_shop.results().values()} == {"reused"}
    assert digest(built_shop.parquet("customers")[0]) == before


def test_a_failing_audit_publishes_nothing_and_names_itself(shop: Project) -> None:
    shop.write({"models/customers.yml": FAILING})
    text = shop.fails("build")
    assert "accepted_values" in text
    assert "tier" in text
    results = shop.results()
    assert results["customers"]["status"] == "fail"
    assert results["by_tier"]["status"] == "skipped"
    assert shop.parquet("customers") == []


def test_the_last_good_table_survives_a_failure(built_shop: Project) -> None:
    before = digest(built_shop.parquet("customers")[0])
    built_shop.write({"models/customers.yml": FAILING})
    built_shop.fails("build")
    assert digest(built_shop.parquet("customers")[0]) == before
    assert len(built_shop.query("select distinct tier from customers")) == 3


def test_a_relaxed_audit_takes_the_staged_rows(shop: Project) -> None:
    shop.write({"models/customers.yml": FAILING})
    shop.fails("build")
    shop.write({"models/customers.yml": FAILING.replace("[basic, plus]", "[basic, plus, pro]")})
    shop.ok("build")
    assert shop.results()["customers"]["action"] == "audit"


def test_fail_fast_starts_nothing_more(shop: Project) -> None:
    alone = """
      - name: z_alone
        generator: {name: sql, query: "select age from {{ source('crm', 'customers') }}"}
        audits: []
"""
    model = FAILING.rstrip() + alone
    shop.write({"models/customers.yml": model})
    shop.fails("build", "--threads", "1", "--fail-fast")
    assert shop.results()["z_alone"]["status"] == "skipped"
    shop.fails("build", "--threads", "1")
    assert shop.results()["z_alone"]["status"] == "pass"


def test_warnings_do_not_fail_a_build(shop: Project) -> None:
    warning = FAILING.replace("values: [basic, plus]", "values: [basic, plus], severity: warn")
    shop.write({"models/customers.yml": warning})
    shop.ok("build")
    assert shop.results()["customers"]["status"] == "warn"
    assert len(shop.parquet("customers")) == 1


@pytest.mark.slow
def test_same_seed_same_bytes_and_other_seed_other_bytes(tmp_path: Path) -> None:
    digests = []
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        project = make_project(tmp_path / name, COPULA_PROJECT)
        hashes = {"PYTHONHASHSEED": str(len(digests))}
        project.ok("build", "--seed", seed, "--threads", "2" if name == "b" else "1", env=hashes)
        digests.append(digest(project.parquet("fake_customers")[0]))
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


@pytest.mark.slow
def test_a_changed_size_samples_again_without_training(copula_shop: Project) -> None:
    copula_shop.ok("build")
    assert copula_shop.results()["fake_customers"]["action"] == "train"
    text = COPULA_PROJECT["models/customers.yml"].replace("300", "200")
    copula_shop.write({"models/customers.yml": text})
    copula_shop.ok("build")
    result = copula_shop.results()["fake_customers"]
    assert (result["action"], result["rows"]) == ("sample", 200)
    assert "train" not in result["seconds"]


@pytest.mark.slow
def test_a_changed_audit_only_audits(copula_shop: Project) -> None:
    copula_shop.ok("build")
    before = digest(copula_shop.parquet("fake_customers")[0])
    text = COPULA_PROJECT["models/customers.yml"].replace(
        "- unique:", "- not_null: {columns: [tier]}\n              - unique:"
    )
    copula_shop.write({"models/customers.yml": text})
    copula_shop.ok("build")
    assert copula_shop.results()["fake_customers"]["action"] == "audit"
    assert digest(copula_shop.parquet("fake_customers")[0]) == before


@pytest.mark.slow
def test_reformatted_yaml_changes_nothing(copula_shop: Project) -> None:
    copula_shop.ok("build")
    copula_shop.write(
        {
            "models/customers.yml": """
                # the same, written otherwise
                models:
                  - audits: [{row_count: {equals: 300}}, {unique: {columns: customer_id}}]
                    size: 300
                    name: fake_customers
                    generator: {name: sdv.gaussian_copula}
                    source: "{{ source( 'crm','customers' ) }}"
                    description: Stand-in for crm.customers
                  - name: by_tier
                    generator:
                      name: sql
                      query: "select tier, count(*) as n from {{ ref('fake_customers') }} group by tier order by tier"
                    audits: [{not_null: {columns: [tier]}}]
                version: 1
            """
        }
    )
    copula_shop.ok("build")
    assert {r["status"] for r in copula_shop.results().values()} == {"reused"}


@pytest.mark.slow
def test_columns_come_back_in_the_sources_order_and_types(copula_shop: Project) -> None:
    copula_shop.ok("build")
    described = copula_shop.query("describe fake_customers")
    assert [r["column_name"] for r in described] == [
        "customer_id", "age", "spend", "tier", "joined", "visits", "churned",
    ]  # fmt: skip
    types = {r["column_name"]: r["column_type"] for r in described}
    assert types["customer_id"] == "VARCHAR"
    assert types["age"] == "BIGINT"
    assert types["spend"] == "DOUBLE"
    assert types["joined"] == "DATE"


def test_selection_builds_only_what_is_selected(shop: Project) -> None:
    shop.ok("build", "--select", "customers")
    assert set(shop.results()) == {"customers"}
    shop.ok("build", "--select", "by_tier")
    assert set(shop.results()) == {"by_tier"}


def test_selecting_a_model_whose_parent_was_never_built_says_so(shop: Project) -> None:
    text = shop.fails("build", "--select", "by_tier", code=2)
    assert "+by_tier" in text


def test_full_refresh_runs_everything_and_gives_the_same_bytes(built_shop: Project) -> None:
    before = digest(built_shop.parquet("customers")[0])
    built_shop.ok("build", "--full-refresh", env=OTHER_HASHES)
    assert built_shop.results()["customers"]["action"] == "query"
    assert digest(built_shop.parquet("customers")[0]) == before


TIMES = {"run_id", "published_at", "seconds", "previous"}


def test_receipts_of_the_same_fingerprint_differ_in_time_alone(shop: Project) -> None:
    def receipts() -> dict[str, dict[str, Any]]:
        found = {}
        for path in sorted((shop.root / "warehouse" / "dev").glob("*.receipt.json")):
            receipt = json.loads(path.read_text("utf-8"))
            for audit in receipt["audits"]:
                assert audit.pop("seconds") >= 0
            found[path.name] = receipt
        return found

    shop.ok("build", env={"PYTHONHASHSEED": "2"})  # both in new processes: a fork has the kernels of more libraries
    before = receipts()
    shop.ok("build", "--full-refresh", env=OTHER_HASHES)
    after = receipts()
    assert before.keys() == after.keys() == {"customers.receipt.json", "by_tier.receipt.json"}
    for name, receipt in before.items():
        assert {k for k in receipt if receipt[k] != after[name][k]} <= TIMES
        assert after[name]["run_id"] != receipt["run_id"]


def test_a_source_that_seems_unchanged_is_looked_at(built_shop: Project) -> None:
    """A file that is another one under the same size and time, as a careless copy may leave it: its ctime tells."""
    file = built_shop.root / "data" / "customers.csv"
    stat = file.stat()
    file.write_bytes(file.read_bytes().replace(b"basic", b"cisab"))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert "nothing to do" not in built_shop.ok("plan")
    assert "nothing to do" not in built_shop.ok("plan", "--full")
    built_shop.ok("build")
    assert {r["tier"] for r in built_shop.query("select tier from by_tier")} == {"cisab", "plus", "pro"}


def test_materializations(shop: Project) -> None:
    shop.write(
        {
            "models/customers.yml": """
                version: 1
                models:
                  - {name: hidden, materialized: ephemeral, generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}, audits: []}
                  - {name: seen, materialized: view, generator: {name: sql, query: "select tier from {{ ref('hidden') }}"}, audits: []}
                  - {name: filed, materialized: parquet, generator: {name: sql, query: "select age from {{ ref('hidden') }}"}, audits: []}
            """
        }
    )
    shop.ok("build")
    tables = {
        r["table_name"]: r["table_type"]
        for r in shop.query(
            "select table_name, table_type from information_schema.tables"
            " where table_catalog = 'published' and table_schema = 'main'"
        )
    }
    assert tables == {"seen": "VIEW"}
    assert len(shop.parquet("filed")) == 1
    assert len(shop.query("select age from filed limit 1")) == 1  # not in the file, but still to be queried
    assert shop.parquet("hidden") == []
    shop.ok("build")
    assert {r["status"] for r in shop.results().values()} == {"reused"}


def test_meta_can_be_queried(built_shop: Project) -> None:
    tables = built_shop.query("select name, rows from synth_meta.tables order by name")
    assert [t["name"] for t in tables] == ["by_tier", "customers"]
    audits = built_shop.query("select * from synth_meta.audits")
    assert audits[0]["status"] == "pass"
    privacy = built_shop.query("select * from synth_meta.privacy where contains_real_rows")
    assert privacy
    assert len(built_shop.query("select * from synth_meta.runs")) == 1


def test_a_changed_source_builds_again(built_shop: Project) -> None:
    path = built_shop.root / "data" / "customers.csv"
    path.write_text(path.read_text().replace("pro", "gold"))
    assert "crm.customers" in built_shop.ok("plan")
    built_shop.ok("build")
    assert {r["tier"] for r in built_shop.query("select distinct tier from by_tier")} == {"basic", "plus", "gold"}


@pytest.mark.slow
def test_interrupting_a_build_stops_it_cleanly(tmp_path: Path) -> None:
    files = dict(COPULA_PROJECT)
    files["models/customers.yml"] = files["models/customers.yml"].replace(
        "generator: sdv.gaussian_copula", "generator: {name: sdv.ctgan, epochs: 5000}"
    )
    project = make_project(tmp_path / "shop", files)
    process = project.start("build", env={"PYTHONUNBUFFERED": "1"})  # a Python of its own, with its own workers
    deadline = time.time() + 60
    logs = project.root / "target" / "logs"
    while time.time() < deadline and not list(logs.glob("*.log")):
        time.sleep(0.1)
    time.sleep(4)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1, output
    assert "Traceback" not in output
    assert "interrupted" in output
    assert project.parquet("fake_customers") == []
    assert not _workers_of(project)
    project.write(COPULA_PROJECT).ok("build")  # and the lock is free again


def _workers_of(project: Project) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else []:
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                if "synthkit.runners.worker" in command and (entry / "cwd").readlink() == project.root:
                    found.append(entry.name)
            except OSError:
                continue
    return found


@pytest.mark.slow
def test_two_builds_at_once(tmp_path: Path) -> None:
    files = dict(COPULA_PROJECT)
    files["models/customers.yml"] = files["models/customers.yml"].replace(
        "generator: sdv.gaussian_copula", "generator: {name: sdv.ctgan, epochs: 20}"
    )
    project = make_project(tmp_path / "shop", files)
    first = project.start("build")
    deadline = time.time() + 60
    while time.time() < deadline and not (project.root / "target" / "lock").exists():
        time.sleep(0.05)
    text = project.fails("build", code=2)
    assert str(first.pid) in text  # names who holds the lock
    assert first.wait(timeout=120) == 0
    project.ok("build")


@pytest.mark.slow
def test_conditions_balance_a_class_exactly(tmp_path: Path) -> None:
    files = dict(COPULA_PROJECT)
    files["models/customers.yml"] = files["models/customers.yml"].replace(
        "size: 300", "size: 300\n            conditions: {churned: {yes: 50%, no: 50%}}"
    )
    project = make_project(tmp_path / "shop", files)
    project.ok("build")
    counts = project.query("select churned, count(*) as n from fake_customers group by 1 order by 1")
    assert counts == [{"churned": "no", "n": 150}, {"churned": "yes", "n": 150}]


def test_a_model_downstream_learns_from_a_published_table(tmp_path: Path) -> None:
    files = dict(COPULA_PROJECT)
    files["models/customers.yml"] = """
        version: 1
        models:
          - name: all_customers
            generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
            audits: []
          - name: second_hand
            source: "{{ ref('all_customers') }}"
            generator: sdv.gaussian_copula
            size: 50
            audits: [{row_count: {equals: 50}}]
    """
    project = make_project(tmp_path / "shop", files)
    project.ok("build")
    assert project.results()["second_hand"]["rows"] == 50


def test_audit_judges_without_building(built_shop: Project) -> None:
    before = digest(built_shop.parquet("customers")[0])
    built_shop.ok("audit")
    assert digest(built_shop.parquet("customers")[0]) == before
    path = built_shop.root / "models" / "customers.yml"
    path.write_text(path.read_text().replace("not_null: {columns: [tier]}", "row_count: {max: 10}"))
    assert "row_count" in built_shop.fails("audit")
    assert len(built_shop.query("select * from customers limit 1")) == 1


def test_an_unwritable_warehouse_is_named(built_shop: Project) -> None:
    (built_shop.root / "warehouse" / "prod").parent.mkdir(exist_ok=True)
    (built_shop.root / "warehouse" / "prod").write_text("a file where a folder should be")
    built_shop.write({"synth_project.yml": "name: shop\ntargets: {dev: {}, prod: {}}\n"})
    text = built_shop.fails("build", "--target", "prod")
    assert "warehouse" in text


def test_odd_names_survive_the_whole_way(tmp_path: Path) -> None:
    project = make_project(tmp_path / "odd")
    rows = [
        {"select": i, "two words": f"v{i % 3}", 'say "hi"': i * 0.5, "größe": "x" if i % 2 else "y"} for i in range(60)
    ]
    write_csv(project.root / "data" / "customers.csv", rows)
    project.write(
        {
            "models/sources.yml": "version: 1\nsources:\n  - name: group\n    tables:\n      - {name: order, path: data/customers.csv}\n",
            "models/customers.yml": """
                version: 1
                models:
                  - name: table
                    generator: {name: sql, query: "select * from {{ source('group', 'order') }}"}
                    audits:
                      - not_null: {columns: ["select", "two words", 'say "hi"', größe]}
                      - accepted_values: {column: größe, values: [x, y]}
            """,
        }
    )
    project.ok("build")
    assert project.query('select count(*) as n from "table" where "two words" is not null')[0]["n"] > 30
