"""What a table may be used for goes where the table goes, and makes no row anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.synth import SQL_PROJECT, Project, customers, make_project, write_csv

FILES = {
    **SQL_PROJECT,
    "synth_project.yml": """
        name: shop
        seed: 7
        models:
          +usage:
            owner: data@example.org
            licence: CC-BY-4.0
            retention: 90 days
    """,
    "models/customers.yml": """
        version: 1
        models:
          - name: customers
            generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
            usage:
              intended: [load tests of the till, demos]
              not_for: decisions about people
              contact: https://example.org/data
            audits:
              - not_null: {columns: [tier]}
          - name: by_tier
            generator: {name: sql, query: "select tier, count(*) as n from {{ ref('customers') }} group by tier"}
            usage: {owner: {name: "Team <b>", email: team@example.org}, licence: MIT}
            audits: []
        exposures:
          - name: churn_board
            type: dashboard
            owner: {name: Sales, email: sales@example.org}
            url: https://example.org/churn
            depends_on: ["{{ ref('by_tier') }}", "{{ ref('customers') }}"]
    """,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("usage") / "shop", FILES)
    write_csv(project.root / "data/customers.csv", customers(60))
    project.ok("build")
    return project


def test_the_data_sheet_is_in_the_receipt_synth_meta_and_what_show_prints(built: Project) -> None:
    rows = built.query('select * from synth_meta.usage order by "table"')
    assert rows == [
        {
            "table": "by_tier",
            "intended": [],
            "not_for": [],
            "owner": "Team <b>",
            "owner_email": "team@example.org",
            "licence": "MIT",
            "retention": "90 days",
            "contact": None,
        },
        {
            "table": "customers",
            "intended": ["load tests of the till", "demos"],
            "not_for": ["decisions about people"],
            "owner": None,
            "owner_email": "data@example.org",
            "licence": "CC-BY-4.0",
            "retention": "90 days",
            "contact": "https://example.org/data",
        },
    ]
    shown = built.ok("show", "customers")
    assert "intended    load tests of the till; demos\n" in shown
    assert "not for     decisions about people\n" in shown
    assert "licence     CC-BY-4.0\n" in shown


def test_synth_meta_says_what_tables_are_made_from_and_who_depends_on_them(built: Project) -> None:
    found = built.query('select * from synth_meta.lineage order by "table", relation, parent')
    assert [tuple(row.values()) for row in found] == [
        ("by_tier", "descends from", "crm.customers", "source"),
        ("by_tier", "made from", "customers", "table"),
        ("customers", "made from", "crm.customers", "source"),
    ]
    exposed = built.query('select name, "table", type, owner, owner_email from synth_meta.exposures order by "table"')
    assert [tuple(row.values()) for row in exposed] == [
        ("churn_board", table, "dashboard", "Sales", "sales@example.org") for table in ("by_tier", "customers")
    ]


def test_the_site_shows_it_and_no_word_of_it_is_markup(built: Project) -> None:
    built.ok("docs", "generate", "--output", "out")
    pages = {p.name: p.read_text("utf-8") for p in (built.root / "out").rglob("*.html")}
    assert "<dt>not for</dt><dd>decisions about people</dd>" in pages["customers.html"]
    assert "Team &lt;b&gt; &lt;team@example.org&gt;" in pages["by_tier.html"]


def test_other_words_make_nothing_anew_and_are_read_at_once(built: Project, tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", FILES)
    write_csv(project.root / "data/customers.csv", customers(60))
    project.ok("build")
    before = {p: p.read_bytes() for p in (project.root / "warehouse/dev").rglob("*.json")}
    project.write({"models/customers.yml": FILES["models/customers.yml"].replace("demos", "training courses")})
    project.ok("build")
    assert {r["action"] for r in project.results().values()} == {"reuse"}
    assert {p: p.read_bytes() for p in (project.root / "warehouse/dev").rglob("*.json")} == before
    (row,) = project.query("select intended from synth_meta.usage where \"table\" = 'customers'")
    assert row["intended"] == ["load tests of the till", "training courses"]
    assert "usage" in (project.root / "warehouse/dev/customers.receipt.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{retention: for ever}", "it should be a time or the last day: 90 days, 2 years, 2027-06-30"),
        ("{retention: '2027-02-30'}", "there is no such day"),
        ("{license: MIT}", "licence"),
        ("{owner: {mail: x}}", "email"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(said: str, message: str, tmp_path: Path) -> None:
    model = f"version: 1\nmodels:\n  - name: t\n    generator: {{name: sql, query: select 1 as n}}\n    usage: {said}\n"
    project = make_project(tmp_path / "shop", {"synth_project.yml": "name: shop\n", "models/t.yml": model})
    told = project.fails("compile", code=2)
    assert message in told
    assert "models/t.yml:5:" in told
