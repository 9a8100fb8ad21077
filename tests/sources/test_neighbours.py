"""One row never decides how another is read: a table and the same with one odd row more, through every reader.

For each reader, with and without a budget: the rows other than the odd one keep their order, their side of the holdout
and their values. What nothing declares of a source without a budget may be inferred, and then the type may change, but
the text of a value does not (1 stays 1, whether it is a number or text).
"""

from __future__ import annotations

import csv
import io
import json
import math
import sqlite3
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from synthkit.errors import BuildError
from synthkit.privacy.knowledge import declared_schema
from synthkit.project.types import ConnectionSpec
from synthkit.schema import Column, Schema
from synthkit.sources.bounding import Declared
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.ingest import Split, ingest
from tests.mysql_server import Server as MySQL
from tests.postgres_server import Server
from tests.sources.reading import source

COLUMNS = ("n", "code", "amount", "day", "moment", "flag", "who", "words")
TYPES = {
    "n": "integer",
    "code": {"type": "categorical", "values": ["1", "2", "3"]},
    "amount": {"type": "float", "bounds": [0, 100]},
    "day": "date",
    "moment": "datetime",
    "flag": "boolean",
    "who": "id",
    "words": "text",
}
SCHEMA = Schema(
    (
        Column("n", "integer", "BIGINT", nullable=False),
        Column("code", "categorical", "VARCHAR", values=("1", "2", "3")),
        Column("amount", "float", "DOUBLE", nullable=False),
        Column("day", "date", "DATE"),
        Column("moment", "datetime", "TIMESTAMP"),
        Column("flag", "boolean", "BOOLEAN"),
        Column("who", "id", "BIGINT"),
        Column("words", "text", "VARCHAR"),
    )
)
Row = tuple[str | None, ...]
TABLE: list[Row] = [
    (
        str(i),
        str(i % 3 + 1),
        f"{i * 37 % 100}.{i % 4}0",
        f"2020-{i % 12 + 1:02d}-{i % 28 + 1:02d}",
        f"2020-{i % 12 + 1:02d}-03 10:{i % 60:02d}:00",
        "true" if i % 2 else "false",
        str(i // 2),
        f"w{i}",
    )
    for i in range(40)
]
# fmt: off
ODD_CELLS = [
    "1.5", "N/A", "0x1F", "1E5", "007", "+4", "-0", "inf", "nan", "-Infinity", "12/25/2020", "25/12/2020", "infinity",
    "2020-02-30", "10:30", "24:00", "true", "yes", "0", "2020-01-01T00:00:00+05:00", " ", "a,b", '"', "1e400", "null",
    "NULL", "{}", "[1]", "ü", "a\nb", "2020-01-01 00:00:00.123456789", "0001-01-01",
    "294250-01-01",
]
# fmt: on
ODD = st.one_of(
    st.none(),
    st.sampled_from([*ODD_CELLS, "x" * 5000, "9" * 25]),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=6),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.dates().map(str),
)
ODD_ROW = st.tuples(*[ODD for _ in COLUMNS])
Writer = Callable[[Path, Sequence[Row]], dict[str, Any]]


def write_csv(folder: Path, rows: Sequence[Row]) -> dict[str, Any]:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    (folder / "t.csv").write_text(text.getvalue(), "utf-8")
    return {"path": "t.csv"}


def _json(name: str, value: str | None) -> Any:
    """A number or boolean where JSON has one."""
    try:
        found = json.loads(value) if value is not None and name in ("n", "amount", "flag", "who") else value
    except ValueError:
        return value
    return value if isinstance(found, float) and not math.isfinite(found) else found


def write_json(folder: Path, rows: Sequence[Row]) -> dict[str, Any]:
    records = [{n: _json(n, v) for n, v in zip(COLUMNS, row, strict=True)} for row in rows]
    records = [r | ({"extra": "one row's own"} if r["words"] == ODD_WORDS else {}) for r in records]
    (folder / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records), "utf-8")
    return {"path": "t.jsonl"}


def write_sqlite(folder: Path, rows: Sequence[Row]) -> dict[str, Any]:
    """Values in whatever class SQLite gives them: one REAL, text or blob in a column of integers is allowed."""
    with sqlite3.connect(folder / "t.db") as db:
        db.execute("CREATE TABLE t (n INTEGER, code, amount REAL, day DATE, moment DATETIME, flag BOOLEAN, who, words)")
        db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    db.close()
    return {"connection": "sqlite", "table": "t"}


