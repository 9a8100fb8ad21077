"""CSV files: what a user's file means, and how its faults are told."""

from __future__ import annotations

import csv
import gzip
import io
import math
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthkit.errors import BuildError, SynthError
from tests.sources.reading import Reader, kinds, rows, types, values


@pytest.mark.parametrize(
    ("column", "sql_type", "first"),
    [
        (["1", "-2"], "BIGINT", 1),
        (["1.5", "2"], "DOUBLE", 1.5),
        (["1e+05", "2"], "DOUBLE", 1e5),
        (["1.5E-3", "2"], "DOUBLE", 0.0015),
        (["1E5", "2E5"], "VARCHAR", "1E5"),
        (["0x1F", "0x2A"], "VARCHAR", "0x1F"),
        (["1_000", "2_000"], "VARCHAR", "1_000"),
        (["9223372036854775807", "-9223372036854775808"], "BIGINT", 9223372036854775807),
        (["9223372036854775808", "1"], "VARCHAR", "9223372036854775808"),
        (["01/02/2020", "02/03/2020"], "VARCHAR", "01/02/2020"),
        (["9/30/1990 0:00:00", "1/2/1991 0:00:00"], "TIMESTAMP", datetime(1990, 9, 30)),
        (["24:00", "23:00"], "VARCHAR", "24:00"),
        (["00501", "10115"], "VARCHAR", "00501"),
        (["10115", "00501"], "VARCHAR", "10115"),
        (["+491", "+492"], "VARCHAR", "+491"),
        (["12345678901234567890123", "1"], "VARCHAR", "12345678901234567890123"),
        (["true", "FALSE"], "BOOLEAN", True),
        (["yes", "no"], "VARCHAR", "yes"),
        (["t", "f"], "VARCHAR", "t"),
        (["0", "1"], "BIGINT", 0),
        (["2024-01-05", "2024-12-31"], "DATE", date(2024, 1, 5)),
        (["31/12/2020", "01/02/2021"], "DATE", date(2020, 12, 31)),
        (["2024-01-05 10:00:00", "2024-12-31 23:59:59"], "TIMESTAMP", datetime(2024, 1, 5, 10)),
        (
            ["2024-01-05T10:00:00Z", "2024-12-31T23:59:59+02:00"],
            "TIMESTAMP WITH TIME ZONE",
            datetime(2024, 1, 5, 10, tzinfo=UTC),
        ),
        (["10:00", "23:59"], "TIME", time(10)),
        (["$1.50", "$2"], "VARCHAR", "$1.50"),
        ([" ", "1.5"], "VARCHAR", " "),
    ],
)
def test_types(reader: Reader, column: list[str], sql_type: str, first: object) -> None:
    split = reader.csv("a,b\n" + "".join(f"{v},x\n" for v in column))
    assert types(split)["a"] == sql_type
    assert values(split)[0] == first


@pytest.mark.parametrize(
    ("last", "sql_type"), [("1.5", "DOUBLE"), ("abc", "VARCHAR"), ("007", "VARCHAR"), ("2024-01-01", "VARCHAR")]
)
def test_the_last_row_counts_as_much_as_the_first(reader: Reader, last: str, sql_type: str) -> None:
    """DuckDB's own sample is 20,480 rows: it would round the 1.5 and strip the zeros."""
    split = reader.csv("a\n" + "7\n" * 30_000 + f"{last}\n")
    assert types(split) == {"a": sql_type}
    assert str(values(split)[-1]) == last


def test_names_survive(reader: Reader) -> None:
    split = reader.csv('a b,"c""d",select,"ü, x",ORDER\n1,2,3,4,5\n')
    assert rows(split) == [{"a b": 1, 'c"d': 2, "select": 3, "ü, x": 4, "ORDER": 5}]


def test_a_line_break_in_a_quoted_name_or_value(reader: Reader) -> None:
    assert rows(reader.csv('"a\nb",c\n"x\ny",1\n')) == [{"a\nb": "x\ny", "c": 1}]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a,b,a", "column 'a' is there twice"),
        ("A,b,a", "as 'A' and 'a', which differ only in case"),
        ("a,,b", "a column has no name"),
    ],
)
def test_names_that_clash(reader: Reader, header: str, message: str) -> None:
    with pytest.raises(SynthError, match=message):
        reader.csv(f"{header}\n1,2,3\n")


