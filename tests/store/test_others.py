"""The DuckDB file is made anew at every build; what others keep in it stays, or nothing is written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from synthkit.errors import BuildError
from synthkit.records.history import RunEntry
from synthkit.store.database import rebuild
from synthkit.store.others import contents_of
from synthkit.store.reader import Reader
from synthkit.store.target import TableInfo
from synthkit.store.warehouse import Warehouse
from tests.store.test_warehouse import publish
from tests.synth import Project

THEIRS = """
    CREATE VIEW latest AS SELECT max(n) AS n FROM m;
    CREATE TABLE "my notes" (id INTEGER PRIMARY KEY, said VARCHAR CHECK (said <> ''));
    INSERT INTO "my notes" VALUES (1, 'kept');
    COMMENT ON TABLE "my notes" IS 'ours';
    CREATE SEQUENCE numbers START 7;
    CREATE TYPE mood AS ENUM ('glad', 'sad');
    CREATE MACRO twice(x) AS 2 * x;
    CREATE MACRO top(k) AS TABLE SELECT * FROM m ORDER BY n DESC LIMIT k;
    CREATE SCHEMA team;
    CREATE SCHEMA empty;
    CREATE TABLE team.m (feels mood, number BIGINT DEFAULT nextval('numbers'));
    INSERT INTO team.m (feels) VALUES ('sad');
    CREATE VIEW team.joined AS SELECT count(*) AS c FROM main.m, team.m;
    CREATE TABLE synth_meta.notes AS SELECT 'too' AS said;
    CREATE INDEX by_said ON "my notes" (said);
    CREATE INDEX by_n ON m (n);
"""
FOUND = {  # after a build that publishes rows 0 to 5
    "SELECT * FROM latest": [(5,)],
    'SELECT * FROM "my notes"': [(1, "kept")],
    "SELECT comment FROM duckdb_tables() WHERE table_name = 'my notes'": [("ours",)],
    "SELECT twice(4)": [(8,)],
    "SELECT * FROM top(1)": [(5,)],
    "SELECT feels::VARCHAR, number FROM team.m": [("sad", 7)],
    "SELECT c FROM team.joined": [(6,)],
    "SELECT said FROM synth_meta.notes": [("too",)],
    "SELECT index_name FROM duckdb_indexes() ORDER BY ALL": [("by_n",), ("by_said",)],
    "SELECT name, rows FROM synth_meta.tables": [("m", 6)],
    "SELECT count(*) FROM m": [(6,)],
    "SELECT nextval('numbers')": [(8,)],
}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """With one table of four rows in its DuckDB file."""
    made = Warehouse(tmp_path / "warehouse" / "dev", tmp_path / "warehouse" / "dev.duckdb")
    publish(made, tmp_path, 4)
    rebuild(made, {}, [])
    return made


def written(warehouse: Warehouse, sql: str) -> None:
    with duckdb.connect(str(warehouse.database)) as connection:
        connection.execute(sql)


def read(warehouse: Warehouse, sql: str) -> list[Any]:
    with duckdb.connect(str(warehouse.database)) as connection:
        return connection.execute(sql).fetchall()


def test_what_others_made_stays(warehouse: Warehouse, tmp_path: Path) -> None:
    written(warehouse, THEIRS)
    for rows in (5, 6):  # a second time from a file that was not touched in between
        publish(warehouse, tmp_path, rows)
        assert rebuild(warehouse, {}, [])
        assert not rebuild(warehouse, {}, [])
    assert {sql: read(warehouse, sql) for sql in FOUND} == FOUND


def test_the_file_does_not_grow_with_what_it_was(warehouse: Warehouse, tmp_path: Path) -> None:
    written(warehouse, "CREATE VIEW seen AS SELECT * FROM m")
    sizes = []
    for rows in (150_000, 150_001, 150_002, 150_003):
        publish(warehouse, tmp_path, rows)
        rebuild(warehouse, {}, [])
        sizes.append(warehouse.database.stat().st_size)
    assert max(sizes) < 1.5 * sizes[0]


def test_a_table_that_becomes_a_view_or_goes_is_ours_still(warehouse: Warehouse, tmp_path: Path) -> None:
    written(warehouse, "CREATE TABLE mine AS SELECT 1 AS x")
    publish(warehouse, tmp_path, 6)
    assert rebuild(warehouse, {"m": TableInfo("m", "view")}, [])
    assert read(warehouse, "SELECT table_type FROM information_schema.tables WHERE table_name = 'm'") == [("VIEW",)]
    warehouse.remove("m")
    assert rebuild(warehouse, {}, [RunEntry(run_id="r")])
    assert [str(o) for o in contents_of(warehouse.database).others] == ["table mine"]
    assert read(warehouse, "SELECT name FROM synth_meta.tables") == []


def test_a_database_that_was_there_first_is_taken_over(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "dev", tmp_path / "analysis.duckdb")
    written(warehouse, "CREATE TABLE mine AS SELECT 1 AS x")
    publish(warehouse, tmp_path, 4)
    assert rebuild(warehouse, {}, [])
    assert read(warehouse, "SELECT x FROM mine") == [(1,)]


@pytest.mark.parametrize("kind", ["TABLE", "VIEW"])
def test_a_name_that_is_taken_is_refused(warehouse: Warehouse, tmp_path: Path, kind: str) -> None:
    written(warehouse, f"CREATE {kind} Other AS SELECT 1 AS x")
    publish(warehouse, tmp_path, 6, "other")
    before = warehouse.database.read_bytes()
    with pytest.raises(BuildError, match="model 'other'"):
        rebuild(warehouse, {}, [])
    assert warehouse.database.read_bytes() == before
    assert rebuild(warehouse, {"other": TableInfo("other", "parquet")}, [])  # which the file does not hold
    assert read(warehouse, "SELECT * FROM other") == [(1,)]
    assert Reader(warehouse).query("SELECT count(*) AS n FROM other").to_pylist() == [{"n": 6}]


@pytest.mark.parametrize("content", [b"not a database", None])
def test_a_file_that_cannot_be_read_is_left_alone(warehouse: Warehouse, tmp_path: Path, content: bytes | None) -> None:
    torn = bytearray(warehouse.database.read_bytes())
    torn[12] ^= 1  # in the header, so that its checksum is wrong
    warehouse.database.write_bytes(torn if content is None else content)
    before = warehouse.database.read_bytes()
    publish(warehouse, tmp_path, 6)
    with pytest.raises(BuildError, match="cannot be read") as caught:
        rebuild(warehouse, {}, [])
    assert "move the file away" in str(caught.value.hint)
    assert warehouse.database.read_bytes() == before
    assert Reader(warehouse).query("SELECT count(*) AS n FROM m").to_pylist() == [{"n": 6}]
    warehouse.database.unlink()
    assert rebuild(warehouse, {}, [])


WRITER = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE mine AS SELECT 42 AS x")
print("written", flush=True)
sys.stdin.readline()
os._exit(9)
"""


