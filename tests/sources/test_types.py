"""Declared types: what fits is cast, what does not is told with its row."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.errors import BuildError
from synthkit.sources.types import normal, provisional_type
from tests.sources.reading import Reader, kinds, types, values


@pytest.mark.parametrize(
    ("declared", "cells", "sql_type", "expected"),
    [
        ("integer", ["3", " 4 ", "5.0", ""], "BIGINT", [3, 4, 5, None]),
        ("integer", ["9007199254740993", "007"], "BIGINT", [9007199254740993, 7]),
        ("float", ["3", " "], "DOUBLE", [3.0, None]),
        ("decimal", ["3", "0.1", "1.50"], "DECIMAL(18,2)", [Decimal("3.00"), Decimal("0.10"), Decimal("1.50")]),
        (
            "boolean",
            ["yes", "No", "t", "FALSE", "1", "0", ""],
            "BOOLEAN",
            [True, False, True, False, True, False, None],
        ),
        ("boolean", ["1", "0"], "BOOLEAN", [True, False]),
        ("date", ["2024-01-05", "2024-01-06 00:00:00", ""], "DATE", [date(2024, 1, 5), date(2024, 1, 6), None]),
        ("datetime", ["2024-01-05", "2024-01-06"], "TIMESTAMP", [datetime(2024, 1, 5), datetime(2024, 1, 6)]),
        ("time", ["10:00", "23:59:01"], "TIME", [time(10), time(23, 59, 1)]),
        ("categorical", ["1", "2"], "BIGINT", [1, 2]),
        ("text", ["007", "8"], "VARCHAR", ["007", "8"]),
        ("id", ["1", "1"], "BIGINT", [1, 1]),
    ],
)
def test_what_fits(reader: Reader, declared: str, cells: list[str], sql_type: str, expected: list[Any]) -> None:
    split = reader.csv("a,b\n" + "".join(f"{c},x\n" for c in cells), columns={"a": declared})
    assert types(split)["a"] == sql_type
    assert kinds(split)["a"] == declared
    assert values(split) == expected


def test_text_with_offsets_becomes_times_in_utc(reader: Reader) -> None:
    cells = [
        "2024-01-05 10:00:00+02:00",
        "2024-01-06 10:00",
        "2024-01-07T10:00:00.5Z",
        "2024-01-08",
        "2024-01-09 10:00-05",
    ]
    pq.write_table(pa.table({"a": cells}), reader.root / "t.parquet")
    split = reader.read(path="t.parquet", columns={"a": "datetime"})
    assert types(split) == {"a": "TIMESTAMP"}
    assert values(split) == [
        datetime(2024, 1, 5, 8),
        datetime(2024, 1, 6, 10),
        datetime(2024, 1, 7, 10, 0, 0, 500_000),
        datetime(2024, 1, 8),
        datetime(2024, 1, 9, 15),
    ]


@pytest.mark.parametrize(
    ("declared", "cells", "message"),
    [
        ("integer", ["1", "2.7", "abc"], r"2 of 3 values are not integer \('2.7' in row 2, 'abc' in row 3\)"),
        ("integer", ["1.5", "2.5"], r"2 of 2 values are not integer"),
        ("integer", ["99999999999999999999", "1"], r"not integer \('99999999999999999999' in row 1\)"),
        ("float", ["1", "1,5"], r"1 of 2 values are not float \('1,5' in row 2\)"),
        ("decimal", ["1.239", "2"], r"not decimal of 2 decimals \('1.239' in row 1\)"),
        ("boolean", ["yes", "maybe"], r"not boolean \('maybe' in row 2\)"),
        ("boolean", ["0", "7"], r"not boolean \('7' in row 2\)"),
        ("date", ["2024-01-05", "2024-02-30"], r"not date \('2024-02-30' in row 2\)"),
        ("date", ["2024-01-05 10:30:00", "2024-01-06 00:00:00"], r"1 of 2 values are not date"),
        ("date", ["20240105", "20240106"], r"2 of 2 values are not date"),
        ("time", ["2024-01-05 10:30:00", "2024-01-05 11:30:00"], "not time"),
        ("time", ["2024-01-05 10:30", "later"], "2 of 2 values are not time"),
    ],
)
def test_what_does_not_fit(reader: Reader, declared: str, cells: list[str], message: str) -> None:
    content = "a;b\n" + "".join(f"{c};x\n" for c in cells)
    with pytest.raises(BuildError, match=f"column 'a': .*{message}") as caught:
        reader.csv(content, columns={"a": declared})
    assert "declare another type" in (caught.value.hint or "")


@pytest.mark.parametrize("cell", ["1_000", "0x1F", "1e", "1,5", "Infinite", "1.5.", "--1"])
@pytest.mark.parametrize("declared", ["integer", "float", "decimal"])
def test_stored_text_is_read_as_written_text_is(reader: Reader, cell: str, declared: str) -> None:
    """One rule for text, whether a file or a table holds it: DuckDB's own cast takes 1_000 for a thousand."""
    pq.write_table(pa.table({"a": ["7", cell]}), reader.root / "t.parquet")
    for path in ("t.parquet", reader.write("t.csv", f'a\n7\n"{cell}"\n').name):
        with pytest.raises(BuildError, match="1 of 2 values are not"):
            reader.read(path=path, columns={"a": declared})


