"""The table of docs/types.md: every type of DuckDB, and what becomes of it. `python -m tests.typetable` prints it.

Nothing in it is written by hand: each line is a query that is published, or refused.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.errors import BuildError
from synthkit.generators.sql import run_query
from synthkit.report.cells import as_json, as_text, values
from synthkit.store.publishedtable import exact_frame

DOCS = Path(__file__).parent.parent / "docs" / "types.md"
BEGIN, END = "<!-- python -m tests.typetable -->", "<!-- end -->"


@dataclass(frozen=True)
class Sample:
    """A type as ``duckdb_types()`` calls it, what a query declares, and values of it at its limits."""

    logical: str
    sql_type: str
    values: tuple[str, ...]


def _integers(name: str, low: int, high: int) -> Sample:
    return Sample(name, name, (f"'{low}'", "'7'", f"'{high}'"))


SAMPLES = (
    Sample("BOOLEAN", "BOOLEAN", ("true", "false")),
    *(_integers(n, -(2**b), 2**b - 1) for n, b in (("TINYINT", 7), ("SMALLINT", 15), ("INTEGER", 31), ("BIGINT", 63))),
    *(_integers(n, 0, 2**b - 1) for n, b in (("UTINYINT", 8), ("USMALLINT", 16), ("UINTEGER", 32), ("UBIGINT", 64))),
    _integers("HUGEINT", -(2**63), 2**63 - 1),
    _integers("UHUGEINT", 0, 2**63 - 1),
    Sample("FLOAT", "FLOAT", ("'0.1'", "'-3.4028235e38'", "'inf'", "'1e-45'")),
    Sample("DOUBLE", "DOUBLE", ("'0.1'", "'1.7976931348623157e308'", "'-inf'", "'5e-324'", "'9007199254740993'")),
    Sample("DECIMAL", "DECIMAL(38,2)", ("'1.50'", "'-999999999999999999999999999999999999.99'", "'0.00'")),
    Sample("VARCHAR", "VARCHAR", ("'text'", "''", "'a\"b, ü 漢'", "'null'", "'=1+1'")),
    Sample("DATE", "DATE", ("'2026-11-29'", "'0001-01-01'", "'9999-12-31'")),
    Sample("TIME", "TIME", ("'10:30:00.123456'", "'00:00:00'", "'23:59:59.999999'")),
    Sample("TIMESTAMP", "TIMESTAMP", ("'2026-11-29 10:30:00.123456'", "'0001-01-01'", "'9999-12-31 23:59:59.999999'")),
    Sample("TIMESTAMP_S", "TIMESTAMP_S", ("'2026-11-29 10:30:00'", "'0001-01-01'", "'9999-12-31 23:59:59'")),
    Sample("TIMESTAMP_MS", "TIMESTAMP_MS", ("'2026-11-29 10:30:00.123'", "'0001-01-01'", "'9999-12-31 23:59:59.999'")),
    Sample("TIMESTAMP_NS", "TIMESTAMP_NS", ("'2026-11-29 10:30:00.123456789'", "'1680-01-01'", "'2262-04-11'")),
    Sample("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ", ("'2026-11-29 10:30:00+02'", "'0001-01-02'", "'9999-12-31'")),
    Sample("TIMESTAMPTZ_NS", "TIMESTAMPTZ_NS", ("'2026-11-29 10:30:00.123456789+02'", "'1680-01-01'")),
    Sample("UUID", "UUID", ("'3f2504e0-4f89-11d3-9a0c-0305e82c3301'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'")),
    Sample("ENUM", "ENUM('a', 'b')", ("'a'", "'b'")),
    Sample("VARCHAR", "JSON", ("""'{"a": [1, null]}'""", "'12345678901234567890'")),
    Sample("NULL", '"NULL"', ("null",)),
    Sample("LIST", "BIGINT[]", ("[7, null, 9007199254740993]", "[]")),
    Sample("LIST", "DECIMAL(20,2)[][]", ("[[1.5], [], null]",)),
    Sample("ARRAY", "INTEGER[2]", ("[7, 8]", "[null, 1]")),
    Sample("STRUCT", "STRUCT(a INTEGER, b VARCHAR)", ("{'a': 1, 'b': 'x'}", "{'a': null, 'b': null}")),
    Sample(
        "STRUCT", "STRUCT(k UUID, e ENUM('a', 'b')[])", ("{'k': '3f2504e0-4f89-11d3-9a0c-0305e82c3301', 'e': ['a']}",)
    ),
    Sample("MAP", "MAP(VARCHAR, BIGINT)", ("map {'a': 1, 'b': 9007199254740993}", "map {}")),
    Sample("TIME WITH TIME ZONE", "TIMETZ", ("'10:30:00+02'",)),
    Sample("STRUCT", "STRUCT(a TIMETZ)", ("{'a': '10:30:00+02'::timetz}",)),
    Sample("LIST", "HUGEINT[]", ("[1]",)),
    Sample("TIME_NS", "TIME_NS", ("'10:30:00.123456789'",)),
    Sample("INTERVAL", "INTERVAL", ("'1 day'",)),
    Sample("BLOB", "BLOB", ("'\\xAA'",)),
    Sample("BIT", "BIT", ("'10101'",)),
    Sample("BIGNUM", "BIGNUM", ("'12345678901234567890123456789012345678901234567890'",)),
    Sample("GEOMETRY", "GEOMETRY", ("'POINT (1 2)'",)),
    Sample("VARIANT", "VARIANT", ("1",)),
    Sample("UNION", "UNION(n INTEGER, s VARCHAR)", ("union_value(n := 1)",)),
    Sample("TUPLE", "TUPLE(INTEGER, VARCHAR)", ("row(1, 'x')",)),
    Sample("TYPE", "TYPE", ("get_type(1)",)),
)
# Values of a type that is kept, which are refused when they come.
ODD_VALUES = {
    "UHUGEINT": "md5_number('a')",
    "HUGEINT": "9223372036854775807::hugeint + 1",
    "DATE": "date 'infinity'",
    "DATE ": "date '0044-03-15 (BC)'",
    "TIMESTAMP": "timestamp '-infinity'",
    "TIMESTAMP ": "timestamp '12345-01-01'",
    "TIMESTAMPTZ": "timestamptz 'infinity'",
    "TIMESTAMP_S": "'20000-01-01'::timestamp_s",
    "TIME": "time '24:00:00'",
    "STRUCT(d DATE)": "{'d': date 'infinity'}",
    "TIME[]": "[time '24:00:00']",
    "MAP(DATE, INTEGER)": "map {date 'infinity': 1}",
}


def column(sample: Sample) -> str:
    """SQL of a column that holds a sample's values and a null, one a row."""
    listed = ", ".join(v if v == "null" else f"CAST({v} AS {sample.sql_type})" for v in sample.values)
    return f"unnest([{listed}, null])"


