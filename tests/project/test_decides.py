"""A key says once what it decides, and the hashes, the split's key and the rows themselves do as it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from synthkit.compiler import Manifest, compile_project
from synthkit.errors import ConfigurationError
from synthkit.planning.fingerprint import Fingerprint, Fingerprinter
from synthkit.project.decides import Reader, What, decides, deciding, decisions
from synthkit.project.project import load_project
from synthkit.project.projectfile import ProjectSpec
from synthkit.project.types import (
    AuditSpec,
    ColumnSpec,
    ConnectionSpec,
    ForeignKeySpec,
    MemberSpec,
    ModelSpec,
    SourceTableSpec,
)
from synthkit.sources.ingest import ingest, split_key
from tests.synth import Project, customers, make_project, write_csv

SPECS = (
    SourceTableSpec, ForeignKeySpec, ColumnSpec, ModelSpec, MemberSpec, ConnectionSpec, AuditSpec, ProjectSpec
)  # fmt: skip
COLUMNS: list[dict[str, Any]] = [
    {"name": "customer_id", "type": "id"},
    {"name": "age", "type": "integer", "nullable": False, "bounds": [18, 90]},
    {"name": "spend", "type": "float", "decimals": 2, "bounds": [0, 300]},
    {"name": "tier", "type": "categorical", "values": ["basic", "plus", "pro"]},
    {"name": "joined", "type": "date", "bounds": ["2010-01-01", "2025-12-31"]},
    {"name": "visits", "type": "integer", "bounds": [0, 30]},
    {"name": "churned", "type": "categorical", "values": ["yes", "no"]},
]
TABLE: dict[str, Any] = {
    "name": "customers",
    "path": "data/customers.csv",
    "privacy_unit": "customer_id",
    "max_rows_per_unit": 1,
    "row_count": 200,
    "columns": COLUMNS,
}
MODEL: dict[str, Any] = {
    "name": "fake",
    "source": "{{ source('crm', 'customers') }}",
    "generator": "independent",
    "epsilon": 1,
    "insecure_seed": 1,
    "size": 100,
    "audits": [{"row_count": {"equals": 100, "severity": "warn"}}],
}
OPEN = {**MODEL, "generator": "circuit", "epsilon": None, "insecure_seed": None}
PROJECT: dict[str, Any] = {
    "name": "shop",
    "seed": 7,
    "connections": {"lite": {"type": "sqlite", "path": "data/people.sqlite"}},
}
# For each key another value, beside the other keys that it needs; None takes the key out.
SOURCE_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "name": {"name": "buyers"},
    "path": {"path": "data/moved.csv"},
    "format": {"format": "csv"},
    "connection": {"path": None, "connection": "lite", "table": "people"},
    "table": {"path": None, "connection": "lite", "table": "others"},
    "query": {"path": None, "connection": "lite", "query": "select * from people where age > 30"},
    "options": {"options": {"nullstr": ["basic"]}},
    "description": {"description": "Everybody"},
    "primary_key": {"primary_key": "customer_id"},
    "privacy_unit": {"privacy_unit": "joined"},
    "foreign_keys": {"foreign_keys": [{"column": "customer_id", "references": "twins"}]},
    "order_by": {"entity": "customer_id", "order_by": "joined"},
    "entity": {"entity": "customer_id"},
    "public": {"public": True},
    "max_rows_per_unit": {"max_rows_per_unit": 3},
    "population": {"population": "people"},
    "part": {"population": "people", "part": "north"},
    "was": {"was": "crm.clients"},
    "row_count": {"row_count": 201},
    "sensitive": {"sensitive": True},
    "allow_external": {"sensitive": True, "allow_external": True},
    "holdout": {"holdout": "30%"},
    "loaded_at_field": {"loaded_at_field": "joined"},
    "freshness": {"freshness": {"warn_after": {"count": 1, "period": "day"}}},
    "columns": {"columns": [*COLUMNS[:-1], {"name": "churned", "type": "categorical", "values": ["yes", "no", "?"]}]},
    "constraints": {"constraints": ["age >= 18"]},
    "rules": {"rules": ["when age >= 0 then tier is not null"]},
    "tags": {"tags": ["pii"]},
    "meta": {"meta": {"owner": "me"}},
}
COLUMN_CHANGES: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "name": (2, {"name": "visits"}),
    "type": (1, {"type": "float"}),
    "description": (1, {"description": "In years"}),
    "nullable": (5, {"nullable": True}),
    "format": (4, {"format": "%Y-%m-%d"}),
    "rare": (3, {"rare": "similar"}),
    "pii": (3, {"pii": "word"}),
    "bounds": (1, {"bounds": [17, 90]}),
    "values": (3, {"values": ["basic", "plus", "pro", "top"]}),
    "decimals": (2, {"decimals": 1}),
    "meta": (1, {"meta": {"unit": "years"}}),
}
MODEL_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "name": {"name": "other"},
    "description": {"description": "Stand-in"},
    "source": {"source": "{{ source('crm', 'twins') }}"},
    "tables": {"tables": None},  # of families alone: tests/compiler/test_families.py
    "generator": {"generator": {"name": "independent", "bins": 7}},
    "epsilon": {"epsilon": 2},
    "delta": {"delta": 1e-7},
    "insecure_seed": {"insecure_seed": 2},
    "privacy": {"privacy": "synthetic_only"},
    "size": {"size": 200},
    "partition_rows": {"partition_rows": 30},
    "holdout": {"holdout": "30%"},
    "conditions": {"conditions": {"tier": "pro"}},
    "constraints": {"constraints": ["age >= 18"]},
    "rules": {"rules": ["when age >= 0 then tier is not null"]},
    "keys": {"keys": "fresh"},
    "materialized": {"materialized": "parquet"},
    "seed": {"seed": 3},
    "enabled": {"enabled": True},
    "tags": {"tags": ["x"]},
    "meta": {"meta": {"x": 1}},
    "usage": {"usage": {"intended": "load tests", "licence": "MIT", "retention": "90 days"}},
    "resources": {"resources": {"cpus": 1, "memory": "1MB"}},
    "columns": {"columns": [{"name": "tier", "pii": "word"}]},
    "audits": {"audits": []},
    "on_inconclusive": {"on_inconclusive": "warn"},
}
MODEL_COLUMN_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "name": {"name": "visits", "pii": "word"},
    "type": {"type": "text"},
    "description": {"description": "Level"},
    "nullable": {"nullable": True},
    "format": {"format": "%d.%m.%Y"},
    "rare": {"type": "categorical", "rare": "similar"},
    "pii": {"pii": "word"},
    "bounds": {"bounds": [0, 1]},
    "values": {"values": ["a"]},
    "decimals": {"decimals": 1},
    "meta": {"meta": {"x": 1}},
}
AUDIT_CHANGES: Mapping[str, Any] = {
    "audit": {"unique": {"columns": ["customer_id"], "severity": "warn"}},
    "params": {"row_count": {"equals": 101, "severity": "warn"}},
    **{
        key: {"row_count": {"equals": 100, "severity": "warn", **given}}
        for key, given in {
            "name": {"name": "rows"},
            "severity": {"severity": "error"},
            "on_inconclusive": {"on_inconclusive": "warn"},
            "where": {"where": "age > 20"},
            "warn_if": {"warn_if": "> 1"},
            "error_if": {"error_if": "> 1"},
            "enabled": {"enabled": False},
            "description": {"description": "As many as asked for"},
            "tags": {"tags": ["x"]},
            "meta": {"meta": {"x": 1}},
        }.items()
    },
}
KEPT = {"not_null": {"columns": ["age"], "store_failures": True}}  # an audit that has failing rows to keep
FAILURE_CHANGES: Mapping[str, tuple[Any, Any]] = {
    "store_failures": ({"not_null": {"columns": ["age"]}}, KEPT),
    "failures_limit": (KEPT, {"not_null": {"columns": ["age"], "store_failures": True, "failures_limit": 5}}),
}
PROJECT_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "name": {"name": "store"},
    "version": {"version": 2},
    "description": {"description": "A shop"},
    "connections": {"connections": {"lite": {"type": "sqlite", "path": "data/again.sqlite"}}},
    "vars": {"vars": {"unused": 1}},
    "seed": {"seed": 8},
    "device": {"device": "cpu"},
    "threads": {"threads": 2},
    "model_threads": {"model_threads": 2},
    "holdout": {"holdout": "30%"},
    "privacy": {"privacy": {"default_budget": {"epsilon": 100, "delta": 1e-5}}},
    "audit_sets": {"audit_sets": {"few": ["row_count"]}},
    "reports": {"reports": {"show_real": False}},
    "lineage": {"lineage": {"transport": "file", "path": "events.jsonl"}},
    "prices": {"prices": {"cpu_hour": 0.05}},
    "telemetry": {"telemetry": {"prometheus": "target/metrics.prom"}},
    "models": {"models": {"+description": "Made"}},
    "paths": {"paths": {"audits": ["checks"]}},
    "target": {"target": "prod", "targets": {"dev": {}, "prod": {}}},
    "targets": {"targets": {"dev": {"threads": 1}}},
    "on_inconclusive": {"on_inconclusive": "warn"},
}
BELOW: Mapping[What, str] = {"train": "tsa", "sample": "sa", "audit": "a", "keys": "", "nothing": "", "content": ""}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    import sqlite3

    project = make_project(tmp_path_factory.mktemp("decides") / "shop", {})
    rows = customers(200)
    for name in ("customers", "moved"):
        write_csv(project.root / "data" / f"{name}.csv", rows)
    write_csv(project.root / "data" / "twins.csv", customers(200, seed=2))
    for name in ("people", "again"):
        with sqlite3.connect(project.root / "data" / f"{name}.sqlite") as db:
            for table in ("people", "others"):
                db.execute(f"CREATE TABLE {table} ({', '.join(rows[0])})")
                db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * 7)})", [tuple(r.values()) for r in rows])
        db.close()
    return project


def changed(values: Mapping[str, Any], by: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in {**values, **by}.items() if v is not None}


class Seen:
    """What a project's hashes and its split come to."""

    def __init__(
        self,
        shop: Project,
        table: Mapping[str, Any] = TABLE,
        model: Mapping[str, Any] = MODEL,
        project: Mapping[str, Any] = PROJECT,
    ) -> None:
        model = changed(model, {"source": model["source"].replace("'customers'", f"'{table['name']}'")})
        of_its_own = {"name": "twins", "path": "data/twins.csv", "population": "others", "primary_key": "customer_id"}
        twins = changed(TABLE, of_its_own)
        files = {
            "synth_project.yml": project,
            "models/all.yml": {"sources": [{"name": "crm", "tables": [table, twins]}], "models": [model]},
        }
        shop.write({name: yaml.safe_dump(value) for name, value in files.items()})
        try:
            manifest = compile_project(load_project(shop.root))
        except ConfigurationError as error:
            raise AssertionError("\n".join(f"{f.message} ({f.hint})" for f in error.faults)) from None
        self.print: Fingerprint = Fingerprinter(manifest).of(manifest.models[model["name"]], {})
        self.id = f"source:crm.{table['name']}"
        self.manifest: Manifest = manifest
        self.spec: SourceTableSpec = manifest.sources[self.id].spec
        self.holdout = manifest.models[model["name"]].holdout
        self.content = Fingerprinter(manifest).content(self.id)
        self.split = split_key(self.spec, self.holdout, self.content)

    def against(self, other: Seen) -> tuple[bool, str]:
        """Whether rows are read again, and which hashes are others."""
        hashes = (k for k in ("train", "sample", "audit") if getattr(self.print, k) != getattr(other.print, k))
        return self.split != other.split, "".join(k[0] for k in hashes)

    def rows(self, directory: Path) -> dict[str, bytes]:
        """What reading it leaves on disk."""
        split = ingest(
            self.spec,
            root=self.manifest.project.root,
            connections=self.manifest.project.spec.connections,
            holdout=self.holdout,
            directory=directory,
            source_hash=self.content,
        )
        return {p.name: p.read_bytes() for p in split.directory.iterdir() if p.is_file()}