@pytest.mark.parametrize(
    "content", ["\ufeffa,b\r\n1,x\r\n2,y\r\n", "a,b\r1,x\r2,y\r", "a,b\n1,x\n2,y", "\n\na,b\n1,x\n2,y\n"]
)
def test_byte_order_marks_and_line_ends(reader: Reader, content: str) -> None:
    assert rows(reader.csv(content)) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(reader: Reader, delimiter: str) -> None:
    assert rows(reader.csv(delimiter.join(["a", '"b,;|"']) + f"\n1{delimiter}x\n")) == [{"a": 1, "b,;|": "x"}]


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("a:b\n1:2\n", {"delimiter": ":"}, {"a": 1, "b": 2}),
        ("a,b\n'x,y',2\n", {"quote": "'"}, {"a": "x,y", "b": 2}),
        ('a,b\n5" pipe,2\n', {"quote": ""}, {"a": '5" pipe', "b": 2}),
        ("1,2\n", {"header": False}, {"column0": 1, "column1": 2}),
        ("junk\na,b\n1,2\n", {"skip": 1}, {"a": 1, "b": 2}),
        ("# junk\na,b\n# more\n1,2\n", {"comment": "#"}, {"a": 1, "b": 2}),
        ("a;b\n1,5;2.000\n", {"decimal_separator": ",", "thousands": "."}, {"a": 1.5, "b": 2000}),
        ("a,b\n05.01.24,2\n", {"dateformat": "%d.%m.%y"}, {"a": date(2024, 1, 5), "b": 2}),
        ("a,b\n20240105 10,2\n", {"timestampformat": "%Y%m%d %H"}, {"a": datetime(2024, 1, 5, 10), "b": 2}),
        ("a,b\nNA,?\n", {"nullstr": ["NA", "?"]}, {"a": None, "b": None}),
        ("a,b\nNA,\n", {"nullstr": "NA"}, {"a": None, "b": None}),
    ],
)
def test_options(reader: Reader, content: str, options: dict[str, object], expected: dict[str, object]) -> None:
    assert rows(reader.csv(content, options=options)) == [expected]


def test_without_a_header_no_row_decides_the_delimiter(reader: Reader) -> None:
    """The first row was taken for the header, and its semicolons divided all others."""
    lines = "".join(f"{i},x\n" for i in range(20))
    options = {"header": False}
    assert rows(reader.csv("7,a;b;c\n" + lines, options=options))[1:] == rows(reader.csv(lines, options=options))
    with pytest.raises(SynthError, match="do not tell their delimiter"):
        reader.csv("1;2\n3;4\n", options=options)
    assert rows(reader.csv("1;2\n", options={**options, "delimiter": ";"})) == [{"column0": 1, "column1": 2}]


def test_a_hash_begins_no_comment_unless_it_is_declared(reader: Reader) -> None:
    assert values(reader.csv("a,b\n#1,2\n#2,3\n")) == ["#1", "#2"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "shift_jis", "utf-8"])
def test_encodings(reader: Reader, encoding: str) -> None:
    word = {"shift_jis": "日本", "latin-1": "é"}.get(encoding, "é€")
    split = reader.csv(f"{word},b\n{word},2\n".encode(encoding), options={"encoding": encoding})
    assert rows(split) == [{word: word, "b": 2}]


