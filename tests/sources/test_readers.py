"""Kinds of connections by name: somebody else's are read as the built-in ones are, and an unknown one has a place."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.packages import installed
from tests.synth import Project

YAML = {
    "synth_project.yml": "name: shop\nconnections:\n  lake: {type: arrow.folder, path: lake}\n",
    "models/shop.yml": """
        version: 1
        sources:
          - name: lake
            tables: [{name: orders, connection: lake, holdout: 0}]
        models:
          - {name: copied, generator: {name: sql, query: "select * from {{ source('lake', 'orders') }}"}, audits: []}
    """,
}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    project = Project(tmp_path / "shop").write(YAML)
    (project.root / "lake").mkdir()
    table = pa.table({"id": pa.array([1, 2, 3], pa.int16()), "paid": [1.5, None, 2.5]})
    with pa.ipc.new_file(project.root / "lake/orders.arrow", table.schema) as file:
        file.write_table(table)
    return project


def test_a_package_brings_a_kind_of_connection(shop: Project, tmp_path: Path) -> None:
    entry = "arrow.folder = tests.arrow_reader:READER"
    env = installed(tmp_path / "packages", "arrow-folders", "synthkit.sources", entry)
    built = shop.synth("build", env=env)
    assert built.returncode == 0, built.stdout + built.stderr
    assert pa.parquet.read_table(shop.parquet("copied")[0]).to_pydict() == {"id": [1, 2, 3], "paid": [1.5, None, 2.5]}
    (shop.root / "lake/orders.arrow").unlink()
    gone = shop.synth("compile", env=env)
    assert gone.returncode == 2
    assert "there is no orders.arrow" in gone.stdout + gone.stderr


def test_a_kind_that_nobody_brings_is_a_fault_with_a_place(shop: Project) -> None:
    said = shop.write({"synth_project.yml": YAML["synth_project.yml"].replace("arrow.folder", "postgress")}).fails(
        "compile", code=2
    )
    assert "synth_project.yml:3:16" in said
    assert "did you mean 'postgres'?" in said
