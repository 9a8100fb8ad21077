"""One report lists every fault of a project, each with its place, value and fix; all of them before any training."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.synth import SQL_PROJECT, Project, make_project

BROKEN = {
    "synth_project.yml": "name: shop\nseed: 7\nmodels:\n  +materialised: table\n",
    "models/sources.yml": """
        version: 1
        sources:
          - name: crm
            tables:
              - {name: customers, path: data/customers.csv}
              - {name: orders, path: data/custmers.csv}
    """,
    "models/customers.yml": """
        version: 1
        models:
          - name: a
            source: "{{ source('crm', 'custmers') }}"
            generator: sdv.gausian_copula
            audits:
              - not_null: {columns: [tier]}
          - name: b
            source: "{{ source('crm', 'customers') }}"
            generator: {name: sdv.ctgan, epoch: 3}
            epsilon: 1.0
            size: 2y
            audits:
              - not_null: {columns: [teir]}
              - kss: {max: 0.1}
              - ks: {max: 3}
              - expression: {sql: "agee > 3"}
          - name: c
            generator: {name: sql, query: "select * from {{ ref('d') }}"}
            audits: []
          - name: d
            generator: {name: sql, query: "select * from {{ ref('c') }}"}
            audits: []
          - name: c
            generator: {name: sql, query: "select nothing from {{ source('crm', 'customers') }}"}
            audits: []
          - name: e
            generator: {name: sql, query: "select nothing from {{ source('crm', 'customers') }}"}
            audits: []
          - name: f
            source: "{{ source('crm', 'customers') }}"
            generator: sdv.gaussian_copula
            conditions: {churned: {yes: 50%, no: 40%}}
            audits: []
            sise: 3
          - name: g
            generator: {name: sql, query: "select {{ vra('x') }} from {{ ref('nobody') }}"}
            audits: []
        exposures:
          - {name: board, owner: {email: a@example.org}, depends_on: ["{{ ref('bb') }}"]}
    """,
}

# file, line, column → a piece of the message, a piece of the fix
EXPECTED = [
    ("synth_project.yml", 4, 3, "unknown default '+materialised'", "materialized"),
    ("models/sources.yml", 6, 30, "there is no file 'data/custmers.csv'", "data/customers.csv"),
    ("models/customers.yml", 4, 13, "has no table 'custmers'", "customers"),
    ("models/customers.yml", 5, 16, "there is no generator 'sdv.gausian_copula'", "sdv.gaussian_copula"),
    ("models/customers.yml", 10, 34, "unknown key 'epoch'", "epochs"),
    ("models/customers.yml", 11, 14, "cannot honour epsilon", "drop epsilon"),
    ("models/customers.yml", 12, 11, "'2y' is not a size", "50000"),
    ("models/customers.yml", 14, 30, "'teir'", "tier"),
    ("models/customers.yml", 15, 14, "there is no audit 'kss'", "ks"),
    ("models/customers.yml", 16, 19, "less than or equal to 1", ""),
    ("models/customers.yml", 17, 27, "agee", "columns"),
    ("models/customers.yml", 18, 11, "c → d", "drop one"),
    ("models/customers.yml", 24, 11, "declared twice", "rename"),
    ("models/customers.yml", 28, 35, "nothing", ""),
    ("models/customers.yml", 33, 27, "add up to 90%", "100%"),
    ("models/customers.yml", 35, 5, "unknown key 'sise'", "size"),
    ("models/customers.yml", 37, 35, "'vra' is undefined", "var"),
    ("models/customers.yml", 40, 63, "there is no model 'bb'", "b"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    project = make_project(tmp_path_factory.mktemp("broken") / "shop", BROKEN)
    return project.fails("compile", code=2)


@pytest.mark.parametrize(("file", "line", "column", "message", "fix"), EXPECTED)
def test_each_fault_is_in_the_report(report: str, file: str, line: int, column: int, message: str, fix: str) -> None:
    paragraphs = report.split("\n\n")
    here = [p for p in paragraphs if p.startswith(f"{file}:{line}:{column}: ")]
    assert here, f"nothing at {file}:{line}:{column} in\n{report}"
    assert any(message in p and fix in p.partition("fix: ")[2] for p in here), "\n".join(here)


def test_the_report_has_no_other_faults(report: str) -> None:
    places = {tuple(m) for m in re.findall(r"^(\S+):(\d+):(\d+): error", report, re.MULTILINE)}
    # Duplicates of one name make the second definition take part in no further check, so nothing else is expected.
    assert places <= {(f, str(n), str(c)) for f, n, c, _, _ in EXPECTED}, report


def test_the_report_counts(report: str) -> None:
    assert re.search(r"\d+ faults in 3 files; nothing was run", report)


@pytest.mark.parametrize("verb", ["ls", "plan", "build", "audit"])
def test_no_verb_works_on_a_broken_project(tmp_path: Path, verb: str) -> None:
    project = make_project(tmp_path / "shop", {**SQL_PROJECT, "synth_project.yml": "name: shop\nsede: 7\n"})
    text = project.fails(verb, code=2)
    assert "synth_project.yml:2:1: error: unknown key 'sede'" in text
    assert "did you mean 'seed'" in text
    assert not (project.root / "warehouse").exists()


def _one_model(tmp_path: Path, model: str, **files: str) -> Project:
    return make_project(tmp_path / "shop", {**SQL_PROJECT, "models/customers.yml": model, **files})


def test_yes_and_no_are_strings(tmp_path: Path) -> None:
    model = """
        version: 1
        models:
          - name: m
            generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
            audits: [{accepted_values: {column: churned, values: [yes, no]}}]
    """
    _one_model(tmp_path, model).ok("compile")


def test_a_custom_audit_is_checked_against_the_models_columns(tmp_path: Path) -> None:
    model = """
        version: 1
        models:
          - name: m
            generator: {name: sql, query: "select age from {{ source('crm', 'customers') }}"}
            audits: [no_minors]
    """
    project = _one_model(tmp_path, model, **{"audits/no_minors.sql": "select * from {{ this }} where agee < 18"})
    text = project.fails("compile", code=2)
    assert "audits/no_minors.sql:1:1" in text
    assert "agee" in text


def test_comparing_with_real_rows_needs_a_source_and_a_holdout(tmp_path: Path) -> None:
    model = """
        version: 1
        models:
          - name: without_source
            generator: {name: sql, query: "select age from {{ source('crm', 'customers') }}"}
            audits: [ks]
          - name: without_holdout
            source: "{{ source('crm', 'customers') }}"
            generator: sdv.gaussian_copula
            holdout: 0
            audits: [ks]
    """
    text = _one_model(tmp_path, model).fails("compile", code=2)
    assert "names no source" in text
    assert "the holdout is 0" in text


def test_a_query_may_not_read_files_or_write(tmp_path: Path) -> None:
    model = """
        version: 1
        models:
          - {name: a, generator: {name: sql, query: "select * from read_csv('/etc/passwd')"}, audits: []}
          - {name: b, generator: {name: sql, query: "create table x as select 1"}, audits: []}
          - {name: c, generator: {name: sql, query: "select 1; select 2"}, audits: []}
          - {name: d, generator: {name: sql, file: ../outside.sql}, audits: []}
    """
    text = _one_model(tmp_path, model).fails("compile", code=2)
    assert text.count("error:") == 4
    assert "outside the project" in text


def test_jinja_cannot_leave_its_sandbox(tmp_path: Path) -> None:
    model = """
        version: 1
        models:
          - name: m
            description: "{{ ''.__class__.__mro__ }}"
            generator: {name: sql, query: "select 1 as x"}
            audits: []
    """
    text = _one_model(tmp_path, model).fails("compile", code=2)
    assert "__class__" in text
    assert "models/customers.yml:4:18" in text


def test_pii_names_something_that_can_be_made_up(tmp_path: Path) -> None:
    sources = SQL_PROJECT["models/sources.yml"].rstrip() + "\n                columns: [{name: tier, pii: emial}]\n"
    text = make_project(tmp_path / "shop", {**SQL_PROJECT, "models/sources.yml": sources}).fails("compile", code=2)
    assert "Faker makes no 'emial'" in text
    assert "did you mean 'email'" in text


def test_lineage_says_which_tables_hold_real_rows(shop: Project) -> None:
    out = shop.ok("compile")
    assert "by_tier contains real rows: by_tier ← customers ← crm.customers" in out