_EXACT = [
    (pa.array(["1234567890.129"]), 2),
    (pa.array(["0.300000001"]), 2),
    (pa.array(["1234567890123456.13"]), 1),
    (pa.array([1234567890.129]), 2),
    (pa.array([Decimal("1234567890.129")]), 2),
    (pa.array([0.1005]), 3),
]


@pytest.mark.parametrize(("values", "decimals"), _EXACT)
def test_a_decimal_keeps_each_digit_or_is_none(reader: Reader, values: pa.Array, decimals: int) -> None:
    pq.write_table(pa.table({"a": values}), reader.root / "t.parquet")
    with pytest.raises(BuildError, match="not decimal of"):
        reader.read(path="t.parquet", columns={"a": {"type": "decimal", "decimals": decimals}})


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (
            pa.array(["12345678901234.56", "1.5e2", "-0.10", ".5", "7."]),
            ["12345678901234.56", "150", "-0.1", "0.5", "7"],
        ),
        (pa.array([12345678901234.56, 0.1 + 0.2]), ["12345678901234.56", "0.3"]),
        (pa.array([1234.56, 0.1], pa.float32()), ["1234.56", "0.1"]),
        (pa.array([2**53 + 1]), [str(2**53 + 1)]),
        (pa.array([Decimal("12345678901234.5600")]), ["12345678901234.56"]),
    ],
)
def test_what_is_a_decimal_of_two_digits(reader: Reader, stored: pa.Array, expected: list[str]) -> None:
    pq.write_table(pa.table({"a": stored}), reader.root / "t.parquet")
    split = reader.read(path="t.parquet", columns={"a": {"type": "decimal", "decimals": 2}})
    assert values(split) == [Decimal(e) for e in expected]


def test_a_decimal_beyond_what_floats_hold_is_another_whole_number(reader: Reader) -> None:
    """As a float 9007199254740993.5 is 9007199254740994, which once passed for the whole number that it is not."""
    pq.write_table(pa.table({"a": [Decimal("9007199254740993.5")]}), reader.root / "t.parquet")
    with pytest.raises(BuildError, match="not integer"):
        reader.read(path="t.parquet", columns={"a": "integer"})
    pq.write_table(pa.table({"a": [Decimal("9007199254740993.0")]}), reader.root / "t.parquet")
    assert values(reader.read(path="t.parquet", columns={"a": "integer"})) == [2**53 + 1]


