"""A project below folders whose names DuckDB would take for patterns or columns, beside one that they would match."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.synth import make_project

FILES = {
    "synth_project.yml": "name: shop\nseed: 7\n",
    "models/sources.yml": """
        version: 1
        sources: [{name: crm, tables: [{name: customers, path: data/customers.csv, primary_key: customer_id}]}]
    """,
    "models/customers.yml": """
        version: 1
        models:
          - name: customers
            source: "{{ source('crm', 'customers') }}"
            generator: {name: circuit, states: 2, min_steps: 5, refinements: 0}
            size: 50
            conditions: {tier: {pro: 50%, basic: 50%}}
            audits:
              - ks: {max: 0.9}
              - row_count: {equals: 25, where: "tier = 'pro'"}
          - name: tiers
            generator: {name: sql, query: "select tier, list(tier) as y from {{ ref('customers') }} group by tier"}
            audits:
              - not_null: {columns: [tier]}
    """,
}


@pytest.mark.parametrize(("name", "beside"), [("a[1]", "a1"), ("st*r", "stZr")])
def test_no_verb_looks_at_the_project_beside_it(tmp_path: Path, name: str, beside: str) -> None:
    project = make_project(tmp_path / "y=2020" / name / "shop", FILES)
    other = tmp_path / "y=2020" / beside / "shop"
    shutil.copytree(project.root, other)
    project.ok("build")
    shutil.copytree(project.root / "warehouse", other / "warehouse")
    for file in other.rglob("*.parquet"):
        file.write_bytes(b"not these")
    project.ok("verify", "--full")
    asked = "select (select count(*) from customers) as n, count(*) as k, any_value(len(y)) as l from tiers"
    assert json.loads(project.ok("query", asked, "--format", "json")) == [{"n": 50, "k": 2, "l": 25}]
