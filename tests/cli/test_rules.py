"""``synth rules`` as a user meets it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.private import private_project
from tests.synth import Project


@pytest.fixture
def bills(tmp_path: Path) -> Project:
    root = tmp_path / "bills"
    (root / "models").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "synth_project.yml").write_text("name: bills\n", "utf-8")
    rng = random.Random(3)
    lines = ["net,tax,gross,zip,city"]
    for _ in range(1_000):
        net, tax, place = rng.randrange(500), rng.randrange(90), rng.randrange(20)
        lines.append(f"{net},{tax},{net + tax},{place},c{place // 2}")
    (root / "data" / "bills.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (root / "models" / "bills.yml").write_text(
        "version: 1\nsources:\n  - {name: raw, tables: [{name: bills, path: data/bills.csv}]}\n", "utf-8"
    )
    return Project(root)


def test_the_rules_of_a_source_with_their_evidence(bills: Project) -> None:
    text = bills.ok("rules", "raw.bills")
    assert "computed    gross = net + tax\n" in text
    assert "dependency  zip -> city\n" in text
    assert "not searched; chance below" in text
    assert bills.ok("rules", "raw.bills", "--format", "yaml") == 'rules:\n  - "gross = net + tax"\n  - "zip -> city"\n'
    found = json.loads(bills.ok("rules", "raw.bills", "--format", "json"))
    assert [(f["rule"], f["kind"], f["exceptions"]) for f in found] == [
        ("gross = net + tax", "computed", 0),
        ("zip -> city", "dependency", 0),
    ]
    assert 700 <= found[0]["rows"] < 1_000  # the training rows alone


def test_another_name_is_said(bills: Project) -> None:
    said = bills.fails("rules", "raw.bill", code=2)
    assert "there is no source and no model 'raw.bill'" in said
    assert "raw.bills" in said


def test_rows_under_a_budget_are_not_searched(tmp_path: Path) -> None:
    shop = private_project(tmp_path / "shop")
    assert "privacy budget" in shop.fails("rules", "crm.customers", code=2)
