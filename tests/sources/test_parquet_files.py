"""Several Parquet files of one table: no file decides what another's values are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.errors import BuildError
from tests.sources.reading import Reader, types, values

BEYOND = 2**53 + 1


def write(reader: Reader, *columns: pa.Array) -> None:
    for number, column in enumerate(columns):
        pq.write_table(pa.table({"a": column, "b": [number] * len(column)}), reader.root / f"p{number}.parquet")


@pytest.mark.parametrize(
    ("first", "named"),
    [
        (pa.array([1, BEYOND]), "BIGINT in p0.parquet, and 9007199254740993 is no DOUBLE"),
        (pa.array([Decimal("9007199254740993")]), r"DECIMAL\(16,0\) in p0.parquet"),
        (pa.array([2**64 - 1], pa.uint64()), "UBIGINT in p0.parquet"),
    ],
)
def test_a_number_that_another_files_type_would_change_is_named(reader: Reader, first: pa.Array, named: str) -> None:
    write(reader, first, pa.array([1.5, None]))
    with pytest.raises(BuildError, match=f"column 'a' is {named}") as raised:
        reader.read(path="p*.parquet")
    assert "declare its type" in (raised.value.hint or "")


def test_types_that_hold_all_values_are_one(reader: Reader) -> None:
    """As pandas writes a month in which one number is missing."""
    write(reader, pa.array([1, 2]), pa.array([3.0, None]))
    split = reader.read(path="p*.parquet")
    assert (types(split)["a"], values(split)) == ("DOUBLE", [1.0, 2.0, 3.0, None])


@pytest.mark.parametrize(
    ("declared", "sql_type", "expected"),
    [
        ("integer", "BIGINT", [BEYOND, 2, 3, None]),
        ({"type": "decimal", "decimals": 1}, "DECIMAL(18,1)", [Decimal(BEYOND), Decimal(2), Decimal(3), None]),
        ("text", "VARCHAR", [str(BEYOND), "2", "3", None]),
    ],
)
def test_a_declared_column_is_read_file_by_file(
    reader: Reader, declared: Any, sql_type: str, expected: list[Any]
) -> None:
    write(reader, pa.array([BEYOND, 2]), pa.array([3.0, None]))
    split = reader.read(path="p*.parquet", columns={"a": declared})
    assert (types(split)["a"], values(split)) == (sql_type, expected)
