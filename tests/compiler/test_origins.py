"""Which rows a source has: under ε those of one table, row by row; and no two accounts are of the same rows."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from synthkit.compiler import compile_project
from synthkit.errors import ConfigurationError, Fault
from synthkit.project.project import load_project
from tests.synth import Project, customers, write_csv

PROJECT = """
    name: shop
    connections:
      duck: {type: duckdb, path: data/shop.duckdb}
      again: {type: duckdb, path: data/../data/shop.duckdb}
      lite: {type: sqlite, path: data/shop.sqlite}
"""
COLUMNS = """
            privacy_unit: customer_id
            primary_key: customer_id
            row_count: 400
            columns:
              - {name: customer_id, type: id}
              - {name: age, type: integer, nullable: false, bounds: [18, 90]}
"""
MODEL = """
    version: 1
    models:
      - name: private
        source: "{{ source('crm', 'one') }}"
        generator: independent
        epsilon: 1
        size: 100
        audits: []
"""
DUCK = """
    CREATE TABLE people AS SELECT i AS customer_id, 18 + i % 60 AS age FROM range(400) t(i);
    CREATE TABLE visits AS SELECT i AS customer_id, i % 7 AS n FROM range(400) t(i);
    CREATE VIEW adults AS SELECT customer_id, age FROM people WHERE age >= 18;
    CREATE VIEW grown AS SELECT customer_id, age + 1 AS age FROM adults;
    CREATE VIEW counted AS SELECT customer_id, count(*) OVER () AS age FROM people;
    CREATE VIEW hidden AS SELECT * FROM counted;
    CREATE VIEW joined AS SELECT p.customer_id, n AS age FROM people p JOIN visits USING (customer_id);
    CREATE MACRO abs(x) AS (SELECT max(age) FROM people);
"""
LITE = """
    CREATE TABLE people (customer_id INTEGER, age INTEGER);
    INSERT INTO people VALUES (1, 20), (2, 30);
    CREATE VIEW adults AS SELECT customer_id, age FROM people WHERE age >= 18;
    CREATE VIEW counted AS SELECT customer_id, (SELECT count(*) FROM people) AS age FROM people;
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("origins") / "data"
    write_csv(folder / "customers.csv", [{k: r[k] for k in ("customer_id", "age")} for r in customers(40)])
    shutil.copy(folder / "customers.csv", folder / "copy.csv")
    (folder / "link.csv").symlink_to("customers.csv")
    os.link(folder / "customers.csv", folder / "hard.csv")
    with duckdb.connect(str(folder / "shop.duckdb")) as db:
        db.execute(DUCK)
    with sqlite3.connect(folder / "shop.sqlite") as lite:
        lite.executescript(LITE)
    lite.close()
    return folder


def compiled(root: Path, data: Path, tables: Mapping[str, str], more: str = "", model: str = MODEL) -> list[Fault]:
    """The faults of a project whose source ``crm`` has these tables, each a path or a part of its YAML."""
    root.mkdir(exist_ok=True)
    if not (root / "data").exists():
        shutil.copytree(data, root / "data", symlinks=True, copy_function=os.link)
    listed = "".join(f"          - name: {name}\n            {text}{COLUMNS}" for name, text in tables.items())
    sources = f"    version: 1\n    sources:\n      - name: crm\n        tables:\n{listed}"
    files = {"synth_project.yml": PROJECT + more, "models/sources.yml": sources, "models/models.yml": model}
    try:
        compile_project(load_project(Project(root).write(files).root))
    except ConfigurationError as error:
        return error.faults
    return []


# -- one table, row by row -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table",
    [
        "connection: duck\n            table: people",
        "connection: duck\n            table: adults",
        "connection: duck\n            table: main.grown",
        'connection: duck\n            query: "select customer_id, age + 1 as age from grown where age > 20 -- so"',
        "connection: lite\n            table: adults",
        'connection: lite\n            query: "select customer_id, max(age, 18) as age from people"',
    ],
)
def test_a_projection_and_filter_of_one_table_can_be_protected(tmp_path: Path, data: Path, table: str) -> None:
    assert compiled(tmp_path / "shop", data, {"one": table}) == []


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('connection: duck\n            query: "select customer_id, count(*) over () as age from people"', "a window"),
        ('connection: duck\n            query: "select customer_id, max(age) over () as age from adults"', "a window"),
        ('connection: duck\n            query: "select customer_id, rowid as age from people"', "rowid, which is no"),
        (
            'connection: duck\n            query: "select customer_id, abs(age) as age from people"',
            "abs, which is a macro",
        ),
        ('connection: duck\n            query: "select customer_id, age from people limit 10"', "the query has LIMIT"),
        ('connection: duck\n            query: "select customer_id, age from hidden"', "the view counted has a window"),
        ("connection: duck\n            table: hidden", "the view counted has a window function"),
        ("connection: duck\n            table: joined", "the view joined has a"),
        ("connection: lite\n            table: counted", "the view counted has a subquery"),
    ],
)
def test_what_makes_more_of_one_row_cannot(tmp_path: Path, data: Path, table: str, why: str) -> None:
    (fault,) = compiled(tmp_path / "shop", data, {"one": table})
    assert "must give at most one row for each row of one table" in fault.message
    assert why in fault.message
    assert fault.where is not None
    assert fault.where.file.name == "sources.yml"
    assert fault.where.line == 7
    assert "train on the table itself" in str(fault.hint)
    open_model = MODEL.replace("independent\n        epsilon: 1", "circuit")
    assert compiled(tmp_path / "shop", data, {"one": table}, model=open_model) == []