@pytest.fixture(scope="module")
def base(shop: Project) -> Seen:
    return Seen(shop)


@pytest.fixture(scope="module")
def read(base: Seen, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return base.rows(tmp_path_factory.mktemp("splits"))


def expected(what: What) -> tuple[bool, str]:
    return (True, "tsa") if what in ("rows", "split") else (False, BELOW[what])


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.__name__)
def test_every_field_says_what_it_decides(spec: type[BaseModel]) -> None:
    assert set(decisions(spec)) == set(spec.model_fields), "annotate the field: see spec/decides.py"


def test_every_field_is_tried_below() -> None:
    assert set(SOURCE_CHANGES) == set(SourceTableSpec.model_fields)
    assert set(COLUMN_CHANGES) == set(MODEL_COLUMN_CHANGES) == set(ColumnSpec.model_fields)
    assert set(MODEL_CHANGES) == set(ModelSpec.model_fields)
    assert {*AUDIT_CHANGES, *FAILURE_CHANGES} == set(AuditSpec.model_fields)
    assert set(PROJECT_CHANGES) == set(ProjectSpec.model_fields)


@pytest.mark.parametrize("key", SourceTableSpec.model_fields)
def test_a_key_of_a_source(key: str, shop: Project, base: Seen, read: dict[str, bytes], tmp_path: Path) -> None:
    what = decisions(SourceTableSpec)[key]
    if key == "public":  # of rows that are nobody's
        table = changed(TABLE, {"privacy_unit": None, "max_rows_per_unit": None})
        before, now = Seen(shop, table, OPEN), Seen(shop, changed(table, SOURCE_CHANGES[key]), OPEN)
        assert now.against(before) == expected(what)
        return
    now = Seen(shop, changed(TABLE, SOURCE_CHANGES[key]))
    assert now.against(base) == expected(what)
    if now.split == base.split:
        assert now.rows(tmp_path) == read  # what is found under the key is what would be read anew


