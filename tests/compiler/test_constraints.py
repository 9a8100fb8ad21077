"""Declared inequalities at compile time: where each fault is, who inherits what, which hashes they touch."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from synthkit.compiler import Manifest, compile_project
from synthkit.planning.fingerprint import Fingerprinter
from synthkit.project.project import load_project
from tests.synth import COPULA_PROJECT, make_project

BROKEN = {
    **COPULA_PROJECT,
    "models/sources.yml": """
        version: 1
        sources:
          - name: crm
            tables:
              - name: customers
                path: data/customers.csv
                primary_key: customer_id
                constraints: ["age >= 18", "spend => 0", "customer_id > 5"]
                columns: [{name: churned, type: categorical}]
    """,
    "models/customers.yml": """
        version: 1
        models:
          - name: a
            source: "{{ source('crm', 'customers') }}"
            generator: sdv.gaussian_copula
            constraints:
              - aeg >= 18
              - spend < tier
              - age < joined
              - joined > 5
              - visits
              - 0 <= spend <= 100
            audits: []
          - name: b
            source: "{{ source('crm', 'customers') }}"
            generator: sdv.gaussian_copula
            constraints: [age <= visits, visits < 18]
            audits: []
          - name: c
            generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
            constraints: age >= 18
            audits: []
          - name: d
            source: "{{ source('crm', 'customers') }}"
            generator: sdv.gaussian_copula
            columns: [{name: age, type: id}]
            audits: []
          - name: e
            source: "{{ source('crm', 'customers') }}"
            generator: sdv.gaussian_copula
            conditions: {age: {20: 50%, 17: 50%}}
            constraints: [3]
            audits: []
    """,
}

# file, line, column → a piece of the message, a piece of the fix
EXPECTED = [
    ("models/sources.yml", 8, 36, "'=>'", "start <= end"),
    ("models/sources.yml", 8, 50, "'customer_id' is made up, not modelled (id)", "declare the type"),
    ("models/customers.yml", 7, 9, "there is no column 'aeg'", "age"),
    ("models/customers.yml", 8, 9, "'tier' is VARCHAR", "drop the rule"),
    ("models/customers.yml", 9, 9, "cannot be compared", "numbers with numbers"),
    ("models/customers.yml", 10, 9, "cannot be compared with 5", "ISO date"),
    ("models/customers.yml", 11, 9, "'visits' is no comparison", "start <= end"),
    ("models/customers.yml", 12, 9, "compares more than once", "one comparison"),
    (
        "models/customers.yml",
        17,
        18,
        "satisfy 'visits < 18' and 'age >= 18' and 'age <= visits' at once",
        "drop or mend",
    ),
    ("models/customers.yml", 21, 5, "is an SQL model", '- expression: {sql: "age >= 18"}'),
    ("models/customers.yml", 26, 14, "'age >= 18' (models/sources.yml:8:23) cannot hold here", "drop the constraint"),
    ("models/customers.yml", 31, 33, "age = 17 breaks the constraint 'age >= 18'", "another value"),
    ("models/customers.yml", 32, 19, "must be text", "write text"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_project(tmp_path_factory.mktemp("broken") / "shop", BROKEN).fails("compile", code=2)


@pytest.mark.parametrize(("file", "line", "column", "message", "fix"), EXPECTED)
def test_each_fault_is_in_the_report(report: str, file: str, line: int, column: int, message: str, fix: str) -> None:
    here = [p for p in report.split("\n\n") if p.startswith(f"{file}:{line}:{column}: ")]
    assert here, f"nothing at {file}:{line}:{column} in\n{report}"
    assert any(message in p and fix in p.partition("fix: ")[2] for p in here), "\n".join(here)


def test_the_report_has_no_other_faults(report: str) -> None:
    places = re.findall(r"^(\S+):(\d+):(\d+): error", report, re.MULTILINE)
    assert sorted(places) == sorted((f, str(n), str(c)) for f, n, c, _, _ in EXPECTED), report


# -- who inherits ------------------------------------------------------------------------------------------

INHERITING = """
    version: 1
    models:
      - name: first
        source: "{{ source('crm', 'customers') }}"
        generator: sdv.gaussian_copula
        constraints: [18<=age, spend < 1e4]
        audits: []
      - name: second
        source: "{{ ref('first') }}"
        generator: sdv.gaussian_copula
        constraints: visits <= age
        audits: []
      - name: chosen
        generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
        audits: []
      - name: third
        source: "{{ ref('chosen') }}"
        generator: sdv.gaussian_copula
        audits: []
"""


def compiled(root: Path, sources: str = "constraints: [age >= 18]", models: str = INHERITING) -> Manifest:
    files = dict(COPULA_PROJECT)
    files["models/sources.yml"] = files["models/sources.yml"].rstrip() + f"\n                {sources}\n"
    files["models/customers.yml"] = models
    return compile_project(load_project(make_project(root, files).root))


def test_models_inherit_the_rules_of_what_they_learn_from(tmp_path: Path) -> None:
    models = compiled(tmp_path / "shop").models
    held = {name: [str(c.rule) for c in m.constraints] for name, m in models.items()}
    assert held == {
        "first": ["age >= 18", "spend < 10000"],  # the source's rule said again is the same rule
        "second": ["age >= 18", "spend < 10000", "visits <= age"],
        "chosen": [],
        "third": [],  # a query may make of a source what it likes
    }
    places = [c.location for c in models["second"].constraints]
    assert places == ["models/sources.yml:8:23", "models/customers.yml:6:28", "models/customers.yml:11:18"]


def test_the_manifest_and_the_compiled_yaml_name_them(tmp_path: Path) -> None:
    manifest = compiled(tmp_path / "shop")
    manifest.write(tmp_path / "out")
    data = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert data["models"]["first"]["constraints"] == ["age >= 18", "spend < 10000"]
    assert "- spend < 10000" in (tmp_path / "out" / "compiled" / "models" / "customers.yml").read_text("utf-8")


def hashes(manifest: Manifest) -> dict[str, tuple[str, str]]:
    fingerprinter, upstream, found = Fingerprinter(manifest), {}, {}
    for name, model in manifest.models.items():
        made = fingerprinter.of(model, upstream)
        upstream[model.id] = made.sample
        found[name] = (made.train, made.sample)
    return found


def test_rules_decide_the_rows_and_not_the_training(tmp_path: Path) -> None:
    before = hashes(compiled(tmp_path / "shop"))
    assert hashes(compiled(tmp_path / "shop", "constraints: age>=18.0")) == before  # written otherwise
    assert hashes(compiled(tmp_path / "shop", models=INHERITING.replace("18<=age, ", ""))) == before
    after = hashes(compiled(tmp_path / "shop", "constraints: [age >= 17]"))
    assert after["first"][0] == before["first"][0]
    assert after["first"][1] != before["first"][1]
    assert after["chosen"] == before["chosen"]


def test_a_project_without_rules_keeps_the_hashes_that_it_had(tmp_path: Path) -> None:
    manifest = compiled(tmp_path / "shop", "tags: [x]", INHERITING.replace("constraints", "meta: {} #"))
    fingerprinter = Fingerprinter(manifest)
    inputs = fingerprinter.of(manifest.models["first"], {}).inputs
    assert "constraints" not in inputs["sample"]
