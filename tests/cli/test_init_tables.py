"""`synth init --from` a folder or a database: sources with keys, one family, and what each key rests on."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.mysql_server import Server as MySQL
from tests.mysql_server import mysql
from tests.postgres_server import PASSWORD, Server, postgres
from tests.sources.keys.looking import Columns, shop
from tests.synth import Project, run_synth, write_csv

__all__ = ["mysql", "postgres"]

DDL = (
    "CREATE TABLE people (nr INTEGER PRIMARY KEY, age INTEGER, boss INTEGER REFERENCES people (nr))",
    "CREATE TABLE bills (bill INTEGER PRIMARY KEY, payer INTEGER REFERENCES people (nr), sent DATE)",
    "CREATE TABLE parts (bill INTEGER REFERENCES bills (bill), part INTEGER, amount INTEGER, PRIMARY KEY (bill, part))",
    "CREATE TABLE checks (mark INTEGER PRIMARY KEY, b INTEGER, p INTEGER, bill_bill INTEGER,"
    " FOREIGN KEY (b, p) REFERENCES parts (bill, part))",
)


def rows() -> list[str]:
    """Forty people, a hundred and twenty bills, two parts of each, sixty checks; names say nothing of the keys."""
    people = [f"({i}, {20 + i % 50}, {'NULL' if i == 1 else i // 2 or 1})" for i in range(1, 41)]
    bills = [f"({i}, {1 + i * 7 % 40}, '2024-{1 + i % 12:02}-{1 + i % 28:02}')" for i in range(1, 121)]
    parts = [f"({i}, {j}, {i * j % 90})" for i in range(1, 121) for j in (1, 2)]
    checks = [f"({i}, {i}, {1 + i % 2}, {i})" for i in range(1, 61)]
    named = (("bills", bills), ("parts", parts), ("checks", checks))
    first = [f"INSERT INTO people VALUES {one}" for one in people]  # DuckDB looks for each row's boss before it is in
    return first + [f"INSERT INTO {table} VALUES {', '.join(values)}" for table, values in named]


WANTED = {
    "people": (["nr"], {("boss", "people")}),
    "bills": (["bill"], {("payer", "people")}),
    "parts": (["bill", "part"], {("bill", "bills")}),
}


def folder(root: Path, tables: Mapping[str, Columns] | None = None) -> Path:
    """A folder with a file for each table of the shop."""
    for name, columns in (tables or shop()).items():
        listed = list(zip(*columns.values(), strict=True))
        write_csv(root / "shop" / f"{name}.csv", [dict(zip(columns, row, strict=True)) for row in listed])
    return root / "shop"


def written(project: Project, name: str) -> dict[str, Any]:
    found = yaml.safe_load((project.root / "models" / f"{name}.yml").read_text())
    assert isinstance(found, dict)
    return found


def keys_of(found: Mapping[str, Any], table: str) -> tuple[list[str], set[tuple[str, str]]]:
    """Primary and foreign keys as they were written."""
    (said,) = [t for t in found["sources"][0]["tables"] if t["name"] == table]
    primary = said.get("primary_key", [])
    named = {(k.get("column") or "+".join(k["columns"]), k["references"]) for k in said.get("foreign_keys", ())}
    return [primary] if isinstance(primary, str) else primary, named


def test_a_folder_becomes_a_family(tmp_path: Path) -> None:
    (folder(tmp_path) / "README.md").write_text("no table")
    done = run_synth(tmp_path, "init", "p", "--from", "shop", "--copy")
    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "p")
    found = written(project, "shop")
    assert [t["path"] for t in found["sources"][0]["tables"]] == [
        f"data/{n}.csv" for n in ("customers", "lines", "orders", "products")
    ]
    assert keys_of(found, "lines") == (["order_id", "line_no"], {("order_id", "orders"), ("product_id", "products")})
    orders = next(t for t in found["sources"][0]["tables"] if t["name"] == "orders")
    assert orders["foreign_keys"] == [{"column": "customer_id", "references": "customers", "owner": True}]
    assert orders["order_by"] == "ordered_at"
    assert {c["name"]: c["type"] for c in orders["columns"]}["customer_id"] == "id"
    (model,) = found["models"]
    assert (model["name"], model["source"]) == ("synthetic_shop", "{{ source('shop') }}")
    assert [t["table"] for t in model["tables"]] == ["customers", "lines", "orders", "products"]
    assert "not looked at: README.md" in done.stdout
    table = {tuple(line.split()[:2]): line for line in done.stdout.splitlines()}
    line = table["orders", "customer_id"]
    assert "its owner, by ordered_at" in line
    assert "300 of 300 rows" in line
    assert "it bears the key's name customer_id" in line
    project.ok("compile")


def test_codes_and_circles_are_written_so_that_they_compile(tmp_path: Path) -> None:
    """A code that looks written in a list of forty, and like any text where it is named; heads of departments, whose
    employees' salaries are somebody's."""
    tables = hospital()
    assert run_synth(tmp_path, "init", "p", "--from", str(folder(tmp_path, tables))).returncode == 0
    project = Project(tmp_path / "p")
    types = {
        (t["name"], c["name"]): c.get("type")
        for t in written(project, "shop")["sources"][0]["tables"]
        for c in t["columns"]
    }
    assert types["codes", "icd"] == types["findings", "icd"] == "id"
    departments = next(t for t in written(project, "shop")["sources"][0]["tables"] if t["name"] == "departments")
    assert departments["foreign_keys"] == [{"column": "head_no", "references": "employees", "cut": True}]
    assert departments["privacy_unit"] == "dept_no"
    done = run_synth(project.root, "compile")
    assert done.returncode == 0, done.stderr


def hospital() -> dict[str, Columns]:
    """Codes and what names them; employees of departments, and what these were paid."""
    codes = [f"{letter}{n:02}" for letter in "ICMG" for n in range(1, 11)]
    named = [codes[i * 7 % 40] for i in range(300)]
    return {
        "codes": {"icd": codes, "severity": [1 + i % 5 for i in range(40)]},
        "findings": {"finding_id": range(900, 1200), "icd": named},
        "departments": {"dept_no": [f"d{i}" for i in range(6)], "head_no": [7001 + 9 * i for i in range(6)]},
        "employees": {"emp_no": range(7001, 7101), "dept_no": [f"d{i % 6}" for i in range(100)]},
        "salaries": {
            "salary_id": range(1, 301),
            "emp_no": [7001 + i // 3 for i in range(300)],
            "paid": [20_000 + i * 37 % 900 for i in range(300)],
        },
    }


def test_a_guess_is_struck_out_by_its_line(tmp_path: Path) -> None:
    tables = shop()
    tables["orders"] = {**tables["orders"], "agent_id": [1 + i % 9 for i in range(300)]}
    folder(tmp_path, tables)
    assert run_synth(tmp_path, "init", "p", "--from", "shop").returncode == 0
    project = Project(tmp_path / "p")
    file = project.root / "models/shop.yml"
    lines = file.read_text().splitlines()
    (doubtful,) = [line for line in lines if "doubtful:" in line]
    assert doubtful.lstrip().startswith("#  - {column: agent_id, references: products}")
    kept = [line for line in lines if "{column: product_id," not in line]
    assert len(kept) == len(lines) - 1
    file.write_text("\n".join(kept) + "\n")
    project.ok("compile")
    assert keys_of(written(project, "shop"), "lines")[1] == {("order_id", "orders")}
    believed = doubtful.replace("#  -", "  -")
    file.write_text("\n".join(believed if line == doubtful else line for line in lines) + "\n")
    project.ok("compile")
    assert ("agent_id", "products") in keys_of(written(project, "shop"), "orders")[1]


def test_files_that_join_are_one_family_and_others_are_not(tmp_path: Path) -> None:
    path = folder(tmp_path)
    both = ("--from", str(path / "customers.csv"), "--from", str(path / "orders.csv"))
    assert run_synth(tmp_path, "init", "p", *both).returncode == 0
    assert [m["name"] for m in written(Project(tmp_path / "p"), "raw")["models"]] == ["synthetic_raw"]
    others = ("--from", str(path / "customers.csv"), "--from", str(path / "products.csv"))
    done = run_synth(tmp_path, "init", "q", *others)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in (tmp_path / "q/models").iterdir()} == {"customers.yml", "products.yml"}
    assert "will not join" not in done.stdout


def test_tables_that_are_kept_apart_will_not_join_and_that_is_said(tmp_path: Path) -> None:
    folder(tmp_path)
    done = run_synth(tmp_path, "init", "p", "--from", "shop", "--apart")
    assert "WARNING: these tables will not join: " in done.stdout
    assert "orders.customer_id → customers" in done.stdout
    project = Project(tmp_path / "p")
    assert [m["name"] for m in written(project, "shop")["models"]] == [
        f"synthetic_{n}" for n in ("customers", "lines", "orders", "products")
    ]
    project.ok("compile")


def test_a_table_that_hangs_on_nothing_has_a_model_of_its_own(tmp_path: Path) -> None:
    tables = shop()
    tables["weather"] = {"station": [f"s{i % 4}" for i in range(200)], "rain": [i * 37 % 11 / 10 for i in range(200)]}
    folder(tmp_path, tables)
    assert run_synth(tmp_path, "init", "p", "--from", "shop").returncode == 0
    project = Project(tmp_path / "p")
    models = written(project, "shop")["models"]
    assert [m["name"] for m in models] == ["synthetic_shop", "synthetic_weather"]
    assert "weather" not in [t["table"] for t in models[0]["tables"]]
    project.ok("compile")


def test_a_file_of_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    (folder(tmp_path) / "bad.csv").write_text("a,b\n1,2\n3,4,5\n")
    done = run_synth(tmp_path, "init", "p", "--from", "shop")
    assert done.returncode == 1
    assert "line 3" in done.stderr
    project = Project(tmp_path / "p")
    assert (project.root / "models/bad.yml").read_text().startswith("# NOT READ YET")
    assert keys_of(written(project, "shop"), "orders")[1] == {("customer_id", "customers")}
    assert "bad.csv, line 3" in project.fails("compile", code=2)
    (project.root / "../shop/bad.csv").write_text("a,b\n1,2\n")
    project.ok("compile")


def test_a_table_of_a_database_that_cannot_be_read(tmp_path: Path) -> None:
    def make(picture: str) -> None:
        with duckdb.connect(str(tmp_path / "shop.duckdb")) as file:
            file.execute("CREATE SCHEMA IF NOT EXISTS more")
            file.execute(f"CREATE OR REPLACE TABLE more.pictures AS SELECT 1 AS id, {picture} AS picture")

    make("'x'::BLOB")
    assert run_synth(tmp_path, "init", "p", "--from", "shop.duckdb").returncode == 1
    project = Project(tmp_path / "p")
    file = project.root / "models/more_pictures.yml"
    assert file.read_text().startswith("# NOT READ YET: column 'picture'")
    (source,) = yaml.safe_load(file.read_text())["sources"]
    assert source["connection"] == "shop"
    assert source["tables"] == [{"name": "more_pictures", "table": "more.pictures"}]
    assert "'picture'" in project.fails("compile", code=2)
    make("'x'")
    project.ok("compile")


def sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        for statement in (*DDL, *rows()):
            file.execute(statement)
        file.commit()


def duck(path: Path) -> None:
    with duckdb.connect(str(path)) as file:
        for statement in (*DDL, *rows()):
            file.execute(statement)


@pytest.mark.parametrize(("make", "kind"), [(sqlite, "sqlite"), (duck, "duckdb")])
def test_the_catalogue_of_a_database_file(tmp_path: Path, make: Any, kind: str) -> None:
    """Its keys come first, though no name says them; what is not declared is found."""
    make(tmp_path / "books.db")
    done = run_synth(tmp_path, "init", "p", "--from", "books.db")
    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "p")
    found = written(project, "books")
    assert found["sources"][0]["connection"] == "books"
    for table, wanted in WANTED.items():
        assert keys_of(found, table) == wanted
    # Of four columns of checks two are declared to name a part; the fourth is named after a table.
    assert keys_of(found, "checks") == (["mark"], {("b+p", "parts"), ("bill_bill", "bills")})
    assert "declared" in next(line for line in done.stdout.splitlines() if line.split()[:2] == ["bills", "payer"])
    connections = yaml.safe_load((project.root / "synth_project.yml").read_text())["connections"]
    assert connections == {"books": {"type": kind, "path": str(tmp_path / "books.db")}}
    project.ok("compile")


def test_a_database_is_added_to_a_project(shop: Project) -> None:
    sqlite(shop.root / "data" / "books.db")
    shop.ok("init", "--from", "data/books.db")
    assert yaml.safe_load((shop.root / "synth_project.yml").read_text())["connections"] == {
        "books": {"type": "sqlite", "path": "data/books.db"}
    }
    shop.ok("compile")
    (shop.root / "models/books.yml").unlink()
    shop.ok("init", "--from", "data/books.db")  # the connection is there by now
    duck(shop.root / "data" / "others.db")
    text = shop.fails("init", "--from", "data/others.db", code=2)
    assert "none called 'others'" in text
    assert "path: data/others.db" in text
    assert not (shop.root / "models/others.yml").exists()


@pytest.mark.postgres
def test_the_catalogue_of_a_server(tmp_path: Path, postgres: Server) -> None:
    postgres.execute("DROP TABLE IF EXISTS checks, parts, bills, people CASCADE", *DDL, *rows())
    try:
        done = run_synth(tmp_path, "init", "p", "--from", postgres.url, "--source", "books")
        assert done.returncode == 0, done.stderr
        project = Project(tmp_path / "p")
        found = written(project, "books")
        for table, wanted in WANTED.items():
            assert keys_of(found, table) == wanted
        assert "set the environment variable POSTGRES_URL" in done.stdout
        for file in project.root.rglob("*.yml"):
            assert PASSWORD not in file.read_text()
        assert "env_var('POSTGRES_URL')" in (project.root / "synth_project.yml").read_text()
        project.ok("compile", env={"POSTGRES_URL": postgres.url})
    finally:
        postgres.execute("DROP TABLE IF EXISTS checks, parts, bills, people CASCADE")


@pytest.mark.mysql
def test_the_catalogue_of_a_mysql_server(tmp_path: Path, mysql: MySQL) -> None:
    mysql.empty()
    # MySQL parses REFERENCES beside a column, and forgets it.
    ddl = [
        re.sub(r"(\w+) INTEGER REFERENCES (\w+ \(\w+\))", r"\1 INTEGER, FOREIGN KEY (\1) REFERENCES \2", one)
        for one in DDL
    ]
    mysql.execute(*ddl, *rows())
    done = run_synth(tmp_path, "init", "p", "--from", mysql.url, "--source", "books")
    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "p")
    found = written(project, "books")
    for table, wanted in WANTED.items():
        assert keys_of(found, table) == wanted
    assert "set the environment variable SHOP_URL" in done.stdout
    for file in project.root.rglob("*.yml"):
        assert PASSWORD not in file.read_text()
    assert yaml.safe_load((project.root / "synth_project.yml").read_text().replace("{{", "").replace("}}", ""))[
        "connections"
    ] == {"shop": {"type": "mysql", "url": " env_var('SHOP_URL') "}}
    project.ok("compile", env={"SHOP_URL": mysql.url})


DECLARED = """CREATE TABLE people (
    nr INTEGER NOT NULL PRIMARY KEY{of_key}, tier {tier}{of_tier}, colour VARCHAR(9) CHECK (colour IN ('red', 'blue, ish')),
    age INTEGER NOT NULL CHECK (age >= 18 AND age < 120), low INTEGER, high INTEGER, born DATE, mark VARCHAR(9) UNIQUE,
    CHECK (low <= high), CHECK (born > '1900-01-01'), CHECK (low + high < 1000), CHECK (high BETWEEN -5 AND 500),
    UNIQUE (low, high))"""
POLICIES = "CREATE TABLE policies (nr INTEGER NOT NULL PRIMARY KEY, holder INTEGER NOT NULL REFERENCES people (nr))"


def declared_rows() -> list[str]:
    people = ", ".join(
        f"({i}, '{('basic', 'pro')[i % 2]}', '{('red', 'blue, ish')[i % 3 % 2]}', {18 + i % 80}, {i % 97}, {i % 97 + i % 7},"
        f" '19{50 + i % 40}-0{1 + i % 9}-1{i % 9}', 'm{i}')"
        for i in range(1, 97)
    )
    return [
        f"INSERT INTO people VALUES {people}",
        f"INSERT INTO policies VALUES {', '.join(f'({i}, {1 + i * 7 % 96})' for i in range(1, 150))}",
    ]


def check_declared(project: Project, *, comments: bool, enum: bool) -> None:
    """What every catalogue says, and every database takes over alike."""
    (file,) = (project.root / "models").glob("*.yml")
    people = next(t for t in yaml.safe_load(file.read_text())["sources"][0]["tables"] if t["name"] == "people")
    columns = {c["name"]: c for c in people["columns"]}
    assert people["primary_key"] == "nr"
    assert columns["colour"]["values"] == ["red", "blue, ish"]
    assert columns["age"]["nullable"] is False
    assert "nullable" not in columns["low"]
    assert "nullable" not in columns["nr"]
    wanted = {"age >= 18", "age < 120", "low <= high", "high >= -5", "high <= 500", "born > 1900-01-01"}
    assert set(people["constraints"]) == wanted
    assert "unique: [low, high]" in people["rules"]
    assert "# the database checks, and no rule here says: " in file.read_text()
    if enum:
        assert (columns["tier"]["type"], columns["tier"]["values"]) == ("categorical", ["basic", "pro"])
    if comments:
        assert people["description"] == "Who: is insured, 'at' us"
        assert columns["tier"]["description"] == "how much, they {pay}"


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_what_else_the_catalogue_of_a_file_declares(tmp_path: Path, kind: str) -> None:
    tier = "VARCHAR(9)" if kind == "sqlite" else "ENUM ('basic', 'pro')"
    statements = [DECLARED.format(tier=tier, of_key="", of_tier=""), POLICIES, *declared_rows()]
    if kind == "duckdb":
        statements += [
            "COMMENT ON TABLE people IS 'Who: is insured, ''at'' us'",
            "COMMENT ON COLUMN people.tier IS 'how much, they {pay}'",
        ]
    path = tmp_path / "books.db"
    with closing(sqlite3.connect(path) if kind == "sqlite" else duckdb.connect(str(path))) as file:
        for statement in statements:
            file.execute(statement)
        file.commit()
    done = run_synth(tmp_path, "init", "p", "--from", "books.db")
    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "p")
    check_declared(project, comments=kind == "duckdb", enum=kind == "duckdb")
    project.ok("compile")
    one = run_synth(tmp_path, "init", "q", "--from", "books.db", "--table", "policies")
    assert one.returncode == 0, one.stderr
    assert [t["name"] for t in written(Project(tmp_path / "q"), "books")["sources"][0]["tables"]] == ["policies"]
    for option, said in (("--table", "did you mean 'people'?"), ("--schema", "the database has no tables in it")):
        wrong = run_synth(tmp_path, "init", "r", "--from", "books.db", option, "peple")
        assert wrong.returncode == 2
        assert said in wrong.stderr
        assert not (tmp_path / "r").exists()


@pytest.mark.postgres
def test_what_else_the_catalogue_of_postgres_declares(tmp_path: Path, postgres: Server) -> None:
    postgres.execute(
        "DROP SCHEMA IF EXISTS insured CASCADE",
        "CREATE SCHEMA insured",
        "CREATE TYPE insured.tier AS ENUM ('basic', 'pro')",
        *(s.replace("TABLE ", "TABLE insured.").replace("REFERENCES ", "REFERENCES insured.").replace("INTO ", "INTO insured.")
          for s in (DECLARED.format(tier="insured.tier", of_key="", of_tier=""), POLICIES, *declared_rows())),
        "COMMENT ON TABLE insured.people IS 'Who: is insured, ''at'' us'",
        "COMMENT ON COLUMN insured.people.tier IS 'how much, they {pay}'",
    )  # fmt: skip
    try:
        done = run_synth(tmp_path, "init", "p", "--from", postgres.url, "--schema", "insured")
        assert done.returncode == 0, done.stderr
        project = Project(tmp_path / "p")
        (file,) = (project.root / "models").glob("*.yml")
        file.write_text(file.read_text().replace("insured_", ""))
        check_declared(project, comments=True, enum=True)
        project.ok("compile", env={"POSTGRES_URL": postgres.url})
    finally:
        postgres.execute("DROP SCHEMA insured CASCADE")


@pytest.mark.mysql
def test_what_else_the_catalogue_of_mysql_declares(tmp_path: Path, mysql: MySQL) -> None:
    mysql.empty()
    tier = "ENUM ('basic', 'pro')"
    create = DECLARED.format(tier=tier, of_key="", of_tier=" COMMENT 'how much, they {pay}'")
    mysql.execute(f"{create} COMMENT 'Who: is insured, ''at'' us'", POLICIES, *declared_rows())
    done = run_synth(tmp_path, "init", "p", "--from", mysql.url)
    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "p")
    check_declared(project, comments=True, enum=True)
    project.ok("compile", env={"SHOP_URL": mysql.url})


@pytest.mark.parametrize(
    ("what", "message"),
    [("nowhere", "there is no file or folder nowhere"), ("empty", "no file in empty can be read"),
     ("postgresql://h:%zz@y/", "cannot be parsed"), ("mysql://h:x@y", "names no database"),
     ("oracle://ann:pa55word@h/shop", "--from reads no oracle://")],
)  # fmt: skip
def test_what_is_not_there_is_said(tmp_path: Path, what: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    done = run_synth(tmp_path, "init", "p", "--from", what)
    assert done.returncode == 2
    assert message in done.stderr
    assert "pa55word" not in done.stderr
    assert not (tmp_path / "p").exists()


def test_a_series_in_a_file_is_said_to_be_one(tmp_path: Path) -> None:
    visits = [
        {"id": who, "day": 90 * turn + who % 7, "sex": "fm"[who % 2], "level": (who * turn) % 13}
        for who in range(1, 41)
        for turn in range(3 + who % 4)
    ]
    write_csv(tmp_path / "visits.csv", visits)
    done = run_synth(tmp_path, "init", "p", "--from", "visits.csv")
    assert "rows follow one another: those of one id by day" in done.stdout
    project = Project(tmp_path / "p")
    found = written(project, "visits")
    table = found["sources"][0]["tables"][0]
    assert (table["entity"], table["order_by"]) == ("id", "day")
    assert "generator" not in found["models"][0]
    project.ok("compile")


def test_a_key_that_is_stored_as_decimals_as_some_are_missing_compiles(tmp_path: Path) -> None:
    """Frames hold whole numbers, some of which are missing, as 7.0: read as an id that would be the text 7.0."""
    accounts = [{"account_no": str(500 + i), "opened": f"2024-01-{1 + i % 28:02}"} for i in range(40)]
    moves = [
        {"move_no": str(i), "account_no": str(500 + i % 40), "to_account": "" if i % 3 else f"{500 + i * 7 % 40}.0"}
        for i in range(120)
    ]
    write_csv(tmp_path / "bank" / "accounts.csv", accounts)
    write_csv(tmp_path / "bank" / "moves.csv", moves)
    assert run_synth(tmp_path, "init", "p", "--from", "bank", "--copy").returncode == 0
    assert "{name: to_account, type: integer}" in (tmp_path / "p" / "models" / "bank.yml").read_text()
    Project(tmp_path / "p").ok("compile")