@pytest.mark.parametrize("key", ColumnSpec.model_fields)
def test_a_key_of_a_sources_column(key: str, shop: Project, base: Seen, read: dict[str, bytes], tmp_path: Path) -> None:
    index, given = COLUMN_CHANGES[key]
    if key == "name":  # under epsilon every column must be declared, and once
        few = [c for c in COLUMNS if c["name"] not in ("spend", "visits")]
        said = [Seen(shop, changed(TABLE, {"columns": [*few, {"name": n}]}), OPEN) for n in ("spend", "visits")]
        assert said[1].against(said[0]) == expected(decisions(ColumnSpec)[key])
        return
    columns = [changed(c, given) if i == index else c for i, c in enumerate(COLUMNS)]
    now = Seen(shop, changed(TABLE, {"columns": columns}))
    assert now.against(base) == expected(decisions(ColumnSpec)[key])
    if now.split == base.split:
        assert now.rows(tmp_path) == read


@pytest.mark.parametrize("key", ModelSpec.model_fields)
def test_a_key_of_a_model(key: str, shop: Project, base: Seen) -> None:
    now = Seen(shop, model=changed(MODEL, MODEL_CHANGES[key]))
    _, hashes = now.against(base)
    assert hashes == BELOW[decisions(ModelSpec)[key]]


