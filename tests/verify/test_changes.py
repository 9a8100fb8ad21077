"""What a pull request changes for readers and of the gate is told, whether or not anybody has declared to mind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.store.versions.test_versions import commit, dvc, run
from tests.synth import Project, customers, write_csv
from tests.verify.shop import Shop, verify

Capture = pytest.CaptureFixture[str]


def report(shop: Project, *arguments: str, code: int = 0) -> str:
    done = shop.synth("verify", "--base", "main", "--report", "markdown=report.md", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return (shop.root / "report.md").read_text("utf-8")


def section(text: str, heading: str) -> list[str]:
    """The lines below a heading; none where it is not there."""
    _, found, rest = text.partition(f"### {heading}\n")
    lines = rest.partition("\n#")[0].splitlines() if found else []
    return [line for line in lines if line and not line.startswith("<!--")]


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of a section's table."""
    lines = [line for line in section(text, heading) if line.startswith("|")]
    return [[cell.strip(" `*") for cell in line.replace("\\_", "_").strip("|").split(" | ")] for line in lines[2:]]


# -- columns -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "level", "details"),
    [
        ("select 'a' as tier, 1 as n", "note", ["n (INTEGER) is added"]),
        ("select 'a' as other", "warning", ["tier (VARCHAR) is removed", "other (VARCHAR) is added"]),
        ("select 1 as tier", "warning", ["tier is INTEGER, not VARCHAR"]),
        ("select 'b' as tier", None, []),
    ],
)
def test_columns_that_no_reader_is_declared_for_are_told(
    open_shop: Shop, capsys: Capture, query: str, level: str | None, details: list[str]
) -> None:
    open_shop.tables("select tier from {{ ref('by_tier') }} where n > 1", query)
    for arguments in ((), ("--allow-breaking",)):
        answer = verify(open_shop, capsys, "--base", "main", *arguments)
        found = [f for f in answer.findings if f["kind"] == "contract"]
        if level is None:
            assert found == []
            continue
        (one,) = found
        assert one["model"] == "busy"
        assert one["details"] == details
        assert one["level"] == ("note" if arguments else level)
    text = report(open_shop, code=1)
    told = rows(text, "Columns, main → now")
    assert [row[1] for row in told] == [detail.split()[0] for detail in details]
    assert all(row[0] == "busy" for row in told)


def test_a_table_that_is_gone_is_told_with_its_columns(open_shop: Shop, capsys: Capture) -> None:
    open_shop.tables("          - name: busy\n".strip() + "\n", "- name: idle\n")
    open_shop.receipt("busy").unlink()
    answer = verify(open_shop, capsys, "--base", "main")
    (found,) = [f for f in answer.findings if f["model"] == "busy"]
    assert found["message"] == "the table 'busy' of main is not published any more: 1 columns"
    assert found["level"] == "warning"
    assert ["busy", "tier", "VARCHAR", "–"] in rows(report(open_shop, code=1), "Columns, main → now")


# -- limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "turn", "cells"),
    [
        ("ks: {max: 0.5}", "ks: {max: 0.8}", "loosened", ["max", "0.5", "0.8"]),
        ("ks: {max: 0.5}", "ks: {max: 0.4}", "tightened", ["max", "0.5", "0.4"]),
        ("ks: {max: 0.5}", "ks: {within: 2x floor}", "changed", ["within", "–", "2x floor"]),
        ("ks: {max: 0.5}", "ks: {max: 0.5, severity: warn}", "loosened", ["severity", "error", "warn"]),
        ("ks: {max: 0.5}", "ks: {max: 0.5, on_inconclusive: fail}", "tightened", ["on_inconclusive", "ignore", "fail"]),
        ("ks: {max: 0.5}", "ks: {max: 0.5, where: age > 30}", "loosened", ["where", "–", "age > 30"]),
        ("ks: {max: 0.5}", "ks: {max: 0.5, columns: [age]}", "loosened", ["columns", "–", "age"]),
        ("ks: {max: 0.5}", "ks: {max: 0.5, max_rows: 9}", None, []),
        ("row_count: {min: 10}", "row_count: {min: 5}", "loosened", ["min", "10", "5"]),
        ("row_count: {min: 10}", "row_count: {min: 11}", "tightened", ["min", "10", "11"]),
        ("columns: [tier], severity: warn", "columns: [tier]", "tightened", ["severity", "warn", "error"]),
        ("columns: [tier], severity: warn", "columns: [tier, age], severity: warn", "tightened", ["columns", "tier", "tier, age"]),
        ("- ks: {max: 0.5}\n", "- chi_square: {max: 0.5}\n", "loosened", ["the audit", "max 0.5", "–"]),
        ("- row_count: {min: 10}", "- row_count: {min: 10}\n      - unique: {columns: [customer_id]}", "tightened", ["the audit", "–", "columns customer_id"]),
    ],
)  # fmt: skip
def test_each_change_of_a_limit_has_its_turn(
    open_shop: Shop, old: str, new: str, turn: str | None, cells: list[str]
) -> None:
    open_shop.tables(old, new)
    done = open_shop.synth("verify", "--base", "main", "--report", "markdown=report.md")
    if turn is None:
        assert done.returncode == 2  # no such parameter: what is not in the table is none
        return
    found = rows((open_shop.root / "report.md").read_text("utf-8"), "Limits of audits, loosened first")
    assert [*cells, turn] in [row[2:] for row in found]
    assert [row[0] for row in found] == ["customers"] * len(found)


