"""The same tables where a job is carried out by somebody who has the project under another path."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synthkit.project.partition import Partition
from tests.packages import installed
from tests.synth import COPULA_PROJECT, make_project

MODELS = """
    version: 1
    models:
      - name: grown
        generator: {name: sql, query: "select * from {{ source('crm', 'customers') }} where age >= 18"}
        audits:
          - enough: {}
      - name: drawn
        source: "{{ ref('grown') }}"
        generator: {name: circuit, states: 2, min_steps: 5, refinements: 0}
        size: 50
        conditions: {tier: {basic: 50%, pro: 50%}}
        audits:
          - row_count: {equals: 50}
          - ks: {columns: [age], max: 1}
      - name: again
        source: "{{ ref('drawn') }}"
        generator: {name: circuit, states: 2, min_steps: 5, refinements: 0}
        audits: []
"""
ENOUGH = (
    "select 1 where (select count(*) from {{ this }}) < (select count(*) from {{ source('crm', 'customers') }}) / 2"
)
FILES = {
    "synth_project.yml": "name: shop\nseed: 7\n",
    "models/sources.yml": COPULA_PROJECT["models/sources.yml"],
    "models/models.yml": MODELS,
    "audits/enough.sql": ENOUGH,
}
SCRIPT = "import sys, synthkit; run = synthkit.build('.', runner=sys.argv[1]); print(run.status)"
OF_A_RUN = ("run_id", "published_at", "seconds", "environment", "git")


def receipt(path: Path) -> dict[str, Any]:
    """What a receipt says that another run would say too."""
    said = {k: v for k, v in json.loads(path.read_text("utf-8")).items() if k not in OF_A_RUN}
    return said | {"audits": [{k: v for k, v in a.items() if k != "seconds"} for a in said["audits"]]}


def test_jobs_are_carried_out_where_the_project_has_another_path(tmp_path: Path) -> None:
    env = installed(tmp_path / "packages", "elsewhere", "synthkit.runners", "test.elsewhere = tests.elsewhere:runner")
    found = []
    for name in ("local", "test.elsewhere"):
        project = make_project(tmp_path / name / "shop", FILES)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, name], cwd=project.root, env={**env}, capture_output=True, text=True
        )
        assert done.stdout == "pass\n", done.stderr
        tables = sorted((project.root / "warehouse").rglob("*.parquet"))
        assert [t.parent.name for t in tables] == ["again", "drawn", "grown"]
        told = sorted((project.root / "warehouse").rglob("*.receipt.json"))
        found.append(([t.read_bytes() for t in tables], [receipt(r) for r in told]))
        for record in (project.root / "target").rglob("*.json"):
            assert "mounted" not in record.read_text("utf-8"), record
    assert found[0] == found[1]
    (log,) = (tmp_path / "test.elsewhere/shop/target/logs").glob("*.log")
    kinds = log.read_text("utf-8").split()
    assert kinds == ["ingest", "query", "audit", "inherit", "generate", "audit", "split", "generate"]


@pytest.mark.parametrize("total", [1, 2, 100, 101])
@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_partitions_have_all_rows_and_each_its_own_seed(total: int, of: int) -> None:
    parts = [Partition(i, of) for i in range(of)]
    assert sum(p.rows(total) for p in parts) == total
    assert max(p.rows(total) for p in parts) - min(p.rows(total) for p in parts) <= 1
    assert len({p.seed(7) for p in parts}) == of
    assert Partition().seed(7) == 7


@pytest.mark.parametrize(("index", "of"), [(1, 1), (-1, 2), (0, 0)])
def test_a_part_that_is_not_there_is_refused(index: int, of: int) -> None:
    with pytest.raises(ValueError, match="there is no part"):
        Partition(index, of)