def test_whoever_writes_is_waited_for_and_what_they_wrote_stays(warehouse: Warehouse, tmp_path: Path) -> None:
    """Also of a process that was killed before DuckDB moved its log into the file."""
    command = [sys.executable, "-c", WRITER, str(warehouse.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        publish(warehouse, tmp_path, 6)
        with pytest.raises(BuildError, match=f"PID {writer.pid}"):
            rebuild(warehouse, {}, [])
        writer.communicate("\n")
    assert warehouse.database.with_name("dev.duckdb.wal").exists()
    assert rebuild(warehouse, {}, [])
    assert not warehouse.database.with_name("dev.duckdb.wal").exists()
    assert read(warehouse, "SELECT x FROM mine") == [(42,)]
    assert read(warehouse, "SELECT count(*) FROM m") == [(6,)]


def test_nothing_in_the_file_decides_what_is_opened(warehouse: Warehouse, tmp_path: Path) -> None:
    """A macro called as DuckDB's reader is, or a view over another file, comes with the file, maybe from a stranger."""
    secret = tmp_path / "secret.csv"
    secret.write_text("n\n666\n")
    written(
        warehouse,
        f"CREATE MACRO read_parquet(p) AS TABLE SELECT * FROM read_csv('{secret}');"
        f"CREATE VIEW looks AS SELECT * FROM read_csv('{secret}')",
    )
    os.utime(secret, ns=(1, 1))
    publish(warehouse, tmp_path, 6)
    publish(warehouse, tmp_path, 3, "seen")
    infos = {"m": TableInfo("m", "table"), "seen": TableInfo("seen", "view")}
    assert rebuild(warehouse, infos, [])
    assert read(warehouse, "SELECT count(*), max(n) FROM m") == [(6, 5)]
    assert read(warehouse, "SELECT count(*), max(n) FROM seen") == [(3, 2)]


MODEL = """
    version: 1
    models:
      - name: numbers
        generator: {name: sql, query: "select i from range(3) as t(i)"}
        audits: []
"""


def test_a_build_says_so_before_anything_is_written(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop").write({"synth_project.yml": "name: shop\n", "models/m.yml": MODEL})
    database = project.root / "warehouse" / "dev.duckdb"
    database.parent.mkdir()
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE VIEW numbers AS SELECT 1 AS i; CREATE TABLE mine AS SELECT 2 AS i")
    text = project.fails("build")
    assert "view numbers (model 'numbers')" in text
    assert "ALTER" in text
    assert not list(project.root.glob("warehouse/dev*/*"))
    with duckdb.connect(str(database)) as connection:
        connection.execute("ALTER VIEW numbers RENAME TO one")
    project.ok("build")
    found = project.query("select (select count(*) from numbers) as n, one.i, mine.i as j from one, mine")
    assert found == [{"n": 3, "i": 1, "j": 2}]