@pytest.mark.parametrize("key", ColumnSpec.model_fields)
def test_a_key_of_a_models_column(key: str, shop: Project, base: Seen) -> None:
    now = Seen(shop, model=changed(MODEL, {"columns": [{"name": "tier", **MODEL_COLUMN_CHANGES[key]}]}))
    assert now.against(base) == (False, BELOW[decisions(ColumnSpec, "model")[key]])


@pytest.mark.parametrize("key", AuditSpec.model_fields)
def test_a_key_of_an_audit(key: str, shop: Project, base: Seen) -> None:
    before, after = FAILURE_CHANGES.get(key, (MODEL["audits"][0], AUDIT_CHANGES.get(key)))
    first = base if key in AUDIT_CHANGES else Seen(shop, model=changed(MODEL, {"audits": [before]}))
    now = Seen(shop, model=changed(MODEL, {"audits": [after]}))
    assert now.against(first) == (False, BELOW[decisions(AuditSpec)[key]])


@pytest.mark.parametrize("key", ProjectSpec.model_fields)
def test_a_key_of_the_project(key: str, shop: Project, base: Seen) -> None:
    now = Seen(shop, project=changed(PROJECT, PROJECT_CHANGES[key]))
    assert now.against(base) == expected(decisions(ProjectSpec)[key])


