"""What reports and synth_meta tell of families: which tables are published together, by which keys they join, what will not."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.families import MEMBERS, FamilyProject, copy_of, family_project

AUDITS = "      - row_count: {min: 1}\n      - references\n      - cardinality: {max: 0.2}\n"
OF_ORDERS = "| `synthetic_orders.customer_id` | `synthetic_shop_customers.customer_id` | owner | "
ALONE = """
  - {name: lone_orders, source: "{{ source('shop', 'orders') }}", generator: {name: circuit, min_steps: 1, max_steps: 5, refinements: 0}, audits: []}
  - {name: lone_people, source: "{{ source('shop', 'customers') }}", generator: {name: circuit, min_steps: 1, max_steps: 5, refinements: 0}, audits: []}
"""


def git(project: FamilyProject, *arguments: str) -> None:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    subprocess.run(command, cwd=project.root, capture_output=True, check=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> FamilyProject:
    """The family with its reports, and two tables of its source made by themselves; committed."""
    project = family_project(tmp_path_factory.mktemp("family") / "shop")
    project.edit("      - row_count: {min: 1}\n", AUDITS).edit("  - name: spending\n", f"{ALONE}  - name: spending\n")
    (project.root / ".gitignore").write_text("/target/\n*.parquet\n*.duckdb\nreport.*\n", "utf-8")
    project.ok("build", *reports("markdown", "junit", "html"))
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "built")
    return project


@pytest.fixture
def shop(built: FamilyProject, tmp_path: Path) -> FamilyProject:
    return copy_of(built, tmp_path / "shop")


def reports(*kinds: str) -> list[str]:
    return [part for kind in kinds for part in ("--report", f"{kind}=report.{kind}")]


def told(project: FamilyProject, kind: str = "markdown") -> str:
    return (project.root / f"report.{kind}").read_text("utf-8").replace("\\_", "_")


def section(text: str, heading: str) -> str:
    return text.partition(f"### {heading}\n")[2].partition("\n### ")[0]


def verdicts(project: FamilyProject, base: str = "HEAD") -> str:
    project.synth("verify", "--base", base, *reports("markdown"))
    return told(project)


def test_a_run_tells_what_was_published_together_and_each_key_with_its_verdict(built: FamilyProject) -> None:
    said = section(told(built), "Family synthetic_shop")
    assert "4 tables that are published together, or not at all" in said
    assert "`synthetic_shop_customers` (150 rows)" in said
    assert "All were published at one instant." in said
    receipts = built.receipts()
    (references, cardinality) = (
        next(a for a in receipts["synthetic_orders"]["audits"] if a["name"] == name)
        for name in ("references", "cardinality")
    )
    words = {"pass": "ok", "inconclusive": "can't tell"}
    found = ", ".join(f"{a['name']} {words[a['status']]}" for a in (references, cardinality))
    assert f"{OF_ORDERS}{found} |" in said
    assert said.count("\n| `synthetic_") == 4
    assert "Family synthetic_shop" in told(built, "html")


def test_run_results_name_the_family_and_where_keys_lead(built: FamilyProject) -> None:
    results = built.results()
    assert {results[name]["family"] for name in MEMBERS} == {"synthetic_shop"}
    assert results["spending"]["family"] is None
    assert [(k["columns"], k["references"], k["kind"]) for k in results["synthetic_shop_lines"]["keys"]] == [
        (["order_id"], "synthetic_orders", "owner"),
        (["product_id"], "synthetic_shop_products", "looked up"),
    ]


def test_junit_names_family_and_keys_of_each_suite(built: FamilyProject) -> None:
    root = ElementTree.fromstring(told(built, "junit"))
    suites = {s.attrib["name"]: [(p.attrib["name"], p.attrib["value"]) for p in s.iter("property")] for s in root}
    assert ("family", "synthetic_shop") in suites["synthetic_orders"]
    (key,) = [value for name, value in suites["synthetic_orders"] if name == "key"]
    assert key.startswith("customer_id → synthetic_shop_customers.customer_id (owner): references ")
    assert "family" not in dict(suites["lone_orders"])


def test_tables_that_will_not_join_are_named_wherever_the_table_is_shown(built: FamilyProject) -> None:
    built.ok("verify", *reports("markdown"))
    for text in (section(told(built), "Tables that will not join"), told(built, "html"), told(built, "junit")):
        assert "these will not join, as no family makes both" in text
        assert "it will not join itself" in text
        assert "lone_people" in text
    shown = built.ok("show", "lone_orders", "--limit", "0")
    assert "  customer_id  → synthetic_shop_customers: these will not join" in shown
    assert "  customer_id  → lone_people: these will not join" in shown
    built.ok("docs", "generate")
    page = (built.root / "target/docs/tables/lone_orders.html").read_text("utf-8")
    assert page.count("these will not join, as no family makes both") == 4  # a note and a row for each of the two
    page = (built.root / "target/docs/tables/synthetic_orders.html").read_text("utf-8")
    assert "will not join" not in page


def test_synth_meta_says_what_joins_to_what(built: FamilyProject) -> None:
    families = {r["name"]: r["family"] for r in built.query("select name, family from synth_meta.tables")}
    assert families == {
        **dict.fromkeys(MEMBERS, "synthetic_shop"),
        **dict.fromkeys(("spending", "lone_orders", "lone_people")),
    }
    keys = built.query('select * from synth_meta.keys order by "table", columns, "references"')
    found = {(k["table"], *k["columns"]): k for k in keys if k["joins"]}
    assert set(found) == {
        ("synthetic_orders", "customer_id"),
        ("synthetic_shop_customers", "referred_by"),
        ("synthetic_shop_lines", "order_id"),
        ("synthetic_shop_lines", "product_id"),
    }
    for key in found.values():
        (child, parent), (a, b) = (key["table"], key["references"]), (key["columns"][0], key["to"][0])
        left = built.query(
            f"select count(*) as n from {child} x anti join {parent} y on x.{a} = y.{b} where {a} is not null"
        )
        assert left == [{"n": 0}], key
    assert found["synthetic_shop_customers", "referred_by"]["kind"] == "within the table"
    assert found["synthetic_orders", "customer_id"]["verdict"] in ("pass", "inconclusive")
    apart = [(k["table"], k["references"], k["kind"], k["verdict"]) for k in keys if not k["joins"]]
    assert apart == [
        ("lone_orders", "lone_people", "apart", "none"),
        ("lone_orders", "synthetic_shop_customers", "apart", "none"),
        ("lone_people", "lone_people", "apart", "none"),
    ]  # and what lines name is made by their own family


def test_key_columns_say_what_they_name(built: FamilyProject) -> None:
    sql = "select table_name || '.' || column_name as c, comment from duckdb_columns() where comment is not null"
    said = {r["c"]: r["comment"] for r in built.query(sql)}
    assert said["synthetic_shop_lines.order_id"] == "names a row of synthetic_orders.order_id"
    assert said["lone_people.referred_by"] == "names no row of lone_people: these do not join"


def test_receipts_have_the_keys_of_the_source_and_verify_holds_them_against_the_yaml(shop: FamilyProject) -> None:
    path = shop.root / "warehouse/dev/synthetic_orders.receipt.json"
    receipt = json.loads(path.read_text("utf-8"))
    assert receipt["keys"] == [{"columns": ["customer_id"], "references": "source:shop.customers", "owner": True}]
    receipt["keys"][0]["references"] = "source:shop.products"
    path.write_text(json.dumps(receipt), "utf-8")
    assert "says keys = " in shop.fails("verify")
    del receipt["keys"]  # of an older version
    path.write_text(json.dumps(receipt), "utf-8")
    shop.ok("verify")
    assert "synthetic_shop_customers" not in shop.ok("show", "synthetic_orders", "--limit", "0").partition("keys\n")[2]


def test_a_review_tells_what_is_newly_published_together(shop: FamilyProject) -> None:
    assert "Family synthetic_shop" not in verdicts(shop)  # nothing of it changed
    shop.edit(
        "{table: orders, name: synthetic_orders,", "{table: orders, name: synthetic_orders, audits: [references],"
    )
    shop.ok("build")
    said = section(verdicts(shop), "Family synthetic_shop")
    assert "Audited again, with the same rows: `synthetic_orders`." in said
    shop.edit("    audits:\n      - row_count", "    seed: 5\n    audits:\n      - row_count").ok("build")
    said = section(verdicts(shop), "Family synthetic_shop")
    assert "Drawn again and published together: " in said
    assert all(f"`{name}`" in said.partition("published together: ")[2] for name in MEMBERS)
    git(shop, "rm", "-q", "--cached", "warehouse/dev/synthetic_shop_lines.receipt.json")
    git(shop, "commit", "-q", "-m", "without lines")
    said = section(verdicts(shop), "Family synthetic_shop")
    assert "Newly published together with the others: `synthetic_shop_lines`." in said
    assert "| new: references " in said
    git(
        shop, "rm", "-q", "--cached", *(f"warehouse/dev/{name}.receipt.json" for name in MEMBERS if "lines" not in name)
    )
    git(shop, "commit", "-q", "-m", "without any")
    assert "These are published together for the first time since HEAD." in verdicts(shop)


def test_a_key_that_is_gone_and_a_table_that_left_are_named(shop: FamilyProject) -> None:
    shop.edit("      - {table: products}\n", "").edit("          - {column: product_id, references: products}\n", "")
    shop.edit(AUDITS, "      - row_count: {min: 1}\n").ok("build")
    shop.ok("gc", "--removed")
    said = section(verdicts(shop), "Family synthetic_shop")
    assert "No longer among them: `synthetic_shop_products`." in said
    assert "| `synthetic_shop_lines.product_id` | `synthetic_shop_products.product_id` | looked up | gone |" in said
    assert " → no audit |" in said


def test_a_family_that_did_not_pass_stays_as_it_was(shop: FamilyProject) -> None:
    shop.edit("- {table: lines}", "- {table: lines, audits: [{row_count: {min: 100000}}]}")
    shop.fails("build", *reports("markdown"))
    said = section(told(shop), "Family synthetic_shop")
    assert (
        "Not published, as `synthetic_shop_lines` did not pass: what was published before stays, of every table."
        in said
    )