def _typed(value: str | None, kind: Callable[[str], Any]) -> Any:
    """A value of a typed column; what the column cannot hold is missing."""
    try:
        found = None if value is None else kind(value)
    except ValueError:
        return None
    return None if isinstance(found, int) and abs(found) >= 2**53 else found


def write_parquet(folder: Path, rows: Sequence[Row]) -> dict[str, Any]:
    """As pandas does: a column of integers with one value missing, or one fraction, is stored as DOUBLE."""
    kinds: dict[str, Callable[[str], Any]] = {"amount": float, "day": date.fromisoformat, "flag": {"true": True}.get}
    columns = {}
    for i, name in enumerate(COLUMNS):
        kind = float if name in ("n", "who", "code") else kinds.get(name, str)
        values = [_typed(r[i], kind) for r in rows]
        if kind is float and name != "amount" and all(v is not None and v == int(v) for v in values if _finite(v)):
            values = [int(v) for v in values] if all(_finite(v) and abs(v) < 2**53 for v in values) else values
        columns[name] = pa.array(values)
    pq.write_table(pa.table(columns), folder / "t.parquet")
    return {"path": "t.parquet"}


def write_arrow(folder: Path, rows: Sequence[Row]) -> dict[str, Any]:
    """The table that a Parquet file has, as an Arrow file: what is read of it goes the way of Avro, Delta and Iceberg."""
    table = pq.read_table(folder / str(write_parquet(folder, rows)["path"]))
    with pa.OSFile(str(folder / "t.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    return {"path": "t.arrow"}


def write_excel(folder: Path, rows: Sequence[Row]) -> dict[str, Any]:
    """Each cell is what Excel takes its text for, whatever its neighbours are."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("data")
    sheet.append(COLUMNS)
    for row in rows:
        sheet.append([_cell(name, value) for name, value in zip(COLUMNS, row, strict=True)])
    book.save(folder / "t.xlsx")
    return {"path": "t.xlsx"}


def _cell(name: str, value: str | None) -> Any:
    if value is None or name in ("code", "words"):
        return value
    if name in ("n", "who", "amount"):
        found = _typed(value, float)
        return found if _finite(found) and abs(found) < 2**53 else value
    if name == "flag":
        return {"true": True, "false": False}.get(value, value)
    moment = _typed(value, datetime.fromisoformat)
    if moment is None or moment.year < 1901 or moment.tzinfo is not None:
        return value
    return moment.date() if name == "day" and moment == datetime(moment.year, moment.month, moment.day) else moment


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def write_duckdb(folder: Path, rows: Sequence[Row]) -> dict[str, Any]:
    """A table of defined types: the odd row holds what of it they can hold."""
    types = ("BIGINT", "VARCHAR", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN", "BIGINT", "VARCHAR")
    casts = ", ".join(f"TRY_CAST({n} AS {t}) AS {n}" for n, t in zip(COLUMNS, types, strict=True))
    marks = ", ".join([f"({', '.join('?' * len(COLUMNS))})"] * len(rows))
    with duckdb.connect(str(folder / "t.duckdb")) as db:
        db.execute(
            f"CREATE TABLE t AS SELECT {casts} FROM (VALUES {marks}) v({', '.join(COLUMNS)})",
            [v for r in rows for v in r],
        )
    return {"connection": "duckdb", "table": "t"}


WRITERS: dict[str, Writer] = {
    "csv": write_csv,
    "json lines": write_json,
    "sqlite": write_sqlite,
    "parquet": write_parquet,
    "duckdb": write_duckdb,
    "arrow": write_arrow,
    "excel": write_excel,
}
ODD_WORDS = "the odd one"


def read(
    write: Writer, rows: Sequence[Row], *, declared: Declared | None, columns: dict[str, Any], unit: str | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Training rows, held-out rows and those that a private training may read, without the odd one."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        given = write(folder, rows)
        connections = {
            "sqlite": ConnectionSpec.model_validate({"type": "sqlite", "path": "t.db"}),
            "duckdb": ConnectionSpec.model_validate({"type": "duckdb", "path": "t.duckdb"}),
        }
        spec = source(columns=columns, privacy_unit=unit, **given)
        split = ingest(
            spec,
            root=folder,
            connections=connections,
            holdout=0.4,
            directory=folder / "splits",
            source_hash=content_hash(spec, root=folder, connections=connections, cache=None),
            declared=declared,
        )
        return others(split)


def named(kind: str) -> dict[str, Any]:
    """Columns that nothing but the declaration names."""
    return TYPES if kind == "json lines" else {}


def others(split: Split) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    tables = (split.train, split.holdout, split.bounded)
    listed = [[] if t is None else t.to_arrow().to_pylist() for t in tables]
    return tuple([{k: v for k, v in r.items() if k != "extra"} for r in t if r["words"] != ODD_WORDS] for t in listed)  # type: ignore[return-value]


def with_odd(odd: Row, at: int) -> list[Row]:
    return [*TABLE[:at], (*odd[:-1], ODD_WORDS), *TABLE[at:]]


@pytest.mark.parametrize("kind", WRITERS)
def test_under_a_budget_no_row_changes_another(kind: str) -> None:
    write, declared, columns = WRITERS[kind], Declared(SCHEMA, 1), named(kind)
    before = read(write, TABLE, declared=declared, columns=columns)
    assert len(before[0]) + len(before[1]) == len(TABLE)
    assert before[2] == before[0]
    assert [r["n"] for r in (*before[0], *before[1])] != list(range(40))
    assert {r["code"] for r in before[0]} == {"1", "2", "3"}

    @settings(max_examples=8, deadline=None, database=None, phases=[Phase.generate])
    @given(ODD_ROW, st.integers(0, len(TABLE)))
    def check(odd: Row, at: int) -> None:
        assert read(write, with_odd(odd, at), declared=declared, columns=columns) == before

    check()


@pytest.mark.parametrize("kind", WRITERS)
def test_a_unit_moves_no_other_unit(kind: str) -> None:
    """Rows of one unit more: those of the others stay, also where the odd unit is none of the declared type."""
    schema = Schema(SCHEMA.columns, privacy_unit="who")
    write, declared, columns = WRITERS[kind], Declared(schema, 1), named(kind)
    before = read(write, TABLE, declared=declared, columns=columns, unit="who")
    assert len({r["who"] for r in before[2]}) == len(before[2]) < len(before[0])
    assert not {r["who"] for r in before[0]} & {r["who"] for r in before[1]}

    @settings(max_examples=5, deadline=None, database=None, phases=[Phase.generate])
    @given(ODD_ROW, st.sampled_from(["x", "1.5", "99999999999999999999", None]))
    def check(odd: Row, who: str | None) -> None:
        more = (*odd[:6], who, ODD_WORDS)
        assert read(write, [more, more, *TABLE], declared=declared, columns=columns, unit="who") == before

    check()


@pytest.mark.parametrize("kind", WRITERS)
def test_without_a_budget_declared_values_and_all_sides_stay(kind: str) -> None:
    """The odd row fits what is declared, and nothing else: the rest of its values decides types, never sides or values."""
    write = WRITERS[kind]
    columns = {"n": "integer", "amount": "float", "day": "date"}
    before = read(write, TABLE, declared=None, columns=columns)

    @settings(max_examples=8, deadline=None, database=None, phases=[Phase.generate])
    @given(ODD_ROW, st.integers(0, len(TABLE)))
    def check(odd: Row, at: int) -> None:
        fitting = ("77", odd[1], "1.5", "2021-01-01", odd[4], odd[5], odd[6], odd[7])
        try:
            after = read(write, with_odd(fitting, at), declared=None, columns=columns)
        except BuildError as error:
            if "infinite" not in error.message:  # that is said, and nothing read: no table to learn from
                raise
            return
        for name in ("n", "amount", "day"):
            assert [[r[name] for r in side] for side in after] == [[r[name] for r in side] for side in before]
        for name in ("code", "who", "flag"):
            assert [[_said(r[name]) for r in side] for side in after] == [
                [_said(r[name]) for r in side] for side in before
            ]

    check()


def _said(value: Any) -> Any:
    """A value as text: True is true, 1.0 is 1."""
    if value is None or isinstance(value, date):
        return value
    text = str(value).lower()
    return text.removesuffix(".0")


def declared_split(folder: Path, schema: Schema, **given: Any) -> Split:
    """A source in ``folder``, read for a budget."""
    connections = {
        "sqlite": ConnectionSpec.model_validate({"type": "sqlite", "path": "t.db"}),
        "duckdb": ConnectionSpec.model_validate({"type": "duckdb", "path": "t.duckdb"}),
    }
    return ingest(
        source(**given),
        root=folder,
        connections=connections,
        holdout=0.4,
        directory=folder / "splits",
        source_hash=content_hash(source(**given), root=folder, connections=connections, cache=None),
        declared=Declared(schema, 1),
    )


def test_one_file_of_a_glob_does_not_decide_the_types_of_another(tmp_path: Path) -> None:
    """Beyond 2^53 a whole number that is read as a fraction is another number."""
    schema = Schema((Column("n", "integer", "BIGINT"), Column("words", "text", "VARCHAR")))
    numbers = [2**53 + 1 + 2 * i for i in range(40)]
    words = [f"w{i}" for i in range(40)]
    read = []
    for name, odd in {"before": pa.array([], pa.int64()), "after": pa.array([1.5])}.items():
        (tmp_path / name).mkdir()
        pq.write_table(pa.table({"n": numbers, "words": words}), tmp_path / name / "a.parquet")
        more = pa.table({"n": odd, "words": pa.array([ODD_WORDS] * len(odd), pa.string())})
        pq.write_table(more, tmp_path / name / "b.parquet")
        read.append(others(declared_split(tmp_path / name, schema, path="*.parquet")))
    assert read[0] == read[1]
    assert sorted(r["n"] for side in read[0][:2] for r in side) == numbers


def test_a_value_that_a_reader_cannot_take_does_not_stop_the_others(tmp_path: Path) -> None:
    """SQLite stores text that is no UTF-8, DuckDB days that are no point in time."""
    schema = Schema((Column("day", "datetime", "TIMESTAMP"), Column("words", "text", "VARCHAR")))
    rows = ", ".join(f"('2020-01-{i:02d}', 'w{i}')" for i in range(1, 29))
    read: dict[str, list[Any]] = {"sqlite": [], "duckdb": []}
    for name in ("before", "after"):
        folder = tmp_path / name
        folder.mkdir()
        with sqlite3.connect(folder / "t.db") as file:
            file.execute("CREATE TABLE t (day TEXT, words TEXT)")
            file.execute(f"INSERT INTO t VALUES {rows}")
            if name == "after":
                file.execute(f"INSERT INTO t VALUES (CAST(x'ff' AS TEXT), '{ODD_WORDS}')")
        file.close()
        with duckdb.connect(str(folder / "t.duckdb")) as db:
            db.execute("CREATE TABLE t (day DATE, words VARCHAR)")
            db.execute(f"INSERT INTO t VALUES {rows}")
            if name == "after":
                db.execute(f"INSERT INTO t VALUES ('294250-01-01', '{ODD_WORDS}')")
        for kind, listed in read.items():
            split = declared_split(folder, schema, connection=kind, table="t")
            assert len(split.notes) == (name == "after"), "said on the console"
            listed.append(others(split))
    for before, after in read.values():
        assert before == after
        assert len(before[0]) + len(before[1]) == 28


@pytest.mark.postgres
def test_postgres_under_a_budget(postgres: Server, tmp_path: Path) -> None:
    """A server's columns have types of their own, so an odd row is one that they can hold: nulls, extremes, infinities."""
    odd: list[Row] = [
        (None, None, None, None, None, None, None, ODD_WORDS),
        (str(2**63 - 1), "4", "Infinity", "infinity", "-infinity", "true", str(-(2**63)), ODD_WORDS),
        ("0", "1.5", "NaN", "0001-01-01", "9999-12-31 23:59:59", "false", "0", ODD_WORDS),
        # DuckDB has no such points in time
        ("0", "1", "1", "5874897-12-31", "294276-12-31 23:59:59", "false", "0", ODD_WORDS),
        ("0", "1", "1", "4713-01-01 BC", "4713-01-01 00:00:00 BC", "false", "0", ODD_WORDS),
    ]
    connections = {"pg": ConnectionSpec.model_validate({"type": "postgres", "url": postgres.url})}
    postgres.execute(
        "DROP TABLE IF EXISTS neighbours",
        "CREATE TABLE neighbours (n BIGINT, code TEXT, amount DOUBLE PRECISION, day DATE, moment TIMESTAMP, flag BOOLEAN,"
        " who BIGINT, words TEXT)",
    )
    schema = declared_schema(SCHEMA, sniffed=False)

    def insert(rows: Sequence[Row]) -> None:
        listed = [", ".join("NULL" if v is None else f"'{v}'" for v in r) for r in rows]
        postgres.execute(*[f"INSERT INTO neighbours VALUES ({values})" for values in listed])

    def look(n: int) -> tuple[list[dict[str, Any]], ...]:
        spec = source(connection="pg", table="neighbours")
        split = ingest(
            spec,
            root=tmp_path,
            connections=connections,
            holdout=0.4,
            directory=tmp_path / str(n),
            source_hash=content_hash(spec, root=tmp_path, connections=connections, cache=None),
            declared=Declared(schema, 1),
        )
        return others(split)

    insert(TABLE)
    before = look(0)
    for n, row in enumerate(odd, 1):
        insert([row])
        assert look(n) == before


@pytest.mark.mysql
def test_mysql_under_a_budget(mysql: MySQL, tmp_path: Path) -> None:
    """Nulls, extremes, dates that are none, numbers that DuckDB has no type for, a row that the server does not write."""
    odd = [
        ("NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL"),
        (str(2**63 - 1), "'4'", "1.7976931348623157e308", "'0000-00-00'", "'0000-00-00 00:00:00'", "7", str(-(2**63))),
        ("0", "'1.5'", "-0e0", "'2024-02-31'", "'9999-12-31 23:59:59'", "0", "0"),
        ("0", "REPEAT('x', 900000)", "1", "'2024-00-10'", "'2024-00-00 00:00:00'", "-128", "0"),
    ]
    connections = {"my": ConnectionSpec.model_validate({"type": "mysql", "url": mysql.url})}
    mysql.empty()
    mysql.execute(
        "CREATE TABLE neighbours (n BIGINT, code LONGTEXT, amount DOUBLE, day DATE, moment DATETIME, flag TINYINT(1),"
        " who BIGINT, words LONGTEXT)",
    )
    schema = declared_schema(SCHEMA, sniffed=False)

    def insert(rows: Sequence[Sequence[str]]) -> None:
        listed = [", ".join(r) for r in rows]
        permissive = "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'"
        mysql.execute(permissive, *[f"INSERT INTO neighbours VALUES ({values})" for values in listed])

    def look(n: int) -> tuple[list[dict[str, Any]], ...]:
        spec = source(connection="my", table="neighbours")
        split = ingest(
            spec,
            root=tmp_path,
            connections=connections,
            holdout=0.4,
            directory=tmp_path / str(n),
            source_hash=content_hash(spec, root=tmp_path, connections=connections, cache=None),
            declared=Declared(schema, 1),
        )
        return others(split)

    booleans = {"true": "1", "false": "0"}
    insert([["NULL" if v is None else booleans.get(v, f"'{v}'") for v in row] for row in TABLE])
    before = look(0)
    assert len(before[0]) + len(before[1]) == len(TABLE)
    for n, row in enumerate(odd, 1):
        insert([(*row, f"'{ODD_WORDS}'")])
        assert look(n) == before
    try:
        mysql.execute("SET GLOBAL max_allowed_packet = 524288")
        assert look(9) == before
    finally:
        mysql.execute("SET GLOBAL max_allowed_packet = DEFAULT")


def test_a_folder_that_says_something_odd_decides_nothing_of_the_others(tmp_path: Path) -> None:
    """Hive's folders: a year that is no number, and one that nobody knows, leave the other years numbers."""
    schema = Schema(
        (Column("n", "integer", "BIGINT"), Column("year", "integer", "BIGINT"), Column("words", "text", "VARCHAR"))
    )
    read = []
    for odd in (None, "x", "__HIVE_DEFAULT_PARTITION__"):
        root = tmp_path / str(odd)
        for year in [2020, 2021, *([] if odd is None else [odd])]:
            folder = root / "t" / f"year={year}"
            folder.mkdir(parents=True)
            words = [ODD_WORDS if year == odd else f"w{i}" for i in range(20)]
            pq.write_table(pa.table({"n": range(20), "words": words}), folder / "a.parquet")
        read.append(others(declared_split(root, schema, path="t")))
    assert read[0] == read[1] == read[2]
    assert {r["year"] for side in read[0] for r in side} == {2020, 2021}


def test_every_reader_is_here() -> None:
    from importlib.metadata import entry_points
    from typing import get_args

    from synthkit.project.types import SourceTableSpec

    # Avro, Delta and Iceberg go the way of Arrow: its types are those of all rows of a file.
    files = {"csv", "parquet", "jsonl", "arrow", "excel"} | {"avro", "delta", "iceberg"}
    annotation = SourceTableSpec.model_fields["format"].annotation
    assert set(get_args(get_args(annotation)[0])) == files
    ours = {e.name for e in entry_points(group="synthkit.sources") if e.value.startswith("synthkit.")}
    # Of warehouses, which share how rows are read, tests/sources/warehouses/test_each.py holds it.
    assert ours == {"duckdb", "sqlite", "postgres", "mysql", "mariadb"} | {
        "snowflake",
        "trino",
        "bigquery",
        "databricks",
        "sqlserver",
    }
