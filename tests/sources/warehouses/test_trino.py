"""Trino, by its own client over HTTP, against a stand-in that speaks its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import SynthError
from synthkit.sources.behind import table_behind
from synthkit.sources.warehouses.engine import NoTypeError
from synthkit.sources.warehouses.trino import _described, field_of
from tests.sources.reading import Reader, rows, source, types, values
from tests.trino_server import Trino


@pytest.fixture
def reader(tmp_path: Path, trino: Trino) -> Reader:
    return Reader(tmp_path, tr={"type": "trino", "url": trino.url})


TYPES = """CREATE TABLE t (b BOOLEAN, i1 TINYINT, i2 SMALLINT, i4 INTEGER, i8 BIGINT, r REAL, f DOUBLE, n DECIMAL(38,10),
    s VARCHAR, d DATE, ti TIME, ts TIMESTAMP, tz TIMESTAMPTZ, u UUID, a BIGINT[], j JSON, o STRUCT(k BIGINT))"""
VALUES = """INSERT INTO t VALUES (true, -128, 32767, -2147483648, 9223372036854775807, 0.1, 0.1,
    1234567890123456789012345678.0123456789, 'a "b"', '0001-01-01', '10:11:12.123456', '9999-12-31 10:00:00.123456',
    '2024-01-05 10:00:00+02', '3f2504e0-4f89-11d3-9a0c-0305e82c3301', [1, 2], '{"k": 1}', {'k': 1})"""
NESTED = {"a": "text", "j": "text", "o": "text"}


def test_types(reader: Reader, trino: Trino) -> None:
    trino.execute(TYPES, VALUES, f"INSERT INTO t VALUES ({', '.join(['NULL'] * 17)})")
    split = reader.read(connection="tr", table="t", columns=NESTED)
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
        "ti": "TIME",
        "ts": "TIMESTAMP",
        "tz": "TIMESTAMP WITH TIME ZONE",
        "u": "VARCHAR",
        "a": "VARCHAR",
        "j": "VARCHAR",
        "o": "VARCHAR",
    }
    filled, empty = sorted(rows(split), key=lambda r: r["i8"] is None)
    assert set(empty.values()) == {None}
    assert filled.pop("r") == pytest.approx(0.1, abs=1e-8)
    assert {k: v.replace(" ", "") if k in NESTED else v for k, v in filled.items()} == {
        "b": True,
        "i1": -128,
        "i2": 32767,
        "i4": -2147483648,
        "i8": 9223372036854775807,
        "f": 0.1,
        "n": Decimal("1234567890123456789012345678.0123456789"),
        "s": 'a "b"',
        "d": date(1, 1, 1),
        "ti": time(10, 11, 12, 123456),
        "ts": datetime(9999, 12, 31, 10, 0, 0, 123456),
        "tz": datetime(2024, 1, 5, 8, tzinfo=UTC),
        "u": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "a": "[1,2]",
        "j": '{"k":1}',
        "o": '{"k":1}',
    }


@pytest.mark.parametrize("kind", ["varbinary", "interval day to second", "HyperLogLog", "Geometry"])
def test_types_that_no_table_holds(kind: str) -> None:
    column = _described("x", kind)
    if kind == "varbinary":
        assert field_of(column).sql_type == "BLOB"
    else:
        with pytest.raises(NoTypeError):
            field_of(column)


@pytest.mark.parametrize(
    ("kind", "sql_type", "fetched"),
    [
        ("char(5)", "VARCHAR", "RTRIM(CAST(c AS VARCHAR))"),
        ("decimal(12,2)", "DECIMAL(12,2)", "CAST(c AS VARCHAR)"),
        ("timestamp(12) with time zone", "TIMESTAMP WITH TIME ZONE",
         "CAST(CAST(c AT TIME ZONE 'UTC' AS TIMESTAMP(12)) AS VARCHAR) || '+00'"),
        ("time(3) with time zone", "VARCHAR", "CAST(c AS VARCHAR)"),
        ("map(varchar, row(a bigint))", "JSON", "JSON_FORMAT(CAST(c AS JSON))"),
        ("number", "NUMERIC", "CAST(c AS VARCHAR)"),
    ],
)  # fmt: skip
def test_how_types_are_fetched(kind: str, sql_type: str, fetched: str) -> None:
    found = field_of(_described("x", kind))
    assert (found.sql_type, found.fetched("c")) == (sql_type, fetched)


def test_what_is_finer_than_microseconds_is_said(reader: Reader, trino: Trino, tmp_path: Path) -> None:
    trino.execute("CREATE TABLE t (id BIGINT, ts TIMESTAMP_NS)")
    trino.execute("INSERT INTO t VALUES (1, '2024-01-05 10:00:00.123456789'), (2, '2024-01-05 10:00:00.123')")
    split = reader.read(connection="tr", table="t")
    assert sorted(values(split, "ts"))[1] == datetime(2024, 1, 5, 10, 0, 0, 123456)
    assert any("column 'ts': 1 values are finer than microseconds" in note for note in split.notes)


def test_what_cannot_be_followed_under_a_budget(reader: Reader, trino: Trino) -> None:
    trino.execute(
        "CREATE TABLE t (id BIGINT, s VARCHAR)",
        "CREATE TABLE made (id BIGINT)",
        "CREATE VIEW bare AS SELECT id FROM t",
    )
    given: Mapping[str, Any] = {"root": reader.root, "connections": reader.connections, "cache": None}
    for table, message in (
        ("made", "a materialized view"),
        ("bare", "does not say of which schema its table is"),
    ):
        with pytest.raises(SynthError, match=message):
            table_behind(source(connection="tr", table=table), **given)
    trino.execute("UPDATE metadata.catalogs SET connector_name = 'postgresql'")
    with pytest.raises(SynthError, match="a table of the connector postgresql: what is behind it cannot be seen"):
        table_behind(source(connection="tr", table="t"), **given)
