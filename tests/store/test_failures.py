"""Failing rows on request: kept as Parquet, bounded, narrowed, synthetic alone; refused where they could be real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from synthkit.audits.custom import run_sql
from synthkit.audits.failures import FailureStore
from synthkit.compiler import compile_project
from synthkit.errors import ConfigurationError
from synthkit.project.project import load_project
from tests.audits.sides import context
from tests.synth import Project, make_project

# A table without a source: whatever is in it is made up.
MADE_UP = (
    "select i as id, i % 100 as age, case when i % 50 = 0 then null else 'basic' end as tier from range(1000) t(i)"
)
AUDITS = {
    "- not_null: {columns: [tier], store_failures: true}": ("not_null", 20),
    "- accepted_range: {column: age, max: 97, store_failures: true}": ("accepted_range", 20),
    "- accepted_range: {column: age, max: 96, store_failures: true}": ("accepted_range_2", 30),  # a second of the name
    "- accepted_values: {column: age, values: [1], store_failures: true, name: ../one age}": ("_one_age", 990),
    "- expression: {sql: 'age < 99', where: 'id < 500', store_failures: true}": ("expression", 5),
    "- inequality: {low: age, high: id, strict: true, store_failures: true}": ("inequality", 100),
    "- unique: {columns: [age], where: 'age < 2', store_failures: true}": ("unique", 20),
    "- unique: {together: [age, tier], where: 'age < 2', store_failures: true}": ("unique_2", 10),
    "- too_old: {limit: 97, store_failures: true}": ("too_old", 20),
}
TOO_OLD = "with old as (select * from {{ this }} where age > {{ limit }})\nselect id, age, tier from old order by id;\n"


def people(*audits: str) -> dict[str, str | bytes]:
    listed = "".join(f"      {a}\n" for a in audits)
    model = f'  - name: people\n    generator: {{name: sql, query: "{MADE_UP}"}}\n    audits:\n{listed}'
    return {
        "synth_project.yml": "name: shop\nseed: 7\n",
        "models/people.yml": f"version: 1\nmodels:\n{model}",
        "audits/too_old.sql": TOO_OLD,
    }


def kept(project: Project, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(project.root / f"target/failures/people/{name}.parquet").to_pylist()
    return rows


def test_the_failing_rows_are_kept(tmp_path: Path) -> None:
    shop = make_project(tmp_path / "shop", people(*AUDITS))
    text = shop.fails("build")
    records = shop.results()["people"]["audits"]
    for (name, expected), record in zip(AUDITS.values(), records, strict=True):
        rows = kept(shop, name)
        assert len(rows) == expected, name
        assert set(rows[0]) == {"id", "age", "tier"}
        path = f"target/failures/people/{name}.parquet"
        assert f"they are kept in {path}" in text
        assert record["details"]["failures"] == {"path": path, "rows": expected, "failing": expected}
    assert len({name for name, _ in AUDITS.values()}) == len(list((shop.root / "target/failures/people").iterdir()))
    assert (shop.root / "target/failures/.gitignore").read_text("utf-8") == "*\n"  # never committed


def test_they_are_bounded_and_those_of_the_last_audits(tmp_path: Path) -> None:
    audit = "- expression: {sql: 'age < 5', severity: warn}"
    storing = audit.replace("warn", "warn, store_failures: true, failures_limit: 3")
    shop = make_project(tmp_path / "shop", people(audit))
    shop.ok("build")
    shop.write(people(storing))  # to ask for them later audits again
    assert "3 of them are kept" in shop.ok("build")
    assert shop.results()["people"]["action"] == "audit"
    assert [r["id"] for r in kept(shop, "expression")] == [5, 6, 7]  # the first in the table's order, every time
    assert shop.results()["people"]["audits"][0]["details"]["failures"]["failing"] == 950
    shop.write(people(storing.replace("age < 5", "age < 100")))
    shop.ok("build")
    assert not (shop.root / "target/failures/people").exists()


def test_a_custom_audit_that_opens_a_real_file_is_not_run(tmp_path: Path) -> None:
    """The compiler binds such SQL nowhere; where it cannot (a column's type is not known), DuckDB refuses."""
    ctx = context(tmp_path / "rows", {"a": [1, 2]})
    real = tmp_path / "real.csv"
    real.write_text("name\nsomebody\n", "utf-8")
    for sql in (f"select * from read_csv('{real}')", f"select * from '{real}'"):
        with pytest.raises(duckdb.PermissionException):
            run_sql(ctx, sql)
    store = FailureStore(tmp_path / "failures" / "m", "target/failures/m")
    store.kept(ctx, "honest", True, run_sql(ctx, "select * from model where a = 2"), 10)
    assert pq.read_table(tmp_path / "failures/m/honest.parquet").to_pylist() == [{"a": 2}]


REFUSED = """
version: 1
sources:
  - name: crm
    tables:
      - name: customers
        path: data/customers.csv
        row_count: 400
models:
  - name: real
    generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
    audits:
      - not_null: {columns: [tier], store_failures: true}
  - name: real_again
    generator: {name: sql, query: "select * from {{ ref('real') }}"}
    audits:
      - mixed: {store_failures: true}
  - name: drawn
    source: "{{ source('crm', 'customers') }}"
    generator: sdv.gaussian_copula
    size: 300
    audits:
      - ks: {store_failures: true}
      - copies: {store_failures: true}
      - mixed: {store_failures: true}
      - boundary: {store_failures: true}           # synthetic rows, and no ε: nothing is wrong with this
      - relationships: {column: tier, to: "{{ source('crm', 'customers') }}", field: tier, store_failures: true}  # nor this
  - name: private
    source: "{{ source('crm', 'customers') }}"
    epsilon: 1
    generator: {name: independent, preprocessing_share: 0.5}
    size: 300
    audits:
      - boundary: {store_failures: true}
      - relationships: {column: tier, to: "{{ source('crm', 'customers') }}", field: tier, store_failures: true}
      - not_null: {columns: [tier], store_failures: true}        # reads no real row
"""
MESSAGES = {
    12: "'real' holds real rows of crm.customers, and synthetic rows alone are kept",
    16: "'real_again' holds real rows of crm.customers through real, and synthetic rows alone are kept",
    22: "'ks' judges no single rows, so there are none to keep",
    23: "'copies' reads source('crm', 'customers'), which holds real rows",
    24: "'mixed' reads ref('real'), which holds real rows",
    33: "which rows fail 'boundary' tells of the real rows, and 'private' has epsilon",
    34: "which rows fail 'relationships' tells of the real rows, and 'private' has epsilon",
}


def test_what_could_be_real_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", {"synth_project.yml": "name: shop\n", "models/all.yml": REFUSED})
    project.write(
        {
            "audits/copies.sql": "select t.* from {{ this }} t join {{ source('crm', 'customers') }} using (spend)",
            "audits/mixed.sql": "select * from {{ this }} where age in (select age from {{ ref('real') }})",
        }
    )
    found: dict[int, str] = {}
    try:
        compile_project(load_project(project.root))
    except ConfigurationError as error:
        found = {f.where.line: f.message for f in error.faults if f.where and "store_failures" in f.message}
    assert found == {line: f"store_failures: {message}" for line, message in MESSAGES.items()}
