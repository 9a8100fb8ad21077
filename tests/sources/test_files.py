"""Finding files, reader options, Parquet and JSON lines."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.errors import BuildError, SynthError
from tests.sources.reading import Reader, kinds, rows, types, values


def test_a_missing_file_names_the_nearest(reader: Reader) -> None:
    reader.write("data/customers.csv", "a\n1\n")
    with pytest.raises(SynthError, match=r"no file 'data/custmers\.csv'") as caught:
        reader.describe(path="data/custmers.csv")
    assert caught.value.hint == "did you mean 'data/customers.csv'?"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere/x.csv", "there is no folder"),
        ("data/*.parquet", r"no file matches 'data/\*\.parquet'"),
        ("data", "data is a folder"),
        ("data/x.bin", "the format of 'x.bin' is not clear"),
        ("hdfs://bucket/x.csv", "nothing here reads or writes hdfs"),
    ],
)
def test_paths_that_lead_nowhere(reader: Reader, path: str, message: str) -> None:
    reader.write("data/x.bin", "a\n1\n")
    with pytest.raises(SynthError, match=message):
        reader.describe(path=path)


def test_a_format_can_be_declared(reader: Reader) -> None:
    reader.write("x.bin", "a\n1\n")
    assert rows(reader.read(path="x.bin", format="csv")) == [{"a": 1}]


def test_an_absolute_path_and_one_beside_the_root(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    file = tmp_path / "elsewhere" / "t.csv"
    file.write_text("a\n1\n")
    reader = Reader(tmp_path / "project")
    reader.root.mkdir()
    for path in (str(file), str(file.with_name("*.csv")), "../elsewhere/t.csv", "../elsewhere/*.csv"):
        assert values(reader.read(path=path)) == [1]


def test_a_folder_on_the_way_is_no_column(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "a=3")
    reader.write("t.csv", "a\n1\n")
    reader.write("t.jsonl", '{"a": 1}\n')
    pq.write_table(pa.table({"a": [1]}), reader.root / "t.parquet")
    for ending in ("csv", "jsonl", "parquet"):
        assert rows(reader.read(path=f"t.{ending}")) == [{"a": 1}], ending


def test_names_that_look_like_globs_are_files(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "a [b] c?")
    reader.write("t[1].csv", "a\n1\n")
    reader.write("t1.csv", "a\n2\n")
    reader.write("data/*.jsonl", '{"a": 3}\n')
    assert values(reader.read(path="t[1].csv")) == [1]
    assert values(reader.read(path="data/*.jsonl")) == [3]
    pq.write_table(pa.table({"a": [4]}), reader.root / "p[0].parquet")
    assert values(reader.read(path="p[0].parquet")) == [4]


@pytest.mark.parametrize(
    ("path", "options", "message", "hint"),
    [
        ("t.csv", {"delimeter": ";"}, "no reader option 'delimeter' for csv files", "did you mean 'delimiter'?"),
        ("t.csv", {"header": "maybe"}, "option header: 'maybe' will not do", "write true or false"),
        ("t.csv", {"skip": True}, "option skip: True will not do", "write a whole number"),
        ("t.csv", {"nullstr": 9}, "option nullstr: 9 will not do", "write text, or a list"),
        ("t.jsonl", {"delimiter": ";"}, "no reader option 'delimiter' for jsonl files", "use an option of: "),
        ("t.csv", {"encoding": "latin-11"}, "no encoding 'latin-11'", "did you mean 'latin-1'?"),
        ("t.csv", {"encoding": "base64"}, "no encoding 'base64'", "use an encoding, such as one of"),
    ],
)
def test_options_are_checked(reader: Reader, path: str, options: dict[str, object], message: str, hint: str) -> None:
    reader.write("t.csv", "a\n1\n")
    reader.write("t.jsonl", '{"a": 1}\n')
    with pytest.raises(SynthError, match=message) as caught:
        reader.describe(path=path, options=options)
    assert (caught.value.hint or "").startswith(hint)


def test_parquet_keeps_its_types(reader: Reader) -> None:
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int16()),
            "f": pa.array([1.5, 2.5], pa.float32()),
            "d": pa.array([Decimal("1.20"), None], pa.decimal128(9, 2)),
            "day": [date(2024, 1, 5), None],
            "ts": pa.array([0, 1], pa.timestamp("ms")),
            "utc": pa.array([0, 1], pa.timestamp("us", tz="Europe/Berlin")),
            "flag": [True, False],
            "s": pa.array(["x", "y"]).dictionary_encode(),
            "u8": pa.array([1, 2], pa.uint8()),
        }
    )
    pq.write_table(table, reader.root / "t.parquet")
    split = reader.read(path="t.parquet")
    assert types(split) == {
        "i": "SMALLINT",
        "f": "FLOAT",
        "d": "DECIMAL(9,2)",
        "day": "DATE",
        "ts": "TIMESTAMP",
        "utc": "TIMESTAMP WITH TIME ZONE",
        "flag": "BOOLEAN",
        "s": "VARCHAR",
        "u8": "UTINYINT",
    }
    assert split.schema.by_name["i"].nullable
    assert not split.schema.by_name["f"].nullable
    back = split.train.to_arrow()
    for name in ("i", "f", "d", "day", "flag", "s", "u8"):
        assert back[name].to_pylist() == table[name].to_pylist()


def test_nested_and_odd_types_become_text(reader: Reader) -> None:
    import duckdb

    duckdb.connect().execute(
        "COPY (SELECT [1, 2] AS l, {'k': 'v'} AS s, MAP {'m': 1} AS m, uuid '3f2504e0-4f89-11d3-9a0c-0305e82c3301' AS u,"
        f" INTERVAL 2 DAY AS i, NULL AS n, 7 AS x) TO '{reader.root}/t.parquet'"
    )
    split = reader.read(path="t.parquet", columns=dict.fromkeys("lsm", "text"))
    assert types(split) == dict.fromkeys("lsmuin", "VARCHAR") | {"x": "INTEGER"}
    assert rows(split) == [
        {
            "l": "[1,2]",
            "s": '{"k":"v"}',
            "m": '{"m":1}',
            "u": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "i": "2 days",
            "n": None,
            "x": 7,
        }
    ]


def test_binary_columns_are_refused_unless_they_are_text(reader: Reader) -> None:
    pq.write_table(pa.table({"a": [b"abc"]}), reader.root / "t.parquet")
    with pytest.raises(BuildError, match="column 'a' holds binary data") as caught:
        reader.describe(path="t.parquet")
    assert "binary_as_string" in (caught.value.hint or "")
    assert values(reader.read(path="t.parquet", options={"binary_as_string": True})) == ["abc"]


def test_parquet_columns_that_differ_in_case(reader: Reader) -> None:
    pq.write_table(pa.table({"A": [1], "a": [2]}), reader.root / "t.parquet")
    with pytest.raises(SynthError, match="'A' and 'a', which differ only in case"):
        reader.describe(path="t.parquet")


def test_a_file_that_is_no_parquet(reader: Reader) -> None:
    reader.write("t.parquet", "a,b\n1,2\n" * 10)
    with pytest.raises(BuildError, match=r"cannot read t\.parquet"):
        reader.describe(path="t.parquet")


def test_parquet_globs_match_columns_by_name(reader: Reader) -> None:
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), reader.root / "p1.parquet")
    pq.write_table(pa.table({"b": ["y"], "a": [2.5]}), reader.root / "p2.parquet")
    assert rows(reader.read(path="p*.parquet")) == [{"a": 1.0, "b": "x"}, {"a": 2.5, "b": "y"}]
    pq.write_table(pa.table({"a": [1]}), reader.root / "p3.parquet")
    with pytest.raises(SynthError, match=r"p3\.parquet lacks 'b'"):
        reader.describe(path="p*.parquet")


def test_json_lines(reader: Reader) -> None:
    lines = '{"a": 1, "n": {"k": [1, {"x": null}]}, "day": "2024-01-05", "zip": "00501", "ok": true}\n'
    lines += '{"a": null, "n": {"k": []}, "day": null, "zip": "10115", "ok": false, "late": 1.5}\n'
    reader.write("t.jsonl", lines)
    split = reader.read(path="t.jsonl", columns={"n": "text"})
    assert kinds(split)["day"] == "date"
    assert kinds(split)["ok"] == "boolean"
    first, second = rows(split)
    assert first["a"] == 1
    assert first["n"] == '{"k":[1,{"x":null}]}'
    assert first["zip"] == "00501"
    assert second["late"] == 1.5


def test_json_values_of_mixed_types_are_text(reader: Reader) -> None:
    reader.write("t.jsonl", '{"a": 1}\n{"a": "x"}\n{"a": [1]}\n')
    split = reader.read(path="t.jsonl", columns={"a": "text"})
    assert types(split) == {"a": "VARCHAR"}
    assert values(split) == ["1", "x", "[1]"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n{"a":\n', r"t\.jsonl, line 3: Malformed JSON"),
        ('{"a": "é"}\n'.encode("latin-1"), r"t\.jsonl is not UTF-8"),
        (b'{"a": 1, "A": 2}\n', "'a' and 'A', which differ only in case"),
        (b'{"a": 1, "a": 2}\n', 'duplicate key "a"'),
        (b"", r"t\.jsonl is empty"),
        (b'{"a": 1}\n[1]\n{"a": 2}\n', "a row is no JSON object"),
    ],
)
def test_bad_json(reader: Reader, content: bytes, message: str) -> None:
    reader.write("t.jsonl", content)
    with pytest.raises(SynthError, match=message):
        reader.read(path="t.jsonl")


def test_a_json_key_may_end_in_a_number(reader: Reader) -> None:
    reader.write("t.jsonl", '{"a": 1, "a_1": 2}\n')
    assert rows(reader.read(path="t.jsonl")) == [{"a": 1, "a_1": 2}]


def test_json_in_another_encoding(reader: Reader) -> None:
    reader.write("t.jsonl", '{"a": "é€"}\n'.encode("cp1252"))
    assert values(reader.read(path="t.jsonl", options={"encoding": "cp1252"})) == ["é€"]


@pytest.mark.parametrize(
    "content",
    [
        '{"addr": {"city": "A", "zip": 12345}, "n": 1}\n{"addr": {"city": "B"}, "n": 2}\n',
        '{"addr": [1, 2], "n": 1}\n',
        '{"addr": "plain", "n": 1}\n{"addr": 7, "n": 1}\n{"addr": {"late": true}, "n": 2}\n',
    ],
)
def test_nested_json_is_refused_unless_it_is_declared(reader: Reader, content: str) -> None:
    """As free text it would be made up with keys that nobody has."""
    reader.write("t.jsonl", content)
    with pytest.raises(SynthError, match="column 'addr' holds objects or lists, which no generator learns") as caught:
        reader.describe(path="t.jsonl")
    assert "addr->>'key' AS addr_key" in (caught.value.hint or "")
    declared = reader.read(path="t.jsonl", columns={"addr": "text"})
    assert types(declared)["addr"] == "VARCHAR"


@pytest.mark.parametrize("sql", ["[1, 2]", "{'a': 1}", "map {'a': 1}", "[{'a': [1]}]", "'{}'::json"])
def test_nested_parquet_is_refused_unless_it_is_declared(reader: Reader, sql: str) -> None:
    import duckdb

    duckdb.sql(f"COPY (SELECT {sql} AS odd, 1 AS n) TO '{reader.root}/t.parquet'")
    with pytest.raises(SynthError, match="column 'odd' holds objects or lists, which no generator learns"):
        reader.describe(path="t.parquet")
    assert types(reader.read(path="t.parquet", columns={"odd": "text"})) == {"odd": "VARCHAR", "n": "INTEGER"}


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (
            [10**40 + 1, 10**40 + 2],
            pa.decimal256(50, 0),
            r"column 'a' of t.parquet is decimal256\(50, 0\): more digits",
        ),
        ([1000, None], pa.duration("ms"), r"column 'a' of t.parquet is duration\[ms\]: no type of DuckDB"),
    ],
)
def test_parquet_types_that_would_be_read_as_others_are_refused(
    reader: Reader, values: list[Any], kind: pa.DataType, message: str
) -> None:
    pq.write_table(pa.table({"a": pa.array(values, kind)}), reader.root / "t.parquet")
    with pytest.raises(SynthError, match=message):
        reader.describe(path="t.parquet")


def test_every_other_type_of_arrow_is_read_as_it_is(reader: Reader) -> None:
    """Each with values at its limits; what Parquet does not keep apart (large strings, dictionaries) is no other value."""
    stored = {
        "u64": pa.array([2**63, 2**64 - 1], pa.uint64()),
        "i64": pa.array([-(2**63), 2**63 - 1], pa.int64()),
        "f16": pa.array(np.array([0.5, 65504], np.float16)),
        "large": pa.array(["a", "b"], pa.large_string()),
        "view": pa.array(["a", "b"], pa.string_view()),
        "words": pa.array(["a", "b"]).dictionary_encode(),
        "d64": pa.array([0, 86_400_000], pa.date64()),
        "t32": pa.array([1, 86_399], pa.time32("s")),
        "t64": pa.array([1, 86_399_999_999], pa.time64("us")),
        "s": pa.array([1, -62_135_596_800], pa.timestamp("s")),
        "ns": pa.array([1, 2**62], pa.timestamp("ns")),
        "tz": pa.array([1, 2], pa.timestamp("us", "Europe/Berlin")),
        "dec": pa.array([Decimal("9" * 36 + ".99"), Decimal("-0.01")], pa.decimal128(38, 2)),
        "d32": pa.array([Decimal("1.50"), None], pa.decimal32(5, 2)),
    }
    pq.write_table(pa.table(stored), reader.root / "t.parquet")
    split = reader.read(path="t.parquet")
    back = split.train.to_arrow()
    for name, array in stored.items():
        assert back[name].cast(pa.string()).to_pylist() == _as_read(name, array).cast(pa.string()).to_pylist(), name
    assert {n: types(split)[n] for n in ("u64", "s", "ns", "tz", "d32")} == {
        "u64": "UBIGINT",
        "s": "TIMESTAMP",
        "ns": "TIMESTAMP_NS",
        "tz": "TIMESTAMP WITH TIME ZONE",
        "d32": "DECIMAL(5,2)",
    }


def _as_read(name: str, values: pa.Array) -> pa.Array:
    """The same values in the type that DuckDB has for them."""
    other = {
        "f16": pa.float32(), "d64": pa.date32(), "t32": pa.time64("us"), "s": pa.timestamp("us"),
        "tz": pa.timestamp("us", "UTC"), "words": pa.string(), "view": pa.string(), "large": pa.string(),
        "d32": pa.decimal128(5, 2),
    }  # fmt: skip
    return values.cast(other.get(name, values.type))


def test_wide_integers_keep_their_values_or_are_named(reader: Reader) -> None:
    import duckdb

    path = reader.root / "d.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("CREATE TABLE fits AS SELECT 9223372036854775807::HUGEINT AS h, 7::UHUGEINT AS u")
        db.execute("CREATE TABLE wide AS SELECT md5_number('a') AS h, 1 AS n")
        db.execute("CREATE TABLE odd AS SELECT 'infinity'::DOUBLE AS f, 1 AS n")
    other = Reader(reader.root, db={"type": "duckdb", "path": "d.duckdb"})
    split = other.read(connection="db", table="fits")
    assert types(split) == {"h": "BIGINT", "u": "BIGINT"}
    assert rows(split) == [{"h": 2**63 - 1, "u": 7}]
    with pytest.raises(BuildError, match="column 'h': 1 of 1 values are not BIGINT"):
        other.read(connection="db", table="wide")
    assert other.read(connection="db", table="odd").infinite == {"f": 1}