# -- the same rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("path: data/customers.csv", "path: data/customers.csv"),
        ("path: data/customers.csv", "path: ./data/../data/customers.csv"),
        ("path: data/customers.csv", "path: data/link.csv"),
        ("path: data/customers.csv", "path: data/hard.csv"),
        ("path: data/customers.csv", "path: data/c*.csv"),
        ("connection: duck\n            table: people", "connection: duck\n            table: main.people"),
        ("connection: duck\n            table: people", "connection: again\n            table: people"),
        ("connection: duck\n            table: people", "connection: duck\n            table: grown"),
        ("connection: duck\n            table: adults", "connection: duck\n            table: joined"),
        (
            "connection: duck\n            table: people",
            'connection: again\n            query: "with x as (select * from People) select customer_id, n as age '
            'from x join visits using (customer_id)"',
        ),
        ("connection: lite\n            table: people", "connection: lite\n            table: counted"),
    ],
)
def test_two_accounts_of_the_same_rows_are_a_fault(tmp_path: Path, data: Path, one: str, other: str) -> None:
    (fault,) = compiled(tmp_path / "shop", data, {"one": one, "two": other})
    assert "crm.one and crm.two are of the same rows" in fault.message
    assert fault.where is not None
    assert fault.where.line in (14, 15, 16)  # of its path, table or query
    assert "the same population:" in str(fault.hint)
    shared = {k: f"{v}\n            population: people" for k, v in {"one": one, "two": other}.items()}
    assert compiled(tmp_path / "shop", data, shared) == []
    parts = {k: f"{v}\n            part: {k}" for k, v in shared.items()}
    (fault,) = compiled(tmp_path / "shop", data, parts)
    assert "are said to be about other people (part: one, two), but share rows" in fault.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("path: data/customers.csv", "path: data/copy.csv"),  # whose rows these are, no name tells
        ("connection: duck\n            table: people", "connection: duck\n            table: visits"),
        ("connection: duck\n            table: people", "connection: lite\n            table: people"),
    ],
)
def test_other_rows_are_accounts_of_their_own(tmp_path: Path, data: Path, one: str, other: str) -> None:
    found = compiled(tmp_path / "shop", data, {"one": one, "two": other})
    assert [f.message for f in found if "same rows" in f.message] == []


def test_only_rows_that_are_counted_are_asked_about(tmp_path: Path, data: Path) -> None:
    tables = {"one": "path: data/customers.csv", "two": "path: data/link.csv"}
    free = MODEL.replace("independent\n        epsilon: 1", "circuit")
    assert compiled(tmp_path / "shop", data, tables, model=free) == []
    budget = "    privacy: {budgets: {crm.two: {epsilon: 3, delta: 1e-5}}}\n"
    (fault,) = compiled(tmp_path / "shop", data, tables, budget, free)
    assert "are of the same rows (data/customers.csv)" in fault.message


# -- names of before -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "message"),
    [
        ("was: crm.one", "crm.one was itself"),
        ("was: [crm.old, crm.two]", "was: crm.two is still declared, so it cannot be what crm.one is called now"),
        ("was: old", "was"),
    ],
)
def test_a_former_name_is_one_that_is_no_more(tmp_path: Path, data: Path, was: str, message: str) -> None:
    tables = {"one": f"path: data/customers.csv\n            {was}", "two": "path: data/copy.csv"}
    found = compiled(tmp_path / "shop", data, tables)
    assert [f for f in found if message in f.message], found
    assert all(f.where is not None and f.where.line == 7 for f in found)


def test_names_that_go_round_in_a_circle_are_faults(tmp_path: Path, data: Path) -> None:
    tables = {
        "one": "path: data/customers.csv\n            was: crm.two",
        "two": "path: data/copy.csv\n            was: crm.one",
    }
    assert len([f for f in compiled(tmp_path / "shop", data, tables) if "is still declared" in f.message]) == 2
