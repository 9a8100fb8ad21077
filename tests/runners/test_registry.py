"""Runners by name: the same table whoever runs the jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import synthkit
from synthkit.errors import SynthError
from tests.packages import installed
from tests.synth import SQL_PROJECT, make_project

SCRIPT = "import sys, synthkit; run = synthkit.build('.', runner=sys.argv[1]); print(run.status)"


def test_a_package_brings_a_runner_and_the_tables_are_the_same_bytes(tmp_path: Path) -> None:
    env = installed(tmp_path / "packages", "in-process", "synthkit.runners", "test.inprocess = tests.in_process:runner")
    tables = []
    for name in ("local", "test.inprocess"):
        project = make_project(tmp_path / name / "shop", SQL_PROJECT)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, name], cwd=project.root, env={**env}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "pass\n"
        tables.append({p.name: p.read_bytes() for p in sorted((project.root / "warehouse").rglob("*.parquet"))})
    assert tables[0] == tables[1]
    assert tables[0]
    (log,) = (tmp_path / "test.inprocess/shop/target/logs").glob("*.log")
    assert log.read_text("utf-8").startswith("one process")
    results = json.loads((tmp_path / "test.inprocess/shop/target/run_results.json").read_text("utf-8"))
    assert {r["status"] for r in results["results"]} == {"pass"}


def test_a_runner_that_nobody_brings_is_named_with_the_nearest(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", SQL_PROJECT)
    with pytest.raises(SynthError, match="there is no runner 'locl'") as caught:
        synthkit.build(project.root, runner="locl")
    assert "local" in (caught.value.hint or "")