@pytest.mark.parametrize("key", ["sensitive", "population", "privacy"])
def test_a_key_that_says_whose_rows_are_protected(key: str, shop: Project, base: Seen) -> None:
    """It keys the hashes of a table without epsilon, which is trained again; what follows from rows stays as it is."""
    budget = changed(PROJECT, {"privacy": {"budgets": {"others": {"epsilon": 100, "delta": 1e-4}}}})
    joined = changed(TABLE, {"population": "others"})
    given: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "sensitive": ({}, {"table": changed(TABLE, {"sensitive": True})}),
        "population": ({"project": budget}, {"project": budget, "table": joined}),
        "privacy": ({"table": joined}, {"project": budget, "table": joined}),
    }
    before, after = given[key]
    assert Seen(shop, model=OPEN, **after).against(Seen(shop, model=OPEN, **before)) == (False, "tsa")
    assert Seen(shop, **after).against(Seen(shop, **before)) == (False, "")


@pytest.mark.parametrize("key", ["path", "url", "type"])
def test_a_key_of_a_connection_counts_through_what_is_read(key: str) -> None:
    assert decisions(ConnectionSpec)[key] == "content"


def test_a_connection_to_a_file_with_the_same_rows_changes_nothing(shop: Project) -> None:
    table = changed(TABLE, {"path": None, "connection": "lite", "table": "people"})
    (shop.root / "data" / "again.sqlite").write_bytes((shop.root / "data" / "people.sqlite").read_bytes())
    before = Seen(shop, table)
    assert Seen(shop, table, project=changed(PROJECT, PROJECT_CHANGES["connections"])).against(before) == (False, "")


def test_a_key_that_nobody_gives_is_in_no_hash() -> None:
    spec = SourceTableSpec.model_validate({"name": "t", "columns": [{"name": "a", "description": "x"}]})
    assert deciding(spec, "rows") == {"name": "t", "options": {}, "primary_key": [], "columns": [{"name": "a"}]}


def test_what_a_path_decides() -> None:
    assert decides(SourceTableSpec, ("columns", 0, "bounds"), "rows")
    assert not decides(SourceTableSpec, ("columns", 0, "description"), "rows", "split", "train")
    assert decides(SourceTableSpec, ("options", "nullstr"), "rows")
    assert not decides(SourceTableSpec, ("freshness", "warn_after", "count"), "rows")


def test_a_build_after_keys_that_decide_nothing_reads_nothing(shop: Project) -> None:
    """Through the command line: the folder of the split stands as it was, and only what a key decides is done again."""
    Seen(shop)
    shop.ok("build")
    splits = shop.root / "target" / "cache" / "splits" / "crm.customers"
    before = {p: p.stat().st_mtime_ns for p in splits.iterdir()}
    nothing = {
        k: v for f, c in SOURCE_CHANGES.items() if decisions(SourceTableSpec)[f] == "nothing" for k, v in c.items()
    }
    del nothing["loaded_at_field"]  # under epsilon nobody may read a private row's time
    Seen(shop, changed(TABLE, nothing))
    shop.ok("build")
    assert shop.results()["fake"]["status"] == "reused"
    Seen(shop, changed(TABLE, {**nothing, "row_count": 220}))
    shop.ok("build")
    assert shop.results()["fake"]["action"] == "train"
    assert {p: p.stat().st_mtime_ns for p in splits.iterdir()} == before


@pytest.mark.parametrize(
    ("named", "spec", "reader"),
    [
        ("source table", SourceTableSpec, "source"),
        ("source column", ColumnSpec, "source"),
        ("model", ModelSpec, "model"),
        ("model column", ColumnSpec, "model"),
        ("audit", AuditSpec, "source"),
        ("project", ProjectSpec, "source"),
    ],
)
def test_the_page_says_the_same(named: str, spec: type[BaseModel], reader: Reader) -> None:
    page = (Path(__file__).parents[2] / "docs" / "rebuilding.md").read_text("utf-8")
    lines = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith(f"| {named} |")]
    said = {key: re.split(r"\W", what.strip())[0] for _, keys, what in lines for key in re.findall(r"`(\w+)`", keys)}
    assert said == decisions(spec, reader)
