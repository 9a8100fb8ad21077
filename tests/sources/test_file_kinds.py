"""The same rows in every kind of file: equal tables, with their types; and what is said of files that are none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from synthkit.errors import BuildError, SynthError
from synthkit.sources.excelfile import open_excel
from synthkit.sources.filekinds import at_rest
from tests.sources.reading import Reader, rows, source, types, values

ROWS = 10_000
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("name", pa.string()),
        ("amount", pa.decimal128(12, 2)),
        ("share", pa.float64()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us")),
        ("moment", pa.timestamp("us", "UTC")),
        ("ok", pa.bool_()),
    ]
)


def table(n: int = ROWS) -> pa.Table:
    """Rows with missing values, quotes, commas, line ends, letters of other scripts."""
    start = datetime(2024, 1, 1, 12)
    texts = ["a", 'b "c"', "d,e", "f\ng", "ü🐘", "007", None]
    columns = [
        list(range(n)),
        [texts[i % 7] for i in range(n)],
        [None if i % 11 == 0 else Decimal(i * 137 % 99_999) / 100 for i in range(n)],
        [i / 8 for i in range(n)],
        [date(2020, 1, 1) + timedelta(i % 900) for i in range(n)],
        [start + timedelta(minutes=i, microseconds=i) for i in range(n)],
        [(start + timedelta(hours=i % 5_000)).replace(tzinfo=UTC) for i in range(n)],
        [None if i % 13 == 0 else i % 2 == 0 for i in range(n)],
    ]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], SCHEMA)


TABLE = table()
# What a file of text says nothing of.
DECLARED = {"amount": {"type": "decimal", "decimals": 2}, "name": "text"}


def csv(folder: Path) -> str:
    pa.csv.write_csv(TABLE.set_column(6, "moment", _texts("moment")), folder / "t.csv")
    return "t.csv"


def csv_gz(folder: Path) -> str:
    (folder / "t.csv.gz").write_bytes(gzip.compress((folder / csv(folder)).read_bytes()))
    return "t.csv.gz"


def csv_zst(folder: Path) -> str:
    (folder / "t.csv.zst").write_bytes(pa.compress((folder / csv(folder)).read_bytes(), "zstd", asbytes=True))
    return "t.csv.zst"


def _texts(column: str) -> pa.Array:
    return pa.array([v.isoformat(" ") for v in TABLE.column(column).to_pylist()])


def jsonl(folder: Path) -> str:
    def plain(value: Any) -> Any:
        return (
            value.isoformat(" ")
            if isinstance(value, datetime)
            else str(value)
            if isinstance(value, date | Decimal)
            else value
        )

    lines = (json.dumps({k: plain(v) for k, v in row.items()}) for row in TABLE.to_pylist())
    (folder / "t.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return "t.jsonl"


def jsonl_gz(folder: Path) -> str:
    (folder / "t.jsonl.gz").write_bytes(gzip.compress((folder / jsonl(folder)).read_bytes()))
    return "t.jsonl.gz"


def jsonl_zst(folder: Path) -> str:
    (folder / "t.ndjson.zst").write_bytes(pa.compress((folder / jsonl(folder)).read_bytes(), "zstd", asbytes=True))
    return "t.ndjson.zst"


def parquet(folder: Path) -> str:
    pq.write_table(TABLE, folder / "t.parquet")
    return "t.parquet"


def feather(folder: Path) -> str:
    pa.feather.write_feather(TABLE, folder / "t.feather", compression="zstd")
    return "t.feather"


def arrow_stream(folder: Path) -> str:
    with pa.OSFile(str(folder / "t.arrow"), "wb") as file, pa.ipc.new_stream(file, SCHEMA) as writer:
        writer.write_table(TABLE, max_chunksize=999)
    return "t.arrow"


def avro(folder: Path) -> str:
    import fastavro

    logical = {
        "amount": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
        "day": {"type": "int", "logicalType": "date"},
        "at": {"type": "long", "logicalType": "local-timestamp-micros"},
        "moment": {"type": "long", "logicalType": "timestamp-micros"},
    }
    plain = {"id": "long", "name": "string", "share": "double", "ok": "boolean"}
    fields = [{"name": n, "type": ["null", logical.get(n) or plain[n]]} for n in SCHEMA.names]
    with (folder / "t.avro").open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "t", "fields": fields}, TABLE.to_pylist(), codec="deflate")
    return "t.avro"


def excel(folder: Path) -> str:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("data")
    sheet.append(SCHEMA.names)
    for row in TABLE.to_pylist():  # a moment in a time zone is none of Excel's
        sheet.append([v.isoformat(" ") if n == "moment" else v for n, v in row.items()])
    book.save(folder / "t.xlsx")
    return "t.xlsx"


def hive(folder: Path) -> str:
    """Divided by the day, which stands in no file."""
    import pyarrow.dataset as ds

    years = TABLE.append_column("year", pa.compute.year(TABLE.column("day")))
    ds.write_dataset(
        years,
        folder / "t",
        format="parquet",
        partitioning=ds.partitioning(pa.schema([("year", pa.int64())]), flavor="hive"),
    )
    return "t"


def delta(folder: Path) -> str:
    import deltalake

    deltalake.write_deltalake(str(folder / "t"), TABLE.slice(0, ROWS // 2))
    deltalake.write_deltalake(str(folder / "t"), TABLE.slice(ROWS // 2), mode="append")
    return "t"


def iceberg(folder: Path) -> str:
    from pyiceberg.catalog.memory import InMemoryCatalog

    catalog = InMemoryCatalog("tests", warehouse=f"file://{folder}")
    catalog.create_namespace("ns")
    made = catalog.create_table("ns.t", SCHEMA, location=f"file://{folder / 't'}")
    made.append(TABLE.slice(0, ROWS // 2))
    made.append(TABLE.slice(ROWS // 2))
    return "t"


KINDS: list[Callable[[Path], str]] = [
    csv, csv_gz, csv_zst, jsonl, jsonl_gz, jsonl_zst, parquet, feather, arrow_stream, avro, excel, hive, delta, iceberg,
]  # fmt: skip


@pytest.mark.parametrize("write", KINDS)
def test_the_same_rows_give_the_same_table(reader: Reader, write: Callable[[Path], str]) -> None:
    path = write(reader.root)
    first = reader.hash(path=path)
    assert first == reader.hash(path=path)
    split = reader.read(path=path, primary_key=["id"], columns=DECLARED)
    found = split.train.to_arrow().sort_by("id").select(SCHEMA.names)
    wanted = TABLE
    if write is excel:  # where a point in time is a number of days: no microseconds
        wanted, found = _without_micros(wanted), _without_micros(found)
    assert [t for t in found.schema.types if not pa.types.is_decimal(t)] == [
        t for t in SCHEMA.types if not pa.types.is_decimal(t)
    ]
    assert pa.types.is_decimal(found.schema.field("amount").type)  # of text, of 18 digits
    assert found.cast(SCHEMA).equals(wanted)


def _without_micros(found: pa.Table) -> pa.Table:
    return found.set_column(5, SCHEMA.field(5), pa.compute.round_temporal(found.column("at"), 1, "second"))


# -- what each kind has of its own -------------------------------------------------------------------------


SMALL = pa.table({"id": [1, 2, 3], "word": ["a", None, "c"]})


@pytest.mark.parametrize(
    ("name", "called"),
    [("t.arrow", "an Arrow or Feather file"), ("t.feather", "an Arrow or Feather file"), ("t.avro", "an Avro file"),
     ("t.xlsx", "an Excel workbook"), ("t.parquet", "t.parquet")],
)  # fmt: skip
def test_a_file_that_is_none_or_is_torn(reader: Reader, name: str, called: str) -> None:
    writers = {"t.arrow": arrow_stream, "t.feather": feather, "t.avro": avro, "t.xlsx": excel, "t.parquet": parquet}
    reader.write(name, b"this is no table at all\n" * 40)
    with pytest.raises(BuildError, match=called):
        reader.describe(path=name)
    writers[name](reader.root)
    whole = (reader.root / name).read_bytes()
    reader.write(name, whole[: len(whole) * 2 // 3])
    with pytest.raises(BuildError, match=called) as caught:
        reader.read(path=name)
    assert name in caught.value.message
    assert caught.value.hint


def test_types_of_arrow_that_parquet_or_duckdb_lack(reader: Reader) -> None:
    odd = pa.table(
        {
            "code": pa.array(["a", "b", "a"]).dictionary_encode(),
            "nothing": pa.nulls(3),
            "half": pa.array([0.5, None, 1.5], pa.float16()),
            "second": pa.array([1, 2, None], pa.timestamp("s")),
            "big": pa.array([2**64 - 1, 0, None], pa.uint64()),
            "small": pa.array([1, -1, None], pa.int8()),
            "day": pa.array([date(2024, 1, 5)] * 3, pa.date64()),
            "long": pa.array(["x", "", None], pa.large_string()),
        }
    )
    pa.feather.write_feather(odd, reader.root / "t.feather")
    split = reader.read(path="t.feather")
    assert types(split) == {
        "code": "VARCHAR", "nothing": "VARCHAR", "half": "FLOAT", "second": "TIMESTAMP", "big": "UBIGINT",
        "small": "TINYINT", "day": "DATE", "long": "VARCHAR",
    }  # fmt: skip
    assert rows(split)[0]["big"] == 2**64 - 1
    for column, said in {
        "took": (pa.array([1], pa.duration("s")), "no type of DuckDB"),
        "span": (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "no type of Parquet"),
        "wide": (pa.array([Decimal(1)], pa.decimal256(50, 2)), "more digits than DuckDB"),
    }.items():
        pa.feather.write_feather(pa.table({column: said[0]}), reader.root / "odd.feather")
        with pytest.raises(SynthError, match=f"column '{column}' of odd.feather .*{said[1]}"):
            reader.describe(path="odd.feather")


def test_several_files_are_one_table(reader: Reader) -> None:
    for name in ("a", "b"):
        pa.feather.write_feather(SMALL, reader.root / f"{name}.feather")
    assert reader.read(path="*.feather").rows == 6
    pa.feather.write_feather(SMALL.rename_columns(["id", "name"]), reader.root / "c.feather")
    with pytest.raises(SynthError, match=r"c.feather lacks 'word' and has 'name' besides"):
        reader.describe(path="*.feather")


def test_memory_holds_a_batch_and_not_the_file(reader: Reader) -> None:
    """What Arrow has allotted at most while a file of many batches is put at rest."""
    with (
        pa.OSFile(str(reader.root / "t.arrow"), "wb") as out,
        pa.ipc.new_stream(out, pa.schema([("s", pa.string())])) as writer,
    ):
        for i in range(60):
            writer.write_batch(pa.record_batch({"s": [f"{i} " + "x" * 1000] * 1000}))
    spec, file, old = source(path="t.arrow"), reader.root / "t.arrow", pa.default_memory_pool()
    pool = pa.proxy_memory_pool(old)
    pa.set_memory_pool(pool)
    try:
        at_rest(spec, "arrow", [file], reader.root / "scratch", lenient=False, look=False)
        assert 0 < pool.max_memory() < 20_000_000 < file.stat().st_size
    finally:
        pa.set_memory_pool(old)


def test_avro_of_several_types_and_nested_ones(reader: Reader) -> None:
    import fastavro

    def write(kind: Any, value: Any) -> None:
        schema = {"type": "record", "name": "t", "fields": [{"name": "a", "type": kind}]}
        with (reader.root / "t.avro").open("wb") as file:
            fastavro.writer(file, schema, [{"a": value}])

    write(["null", "int", "string"], "x")
    with pytest.raises(SynthError, match=r"column 'a' of t.avro is a union of several types"):
        reader.describe(path="t.avro")
    write({"type": "array", "items": {"type": "enum", "name": "e", "symbols": ["x", "y"]}}, ["x"])
    with pytest.raises(BuildError, match="column 'a' holds objects or lists"):
        reader.describe(path="t.avro")
    assert values(reader.read(path="t.avro", columns={"a": "text"})) == ['["x"]']
    write({"type": "enum", "name": "e", "symbols": ["x", "y"]}, "y")
    assert values(reader.read(path="t.avro")) == ["y"]
    write("bytes", b"\0")
    with pytest.raises(BuildError, match="binary data"):
        reader.describe(path="t.avro")


def test_a_delta_table_at_a_version(reader: Reader) -> None:
    import deltalake

    folder = str(reader.root / "t")
    deltalake.write_deltalake(folder, SMALL)
    deltalake.write_deltalake(folder, SMALL, mode="append")
    pinned, newest = reader.hash(path="t", options={"version": 0}), reader.hash(path="t")
    assert pinned != newest
    assert reader.read(path="t", options={"version": 0}).rows == 3
    assert reader.read(path="t").rows == 6
    deltalake.write_deltalake(folder, SMALL.slice(0, 1), mode="overwrite")
    assert reader.hash(path="t", options={"version": 1}) == newest
    assert reader.hash(path="t", options={"version": 0}) == pinned
    assert reader.read(path="t", row_count=1).rows == 1
    deltalake.DeltaTable(folder).create_checkpoint()  # it is of the log, not of the rows
    assert reader.hash(path="t", options={"version": 0}) == pinned
    with pytest.raises(SynthError, match="t has no version 9") as caught:
        reader.describe(path="t", options={"version": 9})
    assert "the newest is 2" in (caught.value.hint or "")
    with pytest.raises(SynthError, match="'0' will not do"):
        reader.describe(path="t", options={"version": "0"})


def test_a_delta_table_in_partitions(reader: Reader) -> None:
    import deltalake

    days = SMALL.append_column("day", pa.array([date(2024, 1, i) for i in (1, 1, 2)]))
    deltalake.write_deltalake(str(reader.root / "t"), days, partition_by=["day"])
    split = reader.read(path="t")
    assert types(split)["day"] == "DATE"
    assert sorted(str(v) for v in values(split, "day")) == ["2024-01-01", "2024-01-01", "2024-01-02"]


def test_a_delta_table_takes_no_rows_from_elsewhere(reader: Reader) -> None:
    import deltalake

    deltalake.write_deltalake(str(reader.root / "t"), SMALL)
    pq.write_table(SMALL, reader.root / "other.parquet")
    (commit,) = (reader.root / "t/_delta_log").glob("*.json")
    (part,) = (reader.root / "t").glob("*.parquet")
    commit.write_text(commit.read_text().replace(part.name, "../other.parquet"))
    with pytest.raises(SynthError, match=r"t has lost other.parquet|takes rows from"):
        reader.read(path="t")


def test_an_iceberg_table_at_a_snapshot(reader: Reader) -> None:
    from pyiceberg.catalog.memory import InMemoryCatalog

    catalog = InMemoryCatalog("tests", warehouse=f"file://{reader.root}")
    catalog.create_namespace("ns")
    made = catalog.create_table("ns.t", SMALL.schema, location=f"file://{reader.root / 't'}")
    with pytest.raises(SynthError, match="t has no snapshot yet"):
        reader.describe(path="t")
    made.append(SMALL)
    first = made.current_snapshot().snapshot_id
    pinned = reader.hash(path="t")
    made.append(SMALL)
    made.delete("id = 2")
    assert sorted(values(reader.read(path="t"), "id")) == [1, 1, 3, 3]
    assert reader.read(path="t", options={"snapshot": first}).rows == 3
    assert reader.hash(path="t", options={"snapshot": first}) == pinned != reader.hash(path="t")
    with pytest.raises(SynthError, match="t has no snapshot 7") as caught:
        reader.describe(path="t", options={"snapshot": 7})
    assert str(first) in (caught.value.hint or "")
    metadata = sorted((reader.root / "t/metadata").glob("*.metadata.json"))[1]
    assert reader.read(path=f"t/metadata/{metadata.name}").rows == 3
    (reader.root / "t").rename(reader.root / "moved")
    with pytest.raises(SynthError, match="names a file that is not there"):
        reader.read(path="moved")


def test_folders_that_stand_for_columns(reader: Reader) -> None:
    for day, land, n in (("2024-01-05", "DE", 1), ("2024-01-06", "A%20B", 2), ("__HIVE_DEFAULT_PARTITION__", "7", 3)):
        folder = reader.root / f"k=v/t/day={day}/land={land}"
        folder.mkdir(parents=True)
        pq.write_table(SMALL.slice(0, n), folder / "part-0.parquet")
    (reader.root / "k=v/t/_SUCCESS").touch()
    (reader.root / "k=v/t/_old").mkdir()
    pq.write_table(SMALL, reader.root / "k=v/t/_old/x.parquet")
    for path in ("k=v/t", "k=v/t/**/*-0.parquet", "k=v/t/day=*/land=*/part-*.parquet"):
        split = reader.read(path=path)
        assert types(split) == {"id": "BIGINT", "word": "VARCHAR", "day": "DATE", "land": "VARCHAR"}
        found = {(str(r["day"]), r["land"]) for r in rows(split)}
        assert found == {("2024-01-05", "DE"), ("2024-01-06", "A B"), ("None", "7")}
    declared = reader.read(path="k=v/t", columns={"day": "text"})
    assert types(declared)["day"] == "VARCHAR"
    first = reader.hash(path="k=v/t")
    (reader.root / "k=v/t/day=2024-01-06").rename(reader.root / "k=v/t/day=2024-01-07")
    assert reader.hash(path="k=v/t") != first, "the same files say something else now"
    one = "k=v/t/day=2024-01-05/land=DE/part-0.parquet"  # named itself, a file is what stands in it
    assert "day" not in types(reader.read(path=one))
    pq.write_table(SMALL, reader.root / "k=v/t/day=2024-01-07/x.parquet")
    with pytest.raises(SynthError, match=r"the folders of .* say"):
        reader.describe(path="k=v/t")


def test_a_file_has_the_word_over_its_folder(reader: Reader) -> None:
    (reader.root / "t/id=9").mkdir(parents=True)
    pq.write_table(SMALL, reader.root / "t/id=9/a.parquet")
    assert values(reader.read(path="t"), "id") == [1, 2, 3]


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [("flat", "flat is a folder", "write flat/*.parquet"), ("empty", "empty is a folder", "write empty/*.csv"),
     ("t.parquet.gz", "the format of 't.parquet.gz' is not clear", "write format:")],
)  # fmt: skip
def test_folders_and_files_that_are_none(reader: Reader, path: str, message: str, hint: str) -> None:
    for folder in ("flat", "empty"):
        (reader.root / folder).mkdir()
    pq.write_table(SMALL, reader.root / "flat/a.parquet")
    reader.write("t.parquet.gz", b"x")
    with pytest.raises(SynthError, match=message) as caught:
        reader.describe(path=path)
    assert (caught.value.hint or "").startswith(hint)
    with pytest.raises(SynthError, match="is no Delta table"):
        reader.describe(path="flat/a.parquet", format="delta")


def test_a_package_that_is_not_installed_is_named(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthkit import extras

    (reader.root / "d/_delta_log").mkdir(parents=True)
    reader.write("i/metadata/00000-x.metadata.json", b"{}")
    for name in ("t.avro", "t.xlsx"):
        reader.write(name, b"x")
    monkeypatch.setattr(extras, "installed", lambda module: False)
    for path, extra in {"t.avro": "avro", "t.xlsx": "excel", "d": "delta", "i": "iceberg"}.items():
        with pytest.raises(SynthError) as caught:
            reader.describe(path=path)
        assert f"pip install 'synthkit-build[{extra}]'" in (caught.value.hint or ""), path


# -- Excel -------------------------------------------------------------------------------------------------


def workbook(root: Path, *sheets: tuple[str, list[list[Any]]], merged: str | None = None) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, lines in sheets:
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
        if merged is not None:
            sheet.merge_cells(merged)
    book.save(root / "t.xlsx")


def test_a_sheet_and_its_header_are_named(reader: Reader) -> None:
    title = ["Sales of the year", None, None]
    workbook(
        reader.root,
        ("notes", [["x"]]),
        ("data", [title, [], [None, "id", "word"], [None, 1, "007"], [], [None, 2.5, "b"]]),
    )
    with pytest.raises(SynthError, match=r"t.xlsx has several sheets: 'notes', 'data'") as caught:
        reader.describe(path="t.xlsx")
    assert "options: {sheet: notes}" in (caught.value.hint or "")
    with pytest.raises(SynthError, match="has no sheet 'dta'"):
        reader.describe(path="t.xlsx", options={"sheet": "dta"})
    below = reader.read(path="t.xlsx", options={"sheet": "data", "skip": 2})
    assert rows(below) == [{"id": 1.0, "word": "007"}, {"id": 2.5, "word": "b"}]
    workbook(reader.root, ("data", [[None, "id", "word"], [None, 1, "007"], [], [None, 2.5, "b"]]))
    assert rows(reader.read(path="t.xlsx")) == [{"id": 1.0, "word": "007"}, {"id": 2.5, "word": "b"}]
    bare = reader.read(path="t.xlsx", options={"skip": 1, "header": False})
    assert rows(bare) == [{"column0": 1.0, "column1": "007"}, {"column0": 2.5, "column1": "b"}]


def test_a_merged_or_empty_header(reader: Reader) -> None:
    workbook(reader.root, ("data", [["a", "b", "c"], [1, 2, 3]]), merged="A1:B1")
    with pytest.raises(SynthError, match="the cell B1 of the header is empty, or part of a merged one"):
        reader.describe(path="t.xlsx")
    workbook(reader.root, ("data", [[], [1, 2]]))
    with pytest.raises(SynthError, match="row 1 of 'data', the header, is empty"):
        reader.describe(path="t.xlsx")
    workbook(reader.root, ("data", [["a", "A"], [1, 2]]))
    with pytest.raises(SynthError, match="differ only in case"):
        reader.describe(path="t.xlsx")
    workbook(reader.root, ("data", [["a"], [1, 2]]))
    with pytest.raises(BuildError, match="the cell B2 has a value, and its column has no name"):
        reader.describe(path="t.xlsx")
    workbook(reader.root, ("data", [[None, "a"], [None, 1], [2, 3]]))
    with pytest.raises(BuildError, match="the cell A3 has a value, and its column has no name"):
        reader.describe(path="t.xlsx")


def test_under_a_budget_no_value_of_an_avro_file_stops_the_others(tmp_path: Path) -> None:
    """Its reader makes Python's dates and decimals, and has no way on from one that Python does not have."""
    import fastavro

    def stored(kind: Any, value: Any) -> list[Any]:
        schema = {"type": "record", "name": "t", "fields": [{"name": "a", "type": kind}]}
        with (tmp_path / "t.avro").open("wb") as file:
            fastavro.writer(file, schema, [{"a": value}])
        spec = source(path="t.avro")
        (found,) = at_rest(spec, "avro", [tmp_path / "t.avro"], tmp_path / "scratch", lenient=True, look=False)
        return pq.read_table(found)["a"].to_pylist()

    assert stored("long", 7) == [7]
    assert stored("string", "x") == ["x"]
    for kind in ({"type": "int", "logicalType": "date"}, {"type": "long", "logicalType": "timestamp-micros"}):
        with pytest.raises(SynthError, match=r"column 'a' of t\.avro is .*: one value beyond Python's stops the file"):
            stored(kind, date(2024, 1, 1) if kind["type"] == "int" else datetime(2024, 1, 1, tzinfo=UTC))