def published(sql: str, folder: Path) -> tuple[dict[str, str], pa.Table]:
    """The types and rows of a query as a published table has them. Raises BuildError where it has none of them."""
    file = folder / "t.parquet"
    found = run_query(sql, {}, file, seed=1)
    return found.types, pq.read_table(file).replace_schema_metadata(None)


def lines() -> Iterator[str]:
    """The table in Markdown."""
    yield "| DuckDB | in a published table | Arrow | pandas | polars | CSV | JSON |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    with TemporaryDirectory() as scratch:
        for sample in SAMPLES:
            yield _line(sample, Path(scratch))


def _line(sample: Sample, folder: Path) -> str:
    shown = "`NULL`" if sample.logical == "NULL" else f"`{sample.sql_type}`"
    try:
        types, table = published(f"select {column(sample)} as c", folder)
    except BuildError as error:
        why = error.message.rpartition(": ")[2]
        return f"| {shown} | refused: {why}; {error.hint} | | | | | |"
    found = types["c"]
    first, arrow = table.column("c"), table.schema.field("c").type
    example = "NULL" if sample.logical == "NULL" else values(first)[0]
    texts = ("", "") if example == "NULL" else (f"`{as_text(example, arrow)}`", f"`{as_json(example, arrow)}`")
    frame, polars = exact_frame(table), pl.from_arrow(table)
    assert isinstance(polars, pl.DataFrame)
    in_arrow = str(arrow).replace(": ", " ").replace(" ('c')", "")
    cells = (
        shown,
        "kept" if found == _own_name(sample.sql_type) else f"`{found}`",
        f"`{in_arrow}`",
        f"`{frame.dtypes['c']}`",
        f"`{_polars(polars.dtypes[0])}`",
        *texts,
    )
    return f"| {' | '.join(cells)} |"


def _own_name(sql_type: str) -> str:
    with duckdb.connect(":memory:") as connection:
        row = connection.execute(f"SELECT typeof(CAST(NULL AS {sql_type}))").fetchone()
    assert row is not None
    return str(row[0])


def _polars(kind: object) -> str:
    return str(kind).replace("time_unit=", "").replace("time_zone=", "").replace(", None", "")


def documented() -> list[str]:
    """The table as it stands in the docs."""
    return DOCS.read_text("utf-8").partition(BEGIN)[2].partition(END)[0].strip().splitlines()


if __name__ == "__main__":
    table = "\n".join(lines())
    if "--write" in sys.argv:
        before, _, rest = DOCS.read_text("utf-8").partition(BEGIN)
        DOCS.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", "utf-8")
    else:
        print(table)
