"""Every field of every record that is published is classified, and what is withheld is nowhere: a planted row shows it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from synthkit.audits.runner import AuditRecord
from synthkit.privacy import disclosure as release
from synthkit.privacy.disclosure import Fields, Kind
from synthkit.project.types import SourceTableSpec
from synthkit.results import ModelResult
from synthkit.sources.fingerprint import content_hash
from synthkit.store.meta import TABLES
from synthkit.store.others import META, META_TABLES
from synthkit.store.parquet import read_metadata
from tests.private import DECLARED
from tests.synth import Project, customers, make_project, write_csv

OTHER = """
          - name: patients
            path: data/patients.csv
            sensitive: true
            primary_key: customer_id
          - name: anybody
            path: data/anybody.csv
            primary_key: customer_id
"""
MODELS = """
    version: 1
    models:
      - name: private
        source: "{{ source('crm', 'customers') }}"
        generator: independent
        epsilon: 1
        delta: 1e-4
        size: 1x
        audits: &audits
          - ks: {columns: [age, spend], max_excess: 0.05, severity: warn}
          - row_count: {min: 1}
      - name: beside
        description: No epsilon, of people whom another table's epsilon protects
        source: "{{ source('crm', 'customers') }}"
        generator: {name: sql, query: "select 18 + (range % 73) as age, range * 0.5 as spend from range(200)"}
        audits: *audits
      - name: guarded
        source: "{{ source('crm', 'patients') }}"
        generator: {name: sql, query: "select 18 + (range % 73) as age, range * 0.5 as spend from range(200)"}
        audits: *audits
      - name: free
        source: "{{ source('crm', 'anybody') }}"
        generator: {name: sql, query: "select 18 + (range % 73) as age, range * 0.5 as spend from range(200)"}
        audits: *audits
      - name: learnt
        source: "{{ source('crm', 'customers') }}"
        generator: circuit
        size: 1x
        materialized: ephemeral
        audits: []