def test_loosened_limits_come_first_and_none_is_told_without_a_change(open_shop: Shop) -> None:
    assert "Limits of audits" not in report(open_shop)
    open_shop.tables("row_count: {min: 10}", "row_count: {min: 20}")
    open_shop.tables("ks: {max: 0.5}", "ks: {max: 0.9}")
    open_shop.tables("- not_null: {columns: [tier]}\n", "- not_null: {columns: [tier], max_share: 0.5}\n")
    found = rows(report(open_shop, code=1), "Limits of audits, loosened first")
    assert [row[-1] for row in found] == ["loosened", "loosened", "tightened"]


def test_a_limit_is_told_also_where_the_table_was_judged_under_it(open_shop: Shop, built_open: Shop) -> None:
    shutil.copytree(built_open.root.parent / "data", open_shop.root / "data")
    open_shop.tables("ks: {max: 0.5}", "ks: {max: 0.8}")
    open_shop.ok("build")
    text = report(open_shop)
    assert ["customers", "ks", "max", "0.5", "0.8", "loosened"] in rows(text, "Limits of audits, loosened first")


# -- values, and columns that nobody looks at ----------------------------------------------------------


@pytest.fixture(scope="module")
def versioned(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in git and DVC, whose branch main has another version than what is committed now."""
    shop = Project(tmp_path_factory.mktemp("values") / "shop")
    shop.root.mkdir()
    write_csv(shop.root / "data" / "customers.csv", customers())
    query = "select tier, age, visits from {{ source('crm', 'customers') }}"
    shop.write(
        {
            "synth_project.yml": "name: shop\nseed: 7\n",
            ".gitignore": "target/\n*.duckdb\n/warehouse/**/*.parquet\n.database-state\n/data\n/report.*\n",
            "models/all.yml": f"""
                version: 1
                sources:
                  - name: crm
                    tables: [{{name: customers, path: data/customers.csv, primary_key: customer_id}}]
                models:
                  - name: people
                    generator: {{name: sql, query: "{query}"}}
                    audits: [accepted_range: {{column: age, min: 0}}]
            """,
        }
    )
    run(shop.root, "git", "init", "-q", "--initial-branch", "main")
    dvc(shop.root, "init", "-q")
    shop.ok("build")
    commit(shop, "first")
    run(shop.root, "git", "checkout", "-q", "-b", "other")
    path = shop.root / "models" / "all.yml"
    path.write_text(path.read_text("utf-8").replace("tier, age, visits", "tier, age + 20 as age, visits"), "utf-8")
    shop.ok("build")
    commit(shop, "second")
    return shop


def test_how_far_values_moved_is_in_the_report_where_both_files_are_here(versioned: Project, tmp_path: Path) -> None:
    text = report(versioned)
    (moved,) = rows(text, "Values, before → after")
    assert moved[:2] == ["people", "age"]
    assert moved[2].startswith("D 0.")
    assert "2 columns moved by no more than chance" in text
    said = json.loads(versioned.ok("diff", "people", "main", "HEAD", "--format", "json"))
    (found,) = [c for c in said["people"]["columns"] if c["column"] == "age"]
    assert f"D {found['value']:.3g} " in moved[2]
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", "--branch", "other", str(versioned.root), str(clone))
    run(clone, "git", "branch", "-q", "main", "origin/main")
    assert "Values, before" not in report(Project(clone))  # DVC has neither file there, and nothing is fetched


def test_columns_that_no_audit_looks_at_are_named(versioned: Project) -> None:
    assert section(report(versioned), "Columns that no audit looks at") == ["`people`: tier, visits"]
    versioned.ok("verify", "--report", "markdown=report.md")
    text = (versioned.root / "report.md").read_text("utf-8")
    assert section(text, "Columns that no audit looks at") == ["`people`: tier, visits"]
