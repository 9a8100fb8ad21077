"""The page of every generator, table and audit says what the results say."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.matrix.page import page
from benchmarks.matrix.plan import AUDITS, GENERATORS, project_of, tables
from benchmarks.timing import SYNTH
from synthkit.audits import registry as audits
from synthkit.generators import registry as generators
from tests.synth import customers, write_csv


def result(**values: tuple[float | None, str]) -> dict[str, Any]:
    found = [{"name": name, "value": value, "status": status} for name, (value, status) in values.items()]
    return {"status": "pass", "message": "", "audits": found, "seconds": {"train": 2.0, "sample": 1.0}}


def cells(text: str, audit: str) -> list[str]:
    row = next(line for line in text.splitlines() if line.startswith(f"| `{audit}`"))
    return [cell.strip() for cell in row.split("|")[2:-1]]


def test_the_page_has_the_median_the_marks_and_the_reasons() -> None:
    results = {
        "one": {"circuit": result(ks=(0.1, "pass"), dcr=(0.9, "warn"), tstr=(None, "skipped"))},
        "two": {
            "circuit": result(ks=(0.3, "warn"), dcr=(0.5, "inconclusive")),
            "ctgan": {"status": "error", "message": "too\nfew rows", "audits": [], "seconds": {}},
        },
        "three": {"circuit": result(ks=(0.2, "pass"))},
    }
    whole = page(results, {"one": 100, "two": 2000, "three": 300, "four": 200}, ["tiny (3)"])
    overall, one, two, _ = whole.split("\n## ")[1:]
    assert cells(overall, "ks") == ["0.200 (1 of 3)", "–"]
    assert cells(overall, "dcr") == ["0.700 (1 of 1)", "–"]  # both have a value, one a verdict
    assert cells(one, "dcr") == ["0.900!"]
    assert cells(two, "dcr") == ["0.500?", "x"]
    assert "`ctgan` ended with: too few rows" in two
    assert "cut to 2,000 rows" in whole
    assert "tiny (3)" in whole
    assert "Not run so far: four." in whole


def test_it_crosses_everything_that_is_registered() -> None:
    """Of generators, those that learn a table; of audits, those that say how good or how private one is."""
    apart = {"sql", "self_instruct", "llm_columns", "sdv.hma", "sdv.par"}
    assert GENERATORS.keys() == set(generators.names()) - apart
    needing_more = {n for n in audits.names() if n not in AUDITS}
    assert needing_more.isdisjoint({"ks", "tstr", "dcr", "detection", "coverage"})


@pytest.mark.slow
def test_the_project_of_a_table_compiles(tmp_path: Path) -> None:
    write_csv(tmp_path / "data" / "customers.csv", customers(150))
    write_csv(tmp_path / "data" / "few.csv", customers(20))
    (found,), small = tables(tmp_path / "data", 120, tmp_path / "work")
    assert (found.name, found.rows, small) == ("customers", 120, ["few (20)"])
    root = project_of(found, tmp_path / "work")
    models = yaml.safe_load(next((root / "models").glob("*.yml")).read_text())["models"]
    assert len(models) == len(GENERATORS)
    done = subprocess.run([*SYNTH, "compile"], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
