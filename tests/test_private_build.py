"""A private table through the command line: what a neighbour's rows can change of it, and what is told of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import synthkit
from tests.private import DECLARED
from tests.synth import Project, customers, make_project, write_csv

PROJECT = "name: shop\nseed: 7\nprivacy:\n  budgets:\n    crm.customers: {epsilon: 2, delta: 1e-4}\n"
MODEL = """
    version: 1
    models:
      - name: private
        source: "{{ source('crm', 'customers') }}"
        generator: independent
        epsilon: 1
        delta: 1e-4
        size: 1x
        audits:
          - ks: {max: 0.9}
          - membership_inference: {max_auc: 0.9, severity: warn}
          - accepted_range: {column: age, min: 18, max: 90}
          - real_rows
"""
REAL_ROWS = "select * from {{ this }} where age > (select max(age) + 100 from {{ source('crm', 'customers') }})\n"
ODD = {
    "customer_id": "not even a key of that shape",
    "age": 3,  # below its bounds
    "spend": 123456.789,  # beyond its bounds, with more decimals
    "tier": "platinum",  # a category that is not declared
    "joined": "1874-01-01",
    "visits": "",
    "churned": "maybe",
}


def shop(root: Path, rows: list[dict[str, Any]], files: Mapping[str, str] | None = None) -> Project:
    standard = {
        "synth_project.yml": PROJECT,
        "models/sources.yml": DECLARED,
        "models/customers.yml": MODEL,
        "audits/real_rows.sql": REAL_ROWS,
    }
    project = make_project(root, {**standard, **(files or {})})
    write_csv(project.root / "data" / "customers.csv", rows)
    return project


def built(project: Project, *arguments: str) -> dict[str, Any]:
    done = project.synth("build", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    receipt: dict[str, Any] = json.loads((project.root / "warehouse/dev/private.receipt.json").read_text("utf-8"))
    return receipt


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    """The same project over neighbouring tables: the second holds one row more, as odd as can be."""
    root = tmp_path_factory.mktemp("pair")
    rows = customers()
    found = shop(root / "with", [*rows, ODD]), shop(root / "without", rows)
    for project in found:
        built(project)
    return found


def table(project: Project) -> Any:
    (file,) = (project.root / "warehouse/dev/private").glob("*.parquet")
    return pq.read_table(file)


def test_an_odd_row_changes_no_schema_no_size_and_no_range(pair: tuple[Project, Project]) -> None:
    one, other = (table(p) for p in pair)
    assert one.schema.remove_metadata() == other.schema.remove_metadata()
    assert one.num_rows == other.num_rows == 400  # of the declared number of rows, not of the real one
    for rows in (one, other):
        frame = rows.to_pandas()
        assert set(frame["tier"]) <= {"basic", "plus", "pro"}
        assert set(frame["churned"]) <= {"yes", "no"}
        assert frame["age"].between(18, 90).all()
        assert frame["spend"].between(0, 300).all()
        assert (frame["spend"].round(2) == frame["spend"]).all()
        assert frame["joined"].astype(str).between("2010-01-01", "2025-12-31").all()
        assert list(frame["customer_id"]) == list(range(1, 401))


def test_the_cached_model_differs_in_noisy_counts_alone(pair: tuple[Project, Project]) -> None:
    """Everything that is kept of a training, but for the numbers that its mechanisms released."""
    kept = []
    for project in pair:
        (folder,) = (p for p in (project.root / "target/cache/models").iterdir() if p.is_dir())
        columns = json.loads((folder / "columns.json").read_text("utf-8"))
        model = json.loads((folder / "model/marginals.json").read_text("utf-8"))
        kept.append((columns, model["encoder"]))
    assert kept[0] == kept[1]


def test_a_receipt_tells_verdicts_and_guarantees_and_no_figure_of_the_rows(pair: tuple[Project, Project]) -> None:
    project = pair[0]
    path = project.root / "warehouse/dev/private.receipt.json"
    receipt = json.loads(path.read_text("utf-8"))
    audits = {a["name"]: a for a in receipt["audits"]}
    for name in ("ks", "membership_inference", "real_rows"):
        found = audits[name]
        assert found["status"] in ("pass", "warn", "inconclusive")
        assert (found["value"], found["ci"], found["floor"], found["columns"]) == (None, None, None, []), name
    assert audits["accepted_range"]["value"] == 0  # read off the synthetic rows: post-processing
    assert receipt["source_rows"] is None
    assert receipt["seconds"] == {}
    assert (receipt["epsilon"], receipt["delta"]) == (1.0, 1e-4)
    content = project.synth("query", "select * from synth_meta.audits", "--format", "json").stdout
    assert all(a["value"] is None for a in json.loads(content) if a["name"] == "ks")


def test_what_an_attacker_can_reach_is_said_with_the_attack_the_table_and_the_ledger(
    pair: tuple[Project, Project],
) -> None:
    project = pair[0]
    audits = {a["name"]: a for a in project.results()["private"]["audits"]}
    measured = audits["membership_inference"]
    own, alone = (measured["details"]["theory"][k] for k in ("by_mechanisms", "by_epsilon"))
    assert alone["max_accuracy"] == pytest.approx((math.e + 1e-4) / (math.e + 1))
    assert 0.5 < own["max_accuracy"] < 0.6  # a third of the advantage that epsilon alone would leave
    assert f"AUC ≤ {own['max_auc']:.3f}" in measured["message"]
    most = re.search(r"attacker .* at most ([\d.]+) % of the time whether one row is in", project.ok("show", "private"))
    assert most is not None
    assert own["max_accuracy"] <= float(most[1]) / 100 <= own["max_accuracy"] + 0.001
    assert f"right at most {most[1]} % of the time whether one unit is in it" in project.ok("ledger")
    (account,) = json.loads(project.ok("ledger", "--format", "json"))["accounts"]
    assert account["attacker"]["max_accuracy"] == pytest.approx(own["max_accuracy"])


def test_no_plain_hash_of_the_source_is_published(pair: tuple[Project, Project]) -> None:
    """Whoever knows all rows but one could try candidates for the last against it."""
    from synthkit.project.types import SourceTableSpec
    from synthkit.sources.fingerprint import content_hash

    project = pair[0]
    spec = SourceTableSpec(name="customers", path="data/customers.csv")
    plain = content_hash(spec, root=project.root, connections={}, cache=None)
    published = [p for p in (project.root / "warehouse").rglob("*") if p.suffix in (".json", ".parquet")]
    published.append(project.root / "privacy/ledger.jsonl")
    assert len(published) >= 3
    for file in published:
        assert plain.encode() not in file.read_bytes(), file
    key = (project.root / "privacy/.hash_key").read_text("utf-8").strip()
    assert all(key.encode() not in f.read_bytes() for f in published)


def test_reports_for_others_withhold_figures(pair: tuple[Project, Project]) -> None:
    project = pair[0]
    files = {"models/customers.yml": MODEL.replace("ks: {max: 0.9}", "ks: {max: 0.0001, severity: warn}")}
    project.write(files)
    done = project.synth("build", "--report", "markdown=summary.md")
    assert done.returncode == 0, done.stderr
    text = (project.root / "summary.md").read_text("utf-8")
    assert "figures withheld, against max 0.0001" in text
    assert not re.search(r"ks.*0\.\d{2,}.*\[", text)


def test_two_trainings_draw_different_noise_and_both_are_charged(tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", customers())
    first = built(project)
    again = built(project)
    assert first["sha256"] == again["sha256"]  # nothing to do
    refreshed = built(project, "--full-refresh")
    assert refreshed["sha256"] != first["sha256"]
    assert len((project.root / "privacy/ledger.jsonl").read_text("utf-8").splitlines()) == 2


def test_an_insecure_seed_repeats_the_noise_and_is_shown(tmp_path: Path) -> None:
    files = {"models/customers.yml": MODEL.replace("epsilon: 1\n", "epsilon: 1\n        insecure_seed: 5\n")}
    project = shop(tmp_path / "shop", customers(), files)
    first, second = built(project), built(project, "--full-refresh")
    assert first["sha256"] == second["sha256"]
    assert "insecure" in json.dumps(first["privacy"])
    (guarantee,) = first["guarantees"]
    assert (guarantee["epsilon"], guarantee["unprotected"]) == (None, ["source:crm.customers"])
    (told,) = project.query("select epsilon, statement from synth_meta.privacy")
    assert told == {
        "epsilon": None,
        "statement": "none: its noise is repeatable (insecure_seed), so its epsilon protects nobody",
    }
    assert project.query("select epsilon from synth_meta.tables") == [{"epsilon": None}]
    assert project.results()["private"]["epsilon"] is None
    assert pq.read_schema(project.parquet("private")[0]).metadata[b"synthkit.epsilon"] == b"none"
    ks = next(a for a in first["audits"] if a["name"] == "ks")
    assert ks["value"] is None  # a rehearsal tells no more than the real thing
    assert len((project.root / "privacy/ledger.jsonl").read_text("utf-8").splitlines()) == 1


def test_a_size_change_draws_again_and_costs_nothing(tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", customers())
    built(project)
    project.write({"models/customers.yml": MODEL.replace("size: 1x", "size: 50")})
    assert built(project)["rows"] == 50
    assert len((project.root / "privacy/ledger.jsonl").read_text("utf-8").splitlines()) == 1


def test_sql_over_a_private_table_held_against_its_source_tells_verdicts_alone(tmp_path: Path) -> None:
    """The table is post-processing, but a figure of real rows beside it would be outside every guarantee."""
    from synthkit.project.types import SourceTableSpec
    from synthkit.sources.fingerprint import content_hash

    downstream = """
      - name: adults
        source: "{{ source('crm', 'customers') }}"
        generator: {name: sql, query: "select age, tier from {{ ref('private') }}"}
        audits:
          - ks: {max: 0.9}
          - row_count: {min: 1}
    """
    project = shop(tmp_path / "shop", customers(), {"models/customers.yml": MODEL.rstrip() + downstream})
    built(project)
    text = (project.root / "warehouse/dev/adults.receipt.json").read_text("utf-8")
    ks, count = json.loads(text)["audits"]
    assert (ks["status"], ks["value"], ks["ci"], ks["columns"]) == ("pass", None, None, [])
    assert count["value"] == 400
    results = json.loads((project.root / "target/run_results.json").read_text("utf-8"))["results"]
    assert [r["withheld"] for r in results if r["model"] == "adults"] == [["ks"]]
    spec = SourceTableSpec(name="customers", path="data/customers.csv")
    assert content_hash(spec, root=project.root, connections={}, cache=None) not in text


def test_what_is_made_from_a_private_table_says_what_it_reveals(tmp_path: Path) -> None:
    """Post-processing, or what two trainings reveal together, is an ε too, wherever a table's worth is told."""
    text = (
        MODEL.replace("epsilon: 1\n", "epsilon: 0.5\n")
        + """
      - name: again
        source: "{{ source('crm', 'customers') }}"
        generator: independent
        epsilon: 0.75
        delta: 1e-4
        audits: []
      - name: by_tier
        generator: {name: sql, query: "select tier, count(*) as n from {{ ref('private') }} group by tier order by tier"}
        audits: []
      - name: both
        materialized: parquet
        generator: {name: sql, query: "select p.age from {{ ref('private') }} p join {{ ref('again') }} a on p.age = a.age"}
        audits: []
      - name: real
        generator: {name: sql, query: "select age from {{ source('crm', 'customers') }}"}
        audits: []
    """
    )
    project = shop(tmp_path / "p", customers(), {"models/customers.yml": text})
    project.ok("build")
    rows = project.query("select name, t.epsilon as told, p.epsilon from synth_meta.tables t join synth_meta.privacy p on name = \"table\"")  # fmt: skip
    told = {r["name"]: r["told"] for r in rows}
    assert told == {r["name"]: r["epsilon"] for r in rows}
    assert told["real"] is None
    assert told["private"] == told["by_tier"] == 0.5
    assert 0.75 < told["both"] <= 1.25
    tables = synthkit.open(project.root)
    assert {n: tables.table(n).epsilon for n in told} == told
    found = {n: r["epsilon"] for n, r in project.results().items()}
    assert found == {n: pytest.approx(e) for n, e in told.items()}
