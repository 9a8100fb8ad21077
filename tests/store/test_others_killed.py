"""A build that is killed while it makes the DuckDB file anew loses nothing that others keep in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.killing import Killer
from tests.synth import Project

MODEL = """
    version: 1
    models:
      - name: numbers
        generator: {{name: sql, query: "select i from range({rows}) as t(i)"}}
        audits: []
"""
MINE = [(42, 3)]


def put_aside(database: Path, folder: Path) -> None:
    """The file with a table and a view of somebody else, in it and in its log, as a killed process leaves them."""
    folder.mkdir()
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 42 AS x; CHECKPOINT")
        connection.execute(
            "CREATE TABLE added AS SELECT 3 AS y; CREATE VIEW seen AS SELECT mine.x, added.y FROM mine, added"
        )
        for file in database.parent.glob(f"{database.name}*"):
            shutil.copyfile(file, folder / file.name)
    assert sorted(p.name for p in folder.iterdir()) == ["dev.duckdb", "dev.duckdb.wal"]


def put_back(folder: Path, database: Path) -> None:
    for file in folder.iterdir():
        shutil.copyfile(file, database.with_name(file.name))


def theirs(database: Path) -> list[tuple[int, int]]:
    with duckdb.connect(str(database)) as connection:
        return connection.execute("SELECT x, y FROM seen").fetchall()


@pytest.mark.slow
def test_nothing_of_others_is_lost(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop").write({"synth_project.yml": "name: shop\n"})
    database, aside = project.root / "warehouse" / "dev.duckdb", tmp_path / "aside"

    def change(rows: int) -> None:
        project.write({"models/m.yml": MODEL.format(rows=rows)})
        put_back(aside, database)

    project.write({"models/m.yml": MODEL.format(rows=1)})
    killer = Killer(project.root)
    killer.ok("build")
    put_aside(database, aside)
    change(2)
    whole = killer.synth("build")
    assert whole.code == 0, whole.text
    assert theirs(database) == MINE
    steps = [n for n in whole.distinct if "database.py" in whole.steps[n - 1] or "others.py" in whole.steps[n - 1]]
    assert len(steps) >= 5
    for number in steps:
        change(2 + number)
        assert killer.synth("build", step=number).killed
        assert theirs(database) == MINE, whole.steps[number - 1]
    killer.ok("build")
    assert theirs(database) == MINE
    assert project.query("select count(*) as n from numbers") == [{"n": 2 + steps[-1]}]