def test_declared_decimals(reader: Reader) -> None:
    """Money as floating point carries dust, which rounding to the declared decimals takes off."""
    pq.write_table(pa.table({"a": [0.1 + 0.2, 1e6 + 0.05]}), reader.root / "t.parquet")
    columns = {"a": {"type": "decimal", "decimals": 3}}
    split = reader.read(path="t.parquet", columns=columns)
    assert types(split) == {"a": "DECIMAL(18,3)"}
    assert values(split) == [Decimal("0.300"), Decimal("1000000.050")]
    assert split.schema.columns[0].decimals == 3


def test_missing_values_where_there_may_be_none(reader: Reader) -> None:
    with pytest.raises(BuildError, match=r"'b' is declared not nullable: 2 nulls in 4 rows \(first: row 2\)"):
        reader.csv("a,b\n1,x\n2,\n3,y\n4,\n", columns={"b": {"nullable": False}})


def test_a_user_may_name_columns_as_we_name_our_marks(reader: Reader) -> None:
    split = reader.csv("__misfit0,__INF0,a\n1,2,x\n", columns={"__misfit0": "float"})
    assert split.schema.names == ("__misfit0", "__INF0", "a")
    assert values(split) == ["x"]


def test_infinite_dates_are_refused(reader: Reader) -> None:
    duckdb.connect().execute(f"COPY (SELECT TIMESTAMP 'infinity' AS a) TO '{reader.root}/t.parquet'")
    with pytest.raises(
        BuildError, match=r"column 'a' holds 1 values that no table can publish \(infinite, .*'infinity' in row 1"
    ):
        reader.read(path="t.parquet")


@pytest.mark.parametrize(
    "sql_type",
    [
        "TINYINT",
        "UBIGINT",
        "FLOAT",
        "DECIMAL(9,2)",
        "BOOLEAN",
        "DATE",
        "TIME",
        "TIMESTAMP_NS",
        "VARCHAR",
    ],
)
def test_types_that_tables_hold_stay(reader: Reader, sql_type: str) -> None:
    """What DuckDB writes as Parquet and reads again is of the type that we say it is."""
    assert normal("a", sql_type) == '"a"'
    con = duckdb.connect()
    con.execute(f"CREATE TABLE t (a {sql_type})")
    con.execute(f"COPY t TO '{reader.root}/t.parquet'")
    row = con.execute(f"DESCRIBE FROM '{reader.root}/t.parquet'").fetchone()
    assert row is not None
    assert provisional_type(row[1]) == provisional_type(sql_type)


@pytest.mark.parametrize(
    ("literal", "sql_type"),
    [
        ("'2024-01-01'::TIMESTAMP_S", "TIMESTAMP"),
        ("'10:30:00.123456789'::TIME_NS", "VARCHAR"),
        ("5::BIGNUM", "VARCHAR"),
        ("row(1, 'x')", "VARCHAR"),
        ("'x'::ENUM ('x', 'y')", "VARCHAR"),
        ("uuid '3f2504e0-4f89-11d3-9a0c-0305e82c3301'", "VARCHAR"),
        ("'{}'::JSON", "VARCHAR"),
        ("BIT '101'", "VARCHAR"),
        ("INTERVAL 1 DAY", "VARCHAR"),
        ("[1]", "VARCHAR"),
        ("[1, 2]::INTEGER[2]", "VARCHAR"),
        ("{'a': 1}", "VARCHAR"),
        ("MAP {'a': 1}", "VARCHAR"),
        ("NULL", "VARCHAR"),
        ("union_value(k := 1)", "VARCHAR"),
    ],
)
def test_types_that_tables_do_not_hold_are_turned_into_others(literal: str, sql_type: str) -> None:
    con = duckdb.connect()
    con.execute(f'CREATE VIEW found AS SELECT {literal} AS "a ""b"')
    described = con.execute("DESCRIBE found").fetchone()
    assert described is not None
    turned = con.execute(f"DESCRIBE SELECT {normal(described[0], described[1])} FROM found").fetchone()
    assert turned is not None
    assert turned[:2] == ('a "b', sql_type)
    con.execute(f"SELECT {normal(described[0], described[1])} FROM found").fetchall()
