"""SQL Server, by python-tds over TCP, against a stand-in that speaks its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthkit.errors import SynthError
from synthkit.sources.behind import table_behind
from synthkit.sources.projection import NotRowwise, projection
from synthkit.sources.warehouses import sqlserver as sqlserver_reader
from synthkit.sources.warehouses.engine import Described, NoTypeError
from synthkit.sources.warehouses.sqlserver import field_of, named
from tests.sources.reading import Reader, rows, source, types, values
from tests.sqlserver_server import HALF, SqlServer
from tests.synth import run_synth


@pytest.fixture
def reader(tmp_path: Path, sqlserver: SqlServer) -> Reader:
    return Reader(tmp_path, ms={"type": "sqlserver", "url": sqlserver.url})


TYPES = """CREATE TABLE t (b BOOLEAN, i1 TINYINT, i2 SMALLINT, i4 INTEGER, i8 BIGINT, r REAL, f DOUBLE, n DECIMAL(38,10),
    s VARCHAR, d DATE, ti TIME, ts TIMESTAMP, tz TIMESTAMPTZ, u UUID)"""
VALUES = """INSERT INTO t VALUES (true, 127, 32767, -2147483648, 9223372036854775807, 0.5, 0.1,
    -1234567890123456789012345678.0123456789, 'a "b" 🐘', '0001-01-01', '10:11:12.123456', '9999-12-31 10:00:00.123456',
    '2024-01-05 10:00:00+02', '3f2504e0-4f89-11d3-9a0c-0305e82c3301')"""


def test_types(reader: Reader, sqlserver: SqlServer) -> None:
    sqlserver.execute(TYPES, VALUES, f"INSERT INTO t VALUES ({', '.join(['NULL'] * 14)})")
    split = reader.read(connection="ms", table="t")
    assert types(split) == {
        "b": "BOOLEAN",
        "i1": "SMALLINT",
        "i2": "SMALLINT",
        "i4": "INTEGER",
        "i8": "BIGINT",
        "r": "FLOAT",
        "f": "DOUBLE",
        "n": "DECIMAL(38,10)",
        "s": "VARCHAR",
        "d": "DATE",
        "ti": "TIME",
        "ts": "TIMESTAMP",
        "tz": "TIMESTAMP WITH TIME ZONE",
        "u": "VARCHAR",
    }
    filled, empty = sorted(rows(split), key=lambda r: r["i8"] is None)
    assert set(empty.values()) == {None}
    assert filled == {
        "b": True,
        "i1": 127,
        "i2": 32767,
        "i4": -2147483648,
        "i8": 9223372036854775807,
        "r": 0.5,
        "f": 0.1,
        "n": Decimal("-1234567890123456789012345678.0123456789"),
        "s": 'a "b" 🐘',
        "d": date(1, 1, 1),
        "ti": time(10, 11, 12, 123456),
        "ts": datetime(9999, 12, 31, 10, 0, 0, 123456),
        "tz": datetime(2024, 1, 5, 8, tzinfo=UTC),
        "u": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    }


@pytest.mark.parametrize("kind", ["sql_variant", "geography", "hierarchyid", "vector(3)"])
def test_types_that_no_table_holds(kind: str) -> None:
    with pytest.raises(NoTypeError):
        field_of(Described("x", kind))


@pytest.mark.parametrize(
    ("kind", "sql_type", "fetched"),
    [
        ("tinyint", "SMALLINT", "c"),
        ("money", "DECIMAL(19,4)", "CAST(c AS DECIMAL(19,4))"),
        ("nchar(5)", "VARCHAR", "RTRIM(CONVERT(NVARCHAR(MAX), c))"),
        ("datetime", "TIMESTAMP", "CONVERT(NVARCHAR(27), c, 121)"),
        ("json", "JSON", "CONVERT(NVARCHAR(MAX), c)"),
        ("timestamp", "BLOB", "c"),
    ],
)
def test_how_types_are_fetched(kind: str, sql_type: str, fetched: str) -> None:
    found = field_of(Described("x", kind))
    assert (found.sql_type, found.fetched("c")) == (sql_type, fetched)


def test_what_is_finer_than_microseconds_is_said(reader: Reader, sqlserver: SqlServer) -> None:
    sqlserver.execute("CREATE TABLE t (id BIGINT, ts TIMESTAMP_NS)")
    sqlserver.execute("INSERT INTO t VALUES (1, '2024-01-05 10:00:00.123456700'), (2, '2024-01-05 10:00:00.123')")
    split = reader.read(connection="ms", table="t")
    assert sorted(values(split, "ts"))[1] == datetime(2024, 1, 5, 10, 0, 0, 123456)
    assert any("column 'ts': 1 values are finer than microseconds" in note for note in split.notes)


def test_half_a_character_is_said(reader: Reader, sqlserver: SqlServer) -> None:
    sqlserver.execute("CREATE TABLE t (s VARCHAR)", f"INSERT INTO t VALUES ('cut {HALF}')")
    with pytest.raises(SynthError, match=r"SQL Server: a text is cut within a character"):
        reader.read(connection="ms", table="t")


@pytest.mark.parametrize("url", ["/store/other", "/store"])
def test_names_in_short_are_of_the_schema_that_the_url_says(tmp_path: Path, sqlserver: SqlServer, url: str) -> None:
    sqlserver.execute("CREATE TABLE t (id BIGINT)", "CREATE SCHEMA other", "CREATE TABLE other.t (id BIGINT)")
    read = Reader(tmp_path, ms={"type": "sqlserver", "url": sqlserver.url.replace("/store/shop", url)})
    with pytest.raises(SynthError, match=r"names in short are of the schema shop, not of (other|dbo) as the url says"):
        read.hash(connection="ms", table="t")


def test_names_may_be_in_brackets(reader: Reader, sqlserver: SqlServer) -> None:
    sqlserver.execute('CREATE TABLE "my orders" (id BIGINT)', 'INSERT INTO "my orders" VALUES (2)')
    for table in ("my orders", "[my orders]", '"my orders"', "shop.[my orders]"):
        assert values(reader.read(connection="ms", table=table), "id") == [2]
    assert (named("a]b"), named("[a]")) == ("[a]]b]", "[a]")


def test_what_cannot_be_followed_under_a_budget(reader: Reader, sqlserver: SqlServer) -> None:
    sqlserver.execute(
        "CREATE TABLE t (id BIGINT)", "CREATE TABLE far (id BIGINT)", "CREATE VIEW bare AS SELECT id FROM t"
    )
    sqlserver.database.execute("INSERT INTO sys.outside VALUES ('shop.far')")
    given: Mapping[str, Any] = {"root": reader.root, "connections": reader.connections, "cache": None}
    for table, message in (
        ("far", "an external table"),
        ("bare", "does not say of which schema its table is"),
        ("nowhere", "neither a table nor a view"),
    ):
        with pytest.raises(SynthError, match=message):
            table_behind(source(connection="ms", table=table), **given)
    query = "SELECT [id] FROM [shop].[t] WHERE id > 1"
    assert table_behind(source(connection="ms", query=query), **given) == ("shop", "t")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT TOP 5 id FROM shop.t", "LIMIT"),
        ("SELECT id FROM other.shop.t", "of another database"),
        ("SELECT dbo.f(id) AS x FROM shop.t", "not known to look at one row alone"),
        ("SELECT id FROM shop.t CROSS APPLY shop.f(id)", "LATERAL|join"),
        ("SELECT id FROM shop.t FOR SYSTEM_TIME ALL", "of the table|cannot be read"),
        ("SELECT id, COUNT(*) OVER () AS n FROM shop.t", "a window function"),
        ("SELECT id FROM OPENQUERY(far, 'SELECT 1')", "in the place of a table"),
    ],
)
def test_what_gives_other_rows_than_one_for_one(query: str, message: str) -> None:
    with pytest.raises(NotRowwise, match=message):
        projection(query, "tsql")


def test_a_view_may_name_its_own_database() -> None:
    assert projection("SELECT id FROM [my store].[shop].[t]", "tsql", "my store").table == ("shop", "t")
    for other in ("[My Store].shop.t", "[my store]..t", "far.[my store].shop.t"):
        with pytest.raises(NotRowwise):
            projection(f"SELECT id FROM {other}", "tsql", "my store")


def test_check_constraints_become_rules(tmp_path: Path, sqlserver: SqlServer) -> None:
    sqlserver.execute(
        "CREATE TABLE people (nr BIGINT PRIMARY KEY, low INTEGER, high INTEGER, CHECK (low <= high))",
        "INSERT INTO people SELECT range, range % 7, range % 7 + range % 5 FROM range(60)",
    )
    done = run_synth(tmp_path, "init", "p", "--from", sqlserver.url)
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "p" / "models").glob("*.yml")
    (people,) = yaml.safe_load(file.read_text())["sources"][0]["tables"]
    assert people["primary_key"] == "nr"
    assert "low <= high" in file.read_text()


def test_a_password_goes_over_a_sealed_connection_unless_the_url_says_otherwise(
    tmp_path: Path, sqlserver: SqlServer
) -> None:
    sealed = Reader(
        tmp_path, ms={"type": "sqlserver", "url": sqlserver.url_of("pa55word").replace("encrypt=no", "encrypt=yes")}
    )
    with pytest.raises(SynthError, match="encryption but it is not supported by server"):
        sealed.hash(connection="ms", table="t")
    assert sqlserver.queries == []
    assert sqlserver_reader._parsed("sqlserver://h/shop").port == 1433
