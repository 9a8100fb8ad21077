"""Tables and queries of DuckDB and SQLite files."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from synthkit.errors import BuildError, SynthError
from tests.sources.reading import Reader, kinds, rows, types, values


@pytest.fixture
def duck(tmp_path: Path) -> Reader:
    with duckdb.connect(str(tmp_path / "d.duckdb")) as db:
        db.execute(
            "CREATE TABLE customers AS SELECT 10 - i AS customer_id, (i * 1.5)::DECIMAL(9, 2) AS spend,"
            " ('basic')::ENUM ('basic', 'pro') AS tier, DATE '2024-01-01' + i::INTEGER AS joined FROM range(5) t(i)"
        )
        db.execute('CREATE SCHEMA "Sales.EU"')
        db.execute('CREATE VIEW "Sales.EU".orders AS SELECT 1 AS a, \'x\' AS "b c"')
        db.execute("CREATE SCHEMA eu; CREATE TABLE eu.orders AS SELECT 2 AS a")
        db.execute("CREATE TABLE blobs AS SELECT 1 AS a, 'x'::BLOB AS photo")
    return Reader(tmp_path, db={"type": "duckdb", "path": "d.duckdb"})


def sqlite(root: Path, *statements: str, rows: list[tuple[Any, ...]] | None = None) -> Reader:
    db = sqlite3.connect(root / "s.db")
    for statement in statements:
        db.execute(statement)
    if rows:
        db.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows)
    db.commit()
    db.close()
    return Reader(root, db={"type": "sqlite", "path": "s.db"})


def test_a_duckdb_table_keeps_order_and_types(duck: Reader) -> None:
    split = duck.read(connection="db", table="customers")
    assert [r["customer_id"] for r in rows(split)] == [10, 9, 8, 7, 6]
    assert types(split) == {"customer_id": "BIGINT", "spend": "DECIMAL(9,2)", "tier": "VARCHAR", "joined": "DATE"}
    assert kinds(split)["customer_id"] == "id"


def test_the_sources_name_is_the_table_by_default(duck: Reader) -> None:
    assert duck.describe(connection="db", name="customers").names[0] == "customer_id"


def test_schemas_and_queries(duck: Reader) -> None:
    assert values(duck.read(connection="db", table="eu.orders")) == [2]
    query = 'SELECT o.a, "b c" FROM "Sales.EU".orders o -- with a comment'
    assert rows(duck.read(connection="db", query=query + ";")) == [{"a": 1, "b c": "x"}]


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"table": "custmers"}, "has no table 'custmers'", "did you mean 'customers'?"),
        ({"name": "order"}, "has no table 'order'", "did you mean 'orders'?"),
        ({"query": "SELECT nope FROM customers"}, "DuckDB: .*nope", "mend the query"),
        ({"query": "SELECT * FROM nowhere"}, "DuckDB: .*nowhere", "mend the query"),
        ({"query": "DROP TABLE customers"}, "must be one SELECT", "keep one SELECT, drop the rest"),
        ({"table": "blobs"}, "column 'photo' holds binary data", "leave it out: write query: with the others"),
    ],
)
def test_duckdb_faults(duck: Reader, given: dict[str, str], message: str, hint: str) -> None:
    with pytest.raises(SynthError, match=message) as caught:
        duck.describe(connection="db", **given)
    assert caught.value.hint == hint


def test_an_error_while_reading_is_told(duck: Reader) -> None:
    query = "SELECT CASE WHEN customer_id < 8 THEN error('stale replica') ELSE 1 END AS a FROM customers"
    with pytest.raises(BuildError, match=r"cannot read 't': .*stale replica"):
        duck.read(connection="db", query=query)


def test_sources_are_never_written_to(duck: Reader) -> None:
    before = (duck.root / "d.duckdb").read_bytes()
    duck.read(connection="db", table="customers")
    assert (duck.root / "d.duckdb").read_bytes() == before
    assert not (duck.root / "d.duckdb.wal").exists()


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_database_files_that_are_none(tmp_path: Path, kind: str) -> None:
    reader = Reader(tmp_path, db={"type": kind, "path": "x.db"}, no={"type": kind})
    with pytest.raises(SynthError, match=r"no database file 'x\.db'"):
        reader.describe(connection="db", table="t")
    with pytest.raises(SynthError, match="has no path"):
        reader.describe(connection="no", table="t")
    reader.write("x.db", "this is no database, whatever it may be called\n" * 40)
    with pytest.raises(SynthError, match=r"x\.db"):
        reader.describe(connection="db", table="t")


def test_sqlite_types_follow_the_declaration_where_the_values_do(tmp_path: Path) -> None:
    reader = sqlite(
        tmp_path,
        "CREATE TABLE t (i INTEGER, r REAL, s TEXT, b BOOLEAN, d DATE, ts DATETIME, tm TIME, m DECIMAL(10,2), n INT, x)",
        rows=[
            (1, 1.5, "00501", 1, "2024-01-05", "2024-01-05 10:00:00", "10:00", 1.25, None, "free"),
            (2**62, 2, None, 0, "2024-01-06", "2024-01-06T11:00", "11:30:05", 3, None, None),
        ],
    )
    split = reader.read(connection="db", table="t")
    assert list(types(split).values()) == [
        "BIGINT",
        "DOUBLE",
        "VARCHAR",
        "BOOLEAN",
        "DATE",
        "TIMESTAMP",
        "TIME",
        "DECIMAL(10,2)",
        "BIGINT",
        "VARCHAR",
    ]
    first, second = rows(split)
    assert tuple(first.values()) == (
        1,
        1.5,
        "00501",
        True,
        date(2024, 1, 5),
        datetime(2024, 1, 5, 10),
        time(10),
        Decimal("1.25"),
        None,
        "free",
    )
    assert second["i"] == 2**62
    assert second["tm"] == time(11, 30, 5)


@pytest.mark.parametrize(
    ("declared", "stored", "sql_type", "expected"),
    [
        ("INTEGER", [1, "abc"], "VARCHAR", ["1", "abc"]),
        ("BOOLEAN", [0, 7], "BIGINT", [0, 7]),
        ("BOOLEAN", ["true", "false"], "VARCHAR", ["true", "false"]),
        ("TIMESTAMP", [1_700_000_000, 1_700_000_001], "BIGINT", [1_700_000_000, 1_700_000_001]),
        ("DATE", ["2024-01-05", "soon"], "VARCHAR", ["2024-01-05", "soon"]),
        ("DATE", ["2024-01-05 10:00:00"], "VARCHAR", ["2024-01-05 10:00:00"]),
        ("DECIMAL(5,1)", [1.25, 2], "DOUBLE", [1.25, 2.0]),
        ("DECIMAL(5,1)", [1.5, 2], "DECIMAL(5,1)", [Decimal("1.5"), Decimal("2.0")]),
        ("VARCHAR(20)", ["x", 5], "VARCHAR", ["x", "5"]),
        ("", [1, 2.5], "DOUBLE", [1.0, 2.5]),
        ("TEXT", [None, None], "VARCHAR", [None, None]),
    ],
)
def test_sqlite_values_win_over_the_declaration(
    tmp_path: Path, declared: str, stored: list[Any], sql_type: str, expected: list[Any]
) -> None:
    reader = sqlite(tmp_path, f"CREATE TABLE t (a {declared}, b)", rows=[(v, "x") for v in stored])
    split = reader.read(connection="db", table="t")
    assert types(split)["a"] == sql_type
    assert values(split) == expected


def test_sqlite_streams_more_rows_than_a_batch_in_order(tmp_path: Path) -> None:
    reader = sqlite(tmp_path, "CREATE TABLE t (a INTEGER, s TEXT)", rows=[(i, f"s{i}") for i in range(45_000)])
    split = reader.read(connection="db", query="SELECT a * 2 AS a, s FROM t ORDER BY a DESC -- newest first")
    assert values(split)[:3] == [89_998, 89_996, 89_994]
    assert split.rows == 45_000


def test_sqlite_names_and_paths_are_quoted(tmp_path: Path) -> None:
    folder = tmp_path / "a b#c?d%41"
    folder.mkdir()
    reader = sqlite(folder, 'CREATE TABLE t ("select" INT, "a ""b" INT, "ü" INT)', rows=[(1, 2, 3)])
    assert rows(reader.read(connection="db", table="t")) == [{"select": 1, 'a "b': 2, "ü": 3}]


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"table": "tt"}, "has no table 'tt'", "did you mean 't'?"),
        ({"query": "SELECT nope FROM t"}, "SQLite: no such column: nope", "mend the query, or the database"),
        ({"query": "SELECT a, a FROM t"}, "column 'a' is there twice", "rename one of them in the source"),
        (
            {"query": "SELECT a, x'00' AS photo FROM t"},
            "column 'photo' holds binary data",
            "leave it out: write query: with the others",
        ),
        ({"query": "DELETE FROM t"}, "SQLite: ", "mend the query, or the database"),
    ],
)
def test_sqlite_faults(tmp_path: Path, given: dict[str, str], message: str, hint: str) -> None:
    reader = sqlite(tmp_path, "CREATE TABLE t (a INTEGER)", rows=[(1,)])
    with pytest.raises(SynthError, match=message) as caught:
        reader.describe(connection="db", **given)
    assert caught.value.hint == hint
    assert values(reader.read(connection="db", table="t")) == [1]


def test_an_empty_table(tmp_path: Path) -> None:
    reader = sqlite(tmp_path, "CREATE TABLE t (a INTEGER)")
    with pytest.raises(BuildError, match="has no rows"):
        reader.read(connection="db", table="t")
