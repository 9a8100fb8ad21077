"""Types of sources through the command line: what SQL models may read that no generator learns."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.synth import Project


def project_over(root: Path, *models: dict[str, object]) -> Project:
    sources = [{"name": "s", "tables": [{"name": "t", "path": "t.parquet", "holdout": 0}]}]
    text = json.dumps({"version": 1, "sources": sources, "models": [{"audits": [], **m} for m in models]})
    return Project(root).write({"synth_project.yml": "name: types\n", "models/m.yml": text})


def test_sql_reads_infinite_numbers_and_nothing_learns_them(tmp_path: Path) -> None:
    pq.write_table(pa.table({"f": [1.5, float("inf"), float("nan")], "n": [1, 2, 3]}), tmp_path / "t.parquet")
    project = project_over(
        tmp_path,
        {"name": "kept", "generator": {"name": "sql", "query": "select f from {{ source('s', 't') }}"}},
        {"name": "learnt", "source": "{{ source('s', 't') }}", "generator": "circuit"},
    )
    text = " ".join(project.fails("build").split())
    assert "column 'f' of s.t holds 1 infinite value" in text
    assert "no generator can learn infinity" in text
    assert "column 'f': 1 NaN became missing values" in text
    assert project.query("select f from kept") == [{"f": 1.5}, {"f": "Infinity"}, {"f": None}]


def test_a_declared_document_is_taken_apart_in_sql(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"")
    lines = '{"addr": {"city": "A", "zip": 12345}, "n": 1}\n{"addr": {"city": "B"}, "n": 2}\n'
    (tmp_path / "t.jsonl").write_text(lines)
    project = project_over(
        tmp_path,
        {
            "name": "flat",
            "generator": {
                "name": "sql",
                "query": "select addr->>'city' as city, (addr->>'zip')::int as zip, n from {{ source('s', 't') }}",
            },
        },
    )
    file = project.root / "models/m.yml"
    file.write_text(file.read_text().replace("t.parquet", "t.jsonl"))
    refused = " ".join(project.fails("compile", code=2).split())
    assert "column 'addr' holds objects or lists, which no generator learns" in refused
    assert "declare it, {name: addr, type: text}" in refused
    declared = '"columns": [{"name": "addr", "type": "text"}], "holdout": 0'
    file.write_text(file.read_text().replace('"holdout": 0', declared))
    project.ok("build")
    assert project.query("select * from flat") == [
        {"city": "A", "zip": 12345, "n": 1},
        {"city": "B", "zip": None, "n": 2},
    ]