"""
PROJECT = "name: shop\nseed: 7\nlineage: {transport: file, path: out/lineage.jsonl}\n"
LAST = {"customer_id": "K-1", "age": 77, "spend": 77.77, "tier": "pro", "joined": "2011-01-01", "visits": 3}
SOURCES = {"customers": 1, "patients": 2, "anybody": 3}
PRIVATE = ("private", "beside")


def shop(root: Path, rows: int) -> Project:
    """``rows`` customers, of whom the last is odd; the other tables are the same in every project."""
    project = make_project(root, {"synth_project.yml": PROJECT, "models/sources.yml": DECLARED.rstrip() + OTHER})
    for name, seed in SOURCES.items():
        write_csv(project.root / f"data/{name}.csv", customers(400, seed))
    some = customers(400)[: rows - 1]
    write_csv(project.root / "data/customers.csv", [*some, LAST | {"churned": "yes"}])
    return project.write({"models/customers.yml": MODELS})


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    root = tmp_path_factory.mktemp("pair")
    found = shop(root / "one", 311), shop(root / "other", 312)
    for project in found:
        project.ok(
            "build", "--report", "markdown=report.md", "--report", "junit=report.xml", "--report", "html=report.html"
        )
    return found


def receipt(project: Project, name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((project.root / f"warehouse/dev/{name}.receipt.json").read_text("utf-8"))
    return data


def events(project: Project) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (project.root / "out/lineage.jsonl").read_text("utf-8").splitlines()]


def unclassified(record: Mapping[str, Any], fields: Fields, path: str = "") -> Iterator[str]:
    for key, value in record.items():
        kind, here = fields.get(key), f"{path}{key}"
        if kind is None:
            yield here
        elif not isinstance(kind, Kind):
            parts = value if isinstance(value, list) else [value]
            for part in parts:
                if isinstance(part, Mapping):
                    yield from unclassified(part, kind, f"{here}.")


@pytest.mark.parametrize("name", ["private", "beside", "guarded", "free"])
def test_each_field_of_a_receipt_is_classified(pair: tuple[Project, Project], name: str) -> None:
    assert list(unclassified(receipt(pair[0], name), release.RECEIPT)) == []


def test_each_field_of_what_reports_and_synth_meta_are_made_from_is_classified() -> None:
    assert set(AuditRecord.model_fields) == set(release.AUDIT)
    assert {f.name for f in dataclasses.fields(ModelResult)} == set(release.RESULT)
    assert set(TABLES) == set(release.META) == set(META_TABLES)


def test_each_column_of_synth_meta_is_classified(pair: tuple[Project, Project]) -> None:
    for table, fields in release.META.items():
        listed = pair[0].query(f"select column_name from (describe {META}.{table})")
        assert {r["column_name"] for r in listed} == set(fields), table


def test_each_key_of_parquet_metadata_is_classified(pair: tuple[Project, Project]) -> None:
    for name in (*PRIVATE, "guarded", "free"):
        (file,) = pair[0].parquet(name)
        drawn = b"synthkit.columns" in pq.read_schema(file).metadata  # an SQL model's columns are its query's business
        assert set(read_metadata(file)) == set(release.PARQUET) - (set() if drawn else {"synthkit.columns"})
        assert pq.read_schema(file).metadata.keys() <= {b"ARROW:schema", *(k.encode() for k in release.PARQUET)}


def test_each_field_of_the_ledger_is_classified(pair: tuple[Project, Project]) -> None:
    for line in (pair[0].root / "privacy/ledger.jsonl").read_text("utf-8").splitlines():
        assert set(json.loads(line)) - {"joins"} == set(release.LEDGER) - {"joins"}


def test_each_facet_of_a_lineage_event_is_classified(pair: tuple[Project, Project]) -> None:
    plain = ("_producer", "_schemaURL", "_deleted")

    def facets(found: Mapping[str, Any]) -> dict[str, Any]:
        return {k: {a: b for a, b in v.items() if a not in plain} for k, v in found.items()}

    for event in events(pair[0]):
        of = {"run": [event["run"]["facets"]], "job": [event["job"]["facets"]]}
        of["input"] = [d["facets"] for d in event["inputs"]]
        of["output"] = [{**d["facets"], **d.get("outputFacets", {})} for d in event["outputs"]]
        for kind, many in of.items():
            for found in many:
                assert list(unclassified(facets(found), release.LINEAGE[kind])) == [], kind


@pytest.mark.parametrize("name", PRIVATE)
def test_nothing_of_a_receipt_depends_on_a_row_but_what_may(pair: tuple[Project, Project], name: str) -> None:
    """Two projects that differ by one row: beside noise, keyed hashes and verdicts, their receipts are the same."""
    one, other = (receipt(p, name) for p in pair)
    may = {Kind.DRAWN, Kind.KEYED, Kind.VERDICT, Kind.LEDGER}
    clock = {"run_id", "published_at", "git"}

    def fixed(record: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in record.items():
            kind = fields[key]
            if isinstance(kind, Kind):
                if kind not in may and key not in clock:
                    found[key] = value
            elif isinstance(value, Mapping):
                found[key] = fixed(value, kind)
            elif isinstance(value, list):
                found[key] = [fixed(v, kind) for v in value]
        return found

    for data in (one, other):  # figures of audits of the published rows alone are of those rows
        data["audits"] = [a for a in data["audits"] if a["name"] == "ks"]
    assert fixed(one, release.RECEIPT) == fixed(other, release.RECEIPT)


def test_the_exact_floor_of_real_rows_is_nowhere_published(pair: tuple[Project, Project]) -> None:
    project = pair[0]
    results = {
        r["model"]: r for r in json.loads((project.root / "target/run_results.json").read_text("utf-8"))["results"]
    }
    for name in PRIVATE:
        (whole,) = (a for a in results[name]["audits"] if a["name"] == "ks")
        assert whole["floor"] > 0
        assert whole["limit"] == pytest.approx(whole["floor"] + 0.05)
        (shown,) = (a for a in receipt(project, name)["audits"] if a["name"] == "ks")
        assert (shown["threshold"], shown["limit"], shown["floor"]) == ("max floor + 0.05", None, None)
        for figure in (whole["floor"], whole["value"], whole["limit"]):
            for form in (f"{figure:.3g}", f"{figure:.4f}", repr(figure)):
                for where, text in published(project, name):
                    assert form not in text, (name, where, form)


def published(project: Project, name: str) -> Iterator[tuple[str, str]]:
    """What is published about a table's audit of real rows, wherever it stands."""
    yield "receipt", json.dumps([a for a in receipt(project, name)["audits"] if a["name"] == "ks"])
    rows = project.query(f"select * from {META}.audits where \"table\" = '{name}' and name = 'ks'")
    assert len(rows) == 1
    yield "synth_meta", json.dumps(rows)
    for file in ("report.md", "report.xml", "report.html"):
        lines = (project.root / file).read_text("utf-8").splitlines()
        told = [x for x in lines if f"`{name}` · `ks`" in x or (f'classname="{name}"' in x and 'name="ks"' in x)]
        yield file, "\n".join(told)
    for event in events(project):
        if event["job"]["name"] == f"shop.{name}":
            facet = event["run"]["facets"].get("test", {"tests": []})
            yield "lineage", json.dumps([t for t in facet["tests"] if t["name"] == "ks"])


def test_no_table_over_protected_rows_tells_their_number_or_their_hash(pair: tuple[Project, Project]) -> None:
    project = pair[0]
    hashes = {}
    for table in SOURCES:
        spec = SourceTableSpec(name=table, path=f"data/{table}.csv")
        hashes[table] = content_hash(spec, root=project.root, connections={}, cache=None)
    whole = {name: receipt(project, name) for name in ("private", "beside", "guarded", "free")}
    for name, data in whole.items():
        text = json.dumps(data)
        assert hashes["customers"] not in text, name
        assert hashes["patients"] not in text, name
        if name != "free":
            assert (data["source_rows"], data["seconds"]) == (None, {}), name
    assert hashes["anybody"] in json.dumps(whole["free"])  # of an open source it tells what is read
    assert whole["free"]["seconds"]
    lineage = (project.root / "out/lineage.jsonl").read_text("utf-8")
    assert hashes["customers"] not in lineage
    (guarded,) = (a for a in whole["guarded"]["audits"] if a["name"] == "ks")
    assert guarded["value"] is not None  # no ε promises anything, so figures stay; what may hold counts does not
    assert (guarded["message"], guarded["details"]) == (release.UNTOLD, {})


def test_a_relative_size_is_of_the_declared_number_of_protected_rows(pair: tuple[Project, Project]) -> None:
    for project in pair:
        assert {project.results()[n]["rows"] for n in ("private", "learnt")} == {400}
