"""What was learnt of a table and what only looks like its source is said wherever the table is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.synth import Project, customers, make_project, write_csv
from tests.test_keys_put_together import NUMBERS, private

MODELS = """
    version: 1
    sources:
      - name: crm
        tables:
          - name: people
            path: data/people.csv
            primary_key: customer_id
            columns: [{name: note, type: text}, {name: email, pii: email}]
    models:
      - name: drawn
        source: "{{ source('crm', 'people') }}"
        generator: circuit
        audits:
          - not_null: {columns: [tier]}
          - ks
"""
HOW = {
    "customer_id": "key",
    "age": "learnt",
    "tier": "learnt",
    "country": "constant",
    "nothing": "empty",
    "note": "made up",
    "email": "pii",
}
SENTENCE = "4 of 7 columns learnt; 2 made up: note, email"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    project = make_project(
        tmp_path_factory.mktemp("made-up") / "p",
        {"synth_project.yml": "name: shop\nseed: 7\n", "models/m.yml": MODELS},
    )
    more = {"country": "nl", "nothing": ""}
    rows = [
        {
            **{k: row[k] for k in ("customer_id", "age", "tier")},
            **more,
            "note": f"says {i} of it",
            "email": f"{i}@x.org",
        }
        for i, row in enumerate(customers())
    ]
    write_csv(project.root / "data" / "people.csv", rows)
    return project, project.ok("build", "--report", "markdown=report.md", "--report", "html=report.html")


def test_the_build_says_it_at_its_end(built: tuple[Project, str]) -> None:
    project, text = built
    assert text.splitlines()[-1] == f"drawn: {SENTENCE}"
    for report in ("report.md", "report.html"):
        assert f"{SENTENCE}." in (project.root / report).read_text()
    assert project.results()["drawn"]["column_origins"][5] == {"name": "note", "how": "made up"}


def test_the_receipt_the_file_and_the_database_say_it(built: tuple[Project, str]) -> None:
    project, _ = built
    receipt = json.loads((project.root / "warehouse/dev/drawn.receipt.json").read_text())
    assert {o["name"]: o["how"] for o in receipt["column_origins"]} == HOW
    assert receipt["column_origins"][-1]["by"] == "email"
    stamped = pq.read_schema(project.parquet("drawn")[0]).metadata[b"synthkit.columns"]
    assert json.loads(stamped) == HOW
    rows = project.query("select * from synth_meta.columns order by position")
    assert {r["name"]: r["how"] for r in rows} == HOW
    assert {r["name"]: r["audits"] for r in rows}["tier"] == ["not_null"]
    assert {r["name"]: r["audits"] for r in rows}["age"] == ["ks"]
    assert {r["name"]: r["audits"] for r in rows}["note"] == []
    project.ok("verify")


def test_it_is_shown(built: tuple[Project, str]) -> None:
    project, _ = built
    text = project.ok("show", "drawn")
    assert "customer_id  VARCHAR  key, made up" in text
    assert "email        VARCHAR  made up (pii: email)" in text
    assert len([line for line in text.splitlines() if line.startswith("C-")]) == 10
    project.ok("docs", "generate")
    pages = [p.read_text() for p in (project.root / "target").rglob("*.html") if "First rows" in p.read_text()]
    assert len(pages) == 1
    assert SENTENCE in pages[0]
    first = project.query("select customer_id from drawn limit 10")
    assert all(row["customer_id"] in pages[0] for row in first)


def test_who_does_not_want_it_fails(built: tuple[Project, str]) -> None:
    project, _ = built
    done = project.synth("build", "--fail-on", "made_up")
    assert done.returncode == 1
    assert "exit status 1: --fail-on made_up, and columns are made up: drawn: note, email" in done.stderr
    assert project.synth("build", "--fail-on", "inconclusive").returncode == 0


def test_a_private_table_says_it_too_and_verify_takes_it(tmp_path: Path) -> None:
    made = private(tmp_path / "p", "fresh", NUMBERS)
    made.ok("build")
    rows = made.query("select name, how from synth_meta.columns order by position")
    assert [r["how"] for r in rows] == ["key", "made up", "learnt", "learnt"]
    made.ok("verify")


def test_real_rows_are_on_no_page(shop: Project) -> None:
    shop.ok("build")
    shop.ok("docs", "generate")
    assert not any("First rows" in p.read_text() for p in (shop.root / "target").rglob("*.html"))


BESIDE = """
    version: 1
    sources:
      - name: crm
        tables:
          - name: bills
            path: data/bills.csv
            row_count: 400
            columns: [{name: net, type: integer, bounds: [0, 9999]}, {name: tax, type: integer, bounds: [0, 999]},
                      {name: gross, type: integer, bounds: [0, 19999]}]
    models:
      - {name: beside, source: "{{ source('crm', 'bills') }}", generator: circuit, audits: []}
"""
PRIVATE = """
      - {name: private, source: "{{ source('crm', 'bills') }}", generator: independent, epsilon: 1, size: 100, audits: []}
"""


@pytest.mark.parametrize("protected", [False, True], ids=["open", "protected"])
def test_a_rule_that_protected_rows_showed_is_not_told(tmp_path: Path, protected: bool) -> None:
    text = BESIDE.rstrip(" ") + (PRIVATE.lstrip("\n") if protected else "")
    project = make_project(tmp_path / "p", {"synth_project.yml": "name: p\nseed: 7\n", "models/m.yml": text})
    bills = [{"net": 37 * i % 1000, "tax": 7 * i % 83, "gross": 37 * i % 1000 + 7 * i % 83} for i in range(400)]
    write_csv(project.root / "data" / "bills.csv", bills)
    project.ok("build", "--report", "markdown=report.md", "--report", "html=report.html")
    project.ok("docs", "generate")
    receipt = json.loads((project.root / "warehouse/dev/beside.receipt.json").read_text())
    computed = [o for o in receipt["column_origins"] if o["how"] == "computed"]
    assert len(computed) == 1
    assert bool(computed[0].get("by")) == (not protected)
    told = project.query("""select "by" from synth_meta.columns where "table" = 'beside' and how = 'computed'""")
    assert bool(told[0]["by"]) == (not protected)
    pages = "".join(p.read_text() for p in (project.root / "target" / "docs").rglob("*.html"))
    assert ("gross = net + tax" in pages) == (not protected)