@pytest.mark.parametrize(
    ("content", "options", "message", "hint"),
    [
        (b"a,b\n1,2\n3\n4,5\n", {}, r"t\.csv, line 3: 1 field where the header has 2", "delimiter"),
        (b"a,b\n1,2\n3,4,5\n", {}, r"t\.csv, line 3: 3 fields where the header has 2", "mend the row"),
        (b"a,b\n" + b"1,2\n" * 30_000 + b"3\n", {}, r"line 30,002: 1 field where", "mend the row"),
        ("a,b\né,2\n".encode("latin-1"), {}, r"t\.csv, line 2 is not UTF-8", "encoding"),
        ("a,b\né,2\n".encode("latin-1"), {"encoding": "utf-16"}, "not in utf-16", "declare the encoding"),
        ("日,b\n1,2\n".encode(), {"encoding": "ascii"}, "not in ascii", "declare the encoding"),
        (b'a,b\n"x,2\n3,4\n', {}, r"t\.csv, line 2: a quoted value does not end", "quote"),
        (b"a,b\r\n1,2\n3,4\r\n", {}, "mixes line ends", "the same ending"),
        (b"", {}, r"t\.csv is empty", "header"),
        (b"a,b\n" + b"x" * 3_000_000 + b",1\n", {}, r"t\.csv, line 2 is too long a row", "max_line_size"),
    ],
)
def test_faults_name_the_line_and_the_fix(
    reader: Reader, content: bytes, options: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(BuildError, match=message) as caught:
        reader.csv(content, options=options)
    assert hint in (caught.value.hint or "")


def test_a_long_row_can_be_allowed(reader: Reader) -> None:
    split = reader.csv("a,b\n" + "x" * 3_000_000 + ",1\n", options={"max_line_size": 4_000_000})
    assert len(values(split)[0]) == 3_000_000


def test_a_header_alone_is_a_table_without_rows(reader: Reader) -> None:
    reader.write("t.csv", "a,b\n")
    assert reader.describe(path="t.csv").names == ("a", "b")
    with pytest.raises(BuildError, match="has no rows"):
        reader.read(path="t.csv")


def test_one_row_and_a_column_of_nulls(reader: Reader) -> None:
    split = reader.csv("a,b\n1,\n")
    assert rows(split) == [{"a": 1, "b": None}]
    assert kinds(split) == {"a": "integer", "b": "categorical"}
    assert types(split)["b"] == "VARCHAR"
    assert split.schema.by_name["b"].nullable


def test_compressed(reader: Reader) -> None:
    reader.write("t.csv.gz", gzip.compress(b"a;b\n1;x\n"))
    assert rows(reader.read(path="t.csv.gz")) == [{"a": 1, "b": "x"}]
    reader.write("l.csv.gz", gzip.compress("a;b\n1;€\n".encode("cp1252")))
    assert rows(reader.read(path="l.csv.gz", options={"encoding": "cp1252"})) == [{"a": 1, "b": "€"}]


def test_globs_match_columns_by_name_in_the_order_of_the_files(reader: Reader) -> None:
    reader.write("p1.csv", "a,b,c\n1,x,\n2,y,\n")
    reader.write("p2.csv", "c,b,a\n5,z,2.5\n")
    reader.write("p3.csv", "")
    split = reader.read(path="p*.csv")
    assert types(split) == {"a": "DOUBLE", "b": "VARCHAR", "c": "BIGINT"}
    assert [tuple(r.values()) for r in rows(split)] == [(1.0, "x", None), (2.0, "y", None), (2.5, "z", 5)]
    reader.write("p4.csv", "a,b,d\n1,x,2\n")
    with pytest.raises(SynthError, match=r"p4\.csv lacks 'c' and has 'd' besides"):
        reader.describe(path="p*.csv")


def test_a_glob_of_words_and_booleans_stays_text(reader: Reader) -> None:
    reader.write("p1.csv", "a\ntrue\n")
    reader.write("p2.csv", "a\nyes\n")
    assert values(reader.read(path="p*.csv")) == ["true", "yes"]


def test_nan_becomes_null_and_is_counted(reader: Reader) -> None:
    split = reader.csv("a\n1.5\nnan\n\n2.5\nNaN\n")
    assert values(split) == [1.5, None, None, 2.5, None]
    assert split.notes == ("column 'a': 2 NaN became missing values",)


def test_infinity_is_read_and_counted_for_what_cannot_learn_it(reader: Reader) -> None:
    split = reader.csv("a\n1.5\ninf\n-inf\n")
    assert values(split) == [1.5, math.inf, -math.inf]
    assert split.infinite == {"a": 2}


_CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00\r"), min_size=1, max_size=8)
_TEXTS = _CELLS.filter(lambda s: s.strip() == s)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), _TEXTS),
        min_size=1,
    )
)
def test_what_python_writes_comes_back(reader: Reader, table: list[tuple[int, float, str]]) -> None:
    """Integers, floats to the bit, and any text, next to a first row that fixes the column as text."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["i", "f", "s"])
    writer.writerow([0, 0.5, "text"])
    writer.writerows(table)
    split = reader.csv(buffer.getvalue())
    assert types(split) == {"i": "BIGINT", "f": "DOUBLE", "s": "VARCHAR"}
    assert [tuple(r.values()) for r in rows(split)][1:] == table