def test_under_a_budget_no_row_says_which_columns_a_sheet_has(tmp_path: Path) -> None:
    """A sheet begins at its leftmost cell, which may be of any row."""

    def names(*lines: list[Any], **options: Any) -> list[str]:
        workbook(tmp_path, ("data", list(lines)))
        spec = source(path="t.xlsx", options=options)
        with duckdb.connect() as connection:
            open_excel(connection, spec, [tmp_path / "t.xlsx"], tmp_path / "scratch", lenient=True, look=False)
            found = connection.sql("SELECT * FROM raw")
            return [*found.columns, *map(str, found.fetchall())]

    usual = names([None, "a", "b"], [None, 1, 2])
    assert usual == ["a", "b", "('1', '2')"]
    assert names([None, "a", "b"], [None, 1, 2], [3, 4, 5], [None, 4, 5, 6]) == usual
    with pytest.raises(SynthError, match="has no header: its rows alone say which columns there are"):
        names([1, 2], header=False)


def test_cells_are_what_they_are(reader: Reader) -> None:
    at = datetime(2024, 1, 5, 10, 30)
    lines = [
        ["n", "code", "day", "at", "ok", "mixed", "took"],
        [1, "007", date(2024, 1, 5), at, True, 1, timedelta(hours=30)],
        [2.5, "1E5", date(2024, 1, 6), datetime(2024, 1, 6), False, "x", timedelta(hours=1)],
        [None, None, None, None, None, None, None],
        [3, "b", None, None, None, date(2024, 1, 5), None],
    ]
    workbook(reader.root, ("data", lines))
    split = reader.read(path="t.xlsx")
    assert types(split) == {
        "n": "DOUBLE", "code": "VARCHAR", "day": "DATE", "at": "TIMESTAMP", "ok": "BOOLEAN", "mixed": "VARCHAR",
        "took": "VARCHAR",
    }  # fmt: skip
    first, second, third = rows(split)
    assert first == {
        "n": 1.0, "code": "007", "day": date(2024, 1, 5), "at": at, "ok": True, "mixed": "1", "took": "30:00:00",
    }  # fmt: skip
    assert second["mixed"] == "x"
    assert third["mixed"] == "2024-01-05"


def test_formulas_are_their_values_and_one_without_is_an_error(reader: Reader) -> None:
    import zipfile

    workbook(reader.root, ("other", [["=1+1"]]), ("data", [["a", "b"], [1, "=A2+1"]]))
    with pytest.raises(BuildError, match="the formula in B2 has no value: nobody computed it"):
        reader.read(path="t.xlsx", options={"sheet": "data"})
    with zipfile.ZipFile(reader.root / "t.xlsx") as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(reader.root / "t.xlsx", "w") as book:
        for name, content in parts.items():
            computed = b"<v>2</v>" if name.endswith("sheet2.xml") else b"<v />"
            book.writestr(name, content.replace(b"<v />", computed).replace(b"<v></v>", computed))
    assert rows(reader.read(path="t.xlsx", options={"sheet": "data"})) == [{"a": 1, "b": 2}]
