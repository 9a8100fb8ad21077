"""Databricks, by its own connector over HTTP, against a stand-in for its Thrift service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import SynthError
from synthkit.sources.behind import table_behind
from synthkit.sources.warehouses.databricks import field_of
from synthkit.sources.warehouses.engine import Described, NoTypeError
from tests.databricks_server import Databricks
from tests.sources.reading import Reader, rows, source, types


@pytest.fixture
def reader(tmp_path: Path, databricks: Databricks) -> Reader:
    return Reader(tmp_path, dbx={"type": "databricks", "url": databricks.url})


TYPES = """CREATE TABLE t (b BOOLEAN, i1 TINYINT, i2 SMALLINT, i4 INTEGER, i8 BIGINT, r REAL, f DOUBLE, n DECIMAL(38,10),
    s VARCHAR, d DATE, ts TIMESTAMP, tz TIMESTAMPTZ, a BIGINT[], j JSON, o STRUCT(k BIGINT))"""
VALUES = """INSERT INTO t VALUES (true, -128, 32767, -2147483648, 9223372036854775807, 0.5, 0.1,
    1234567890123456789012345678.0123456789, 'a "b"', '0001-01-01', '9999-12-31 10:00:00.123456',
    '2024-01-05 10:00:00+02', [1, 2], '{"k": 1}', {'k': 1})"""
NESTED = {"a": "text", "j": "text", "o": "text"}


def test_types(reader: Reader, databricks: Databricks) -> None:
    databricks.execute(TYPES, VALUES, f"INSERT INTO t VALUES ({', '.join(['NULL'] * 15)})")
    split = reader.read(connection="dbx", table="t", columns=NESTED)
    assert types(split) == {
        "b": "BOOLEAN",
        "i1": "TINYINT",
        "i2": "SMALLINT",
        "i4": "INTEGER",
        "i8": "BIGINT",
        "r": "FLOAT",
        "f": "DOUBLE",
        "n": "DECIMAL(38,10)",
        "s": "VARCHAR",
        "d": "DATE",
        "ts": "TIMESTAMP",
        "tz": "TIMESTAMP WITH TIME ZONE",
        "a": "VARCHAR",
        "j": "VARCHAR",
        "o": "VARCHAR",
    }
    filled, empty = sorted(rows(split), key=lambda r: r["i8"] is None)
    assert set(empty.values()) == {None}
    assert {k: v.replace(" ", "") if k in NESTED else v for k, v in filled.items()} == {
        "b": True,
        "i1": -128,
        "i2": 32767,
        "i4": -2147483648,
        "i8": 9223372036854775807,
        "r": 0.5,
        "f": 0.1,
        "n": Decimal("1234567890123456789012345678.0123456789"),
        "s": 'a "b"',
        "d": date(1, 1, 1),
        "ts": datetime(9999, 12, 31, 10, 0, 0, 123456),
        "tz": datetime(2024, 1, 5, 8, tzinfo=UTC),
        "a": "[1,2]",
        "j": '{"k":1}',
        "o": '{"k":1}',
    }


@pytest.mark.parametrize("kind", ["void", "interval day to second", "geography(4326)", "map_of_things"])
def test_types_that_no_table_holds(kind: str) -> None:
    with pytest.raises(NoTypeError):
        field_of(Described("x", kind))


@pytest.mark.parametrize(
    ("kind", "sql_type", "fetched"),
    [
        ("char(5)", "VARCHAR", "RTRIM(c)"),
        ("varchar(20)", "VARCHAR", "c"),
        ("string collate UTF8_LCASE", "VARCHAR", "c"),
        ("timestamp", "TIMESTAMP WITH TIME ZONE", "CONCAT(CAST(c AS STRING), '+00')"),
        ("map<string,struct<a:int>>", "JSON", "TO_JSON(c)"),
        ("binary", "BLOB", "c"),
    ],
)
def test_how_types_are_fetched(kind: str, sql_type: str, fetched: str) -> None:
    found = field_of(Described("x", kind))
    assert (found.sql_type, found.fetched("c")) == (sql_type, fetched)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("EXTERNAL", "an external table: other tables may have the same files"),
        ("FOREIGN", "a table of another database"),
        ("MATERIALIZED_VIEW", "a materialized view"),
        ("STREAMING_TABLE", "a streaming table"),
        ("EXTERNAL_SHALLOW_CLONE", "a table \\(external_shallow_clone\\): what is behind it cannot be seen"),
    ],
)
def test_what_is_not_a_table_of_its_own(reader: Reader, databricks: Databricks, kind: str, message: str) -> None:
    databricks.execute("CREATE TABLE t (id BIGINT)")
    databricks.database.execute(
        f"CREATE OR REPLACE VIEW memory.info.tables AS SELECT 'shop' AS table_schema, 't' AS table_name, '{kind}' AS table_type"
    )
    with pytest.raises(SynthError, match=message):
        table_behind(source(connection="dbx", table="t"), root=reader.root, connections=reader.connections, cache=None)


@pytest.mark.parametrize(
    ("view", "made_in", "message"),
    [
        ("bare", "`lake`.`shop`", None),
        ("bare", "lake.shop", None),
        ("bare", "`lake`.`other`", "made in another catalog or schema"),
        ("within", "`lake`.`other`", None),
        ("within", "`sea`.`shop`", "made in another catalog or schema"),
        ("within", "", "made in another catalog or schema"),
    ],
)
def test_a_view_is_followed_as_its_maker_meant_it(
    reader: Reader, databricks: Databricks, view: str, made_in: str, message: str | None
) -> None:
    databricks.execute(
        "CREATE TABLE t (id BIGINT)",
        "CREATE VIEW bare AS SELECT id FROM t",
        "CREATE VIEW within AS SELECT id FROM shop.t",
    )
    databricks.made_in = made_in
    given: Mapping[str, Any] = {"root": reader.root, "connections": reader.connections, "cache": None}
    if message is None:
        assert table_behind(source(connection="dbx", table=view), **given) == ("shop", "t")
    else:
        with pytest.raises(SynthError, match=message):
            table_behind(source(connection="dbx", table=view), **given)


def test_nothing_is_told_to_the_connectors_maker(reader: Reader, databricks: Databricks) -> None:
    from synthkit.sources.warehouses import databricks as reading

    session = reading._Session(reading._parsed(databricks.url))
    try:
        assert session.connection.telemetry_enabled is False
    finally:
        session.close()
