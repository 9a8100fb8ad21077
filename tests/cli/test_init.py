"""`synth init`: a project that builds at once, and YAML by looking at a file."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest

from synthkit.spec.yamlfile import Document, parse_text
from tests.project import SYNTH, Project, customers, write_csv


def synth(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SYNTH, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_new_project_builds_at_once(tmp_path: Path) -> None:
    assert synth(tmp_path, "init", "my-shop").returncode == 0
    project = Project(tmp_path / "my-shop")
    project.ok("build")
    assert {r["status"] for r in project.results().values()} == {"pass"}
    assert len(project.query("select * from churn_by_tier")) == 3


def test_its_yaml_fits_the_schemas_it_points_to(tmp_path: Path) -> None:
    synth(tmp_path, "init", "shop")
    root = tmp_path / "shop"
    for file, schema in (
        ("synth_project.yml", "project"),
        ("models/sources.yml", "models"),
        ("models/customers.yml", "models"),
    ):
        text = (root / file).read_text()
        assert f"{schema}.schema.json" in text.splitlines()[0]
        value = parse_text(text, Document(root / file)).value
        jsonschema.validate(value, json.loads((root / ".synth" / "schemas" / f"{schema}.schema.json").read_text()))


def test_it_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "precious.txt").write_text("keep")
    done = synth(tmp_path, "init", "shop")
    assert done.returncode == 2
    assert "not empty" in done.stderr


@pytest.mark.slow
def test_from_a_file(tmp_path: Path) -> None:
    write_csv(tmp_path / "Kunden 2024.csv", customers(900))
    done = synth(tmp_path, "init", "shop", "--from", "Kunden 2024.csv", "--copy")
    assert done.returncode == 0, done.stderr
    assert "primary key: customer_id" in done.stdout
    assert "to be predicted (tstr): churned" in done.stdout
    project = Project(tmp_path / "shop")
    text = (project.root / "models" / "kunden_2024.yml").read_text()
    assert "{name: customer_id, type: id}" in text
    assert "{name: joined, type: date}" in text
    project.ok("build")
    assert project.results()["synthetic_kunden_2024"]["rows"] == 900


def test_from_adds_to_a_project_but_not_twice(shop: Project) -> None:
    write_csv(shop.root / "more.csv", customers(50))
    shop.ok("init", "--from", "more.csv", "--source", "extra")
    shop.ok("compile")
    assert "extra.more" in shop.ok("ls")
    assert "is there already" in shop.fails("init", "--from", "more.csv", code=2)
    assert "no column 'nope'" in shop.fails("init", "--from", "data/customers.csv", "--target-column", "nope", code=2)
