"""How lines end is no part of a source's content; what stands inside quotes is."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthkit.sources import lineends
from synthkit.sources.lineends import Text, file_digest
from tests.sources.reading import Reader, rows

CSV = "a,b\n1,x\n2,\"y\nz\"\n3,\"say \"\"no\"\"\"\n4,\n"  # fmt: skip
USUAL = Text(quoting=True)


def crlf(text: str) -> bytes:
    """As another program would write it: line ends outside quotes alone."""
    out, inside = [], False
    for c in text:
        inside ^= c == '"'
        out.append("\r\n" if c == "\n" and not inside else c)
    return "".join(out).encode()


def test_the_same_rows_have_the_same_hash_and_the_same_split(reader: Reader) -> None:
    first = reader.csv(CSV)
    hashed = reader.hash(path="t.csv")
    assert hashed == hashlib.sha256(CSV.encode()).hexdigest()  # without CR it is that of the bytes
    for other in (crlf(CSV), b"\xef\xbb\xbf" + CSV.encode(), b"\xef\xbb\xbf" + crlf(CSV)):
        again = reader.csv(other)
        assert (reader.hash(path="t.csv"), again.directory, rows(again)) == (hashed, first.directory, rows(first))
        # And it is true: read by itself, it holds the same rows.
        elsewhere = Reader(reader.root / "own")
        elsewhere.write("t.csv", other)
        fresh = elsewhere.read(path="t.csv", options={"max_line_size": 1_000_000 + len(other)})
        assert rows(fresh) == rows(first)


def test_a_line_end_inside_quotes_is_a_value(reader: Reader) -> None:
    first = rows(reader.csv(CSV))
    changed = CSV.replace("y\nz", "y\r\nz")
    assert rows(reader.csv(changed)) != first
    assert reader.hash(path="t.csv") == hashlib.sha256(changed.encode()).hexdigest()


def test_json_lines(reader: Reader) -> None:
    text = '{"a": 1, "b": "x\\"y"}\n{"a": 2, "b": "z"}\n'
    reader.write("t.jsonl", text)
    first = reader.read(path="t.jsonl")
    for other in (text.replace("\n", "\r\n"), "\ufeff" + text):
        reader.write("t.jsonl", other)
        again = reader.read(path="t.jsonl")
        assert (again.directory, rows(again)) == (first.directory, rows(first))
    own = Reader(reader.root / "own")
    own.write("t.jsonl", "\ufeff" + text.replace("\n", "\r\n"))
    assert rows(own.read(path="t.jsonl")) == rows(first)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a,b\n5\" pipe,x\n\"q\n\",y\n", {}),  # a quote that opens nothing
        ("a,b\n1,\"x\n", {}),  # one that does not end
        ("a;b\n1,\"x;y\"\n", {}),  # it follows what is no delimiter here
        ("a,b;c\n1,\"x\";2\n", {}),  # which delimiter is it?
        ("a,b\n1,'x'\n", {"quote": "'"}),
        ("a,b\n1,\"x\"\n", {"escape": "\\"}),
        ("# a \"word\n1,2\n", {"comment": "#"}),
        ("words\na,b\n", {"skip": 1}),
    ],
)  # fmt: skip
def test_unusual_quoting_counts_byte_by_byte(text: str, options: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(text.replace("\n", "\r\n").encode())
    assert file_digest(file, Text.of("csv", options)) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_is_no_text_counts_byte_by_byte(tmp_path: Path) -> None:
    assert Text.of("parquet") is None
    file = tmp_path / "t.csv.gz"
    file.write_bytes(b"\r\n" + gzip.compress(b"a\r\n1\r\n"))
    assert file_digest(file, USUAL) == hashlib.sha256(file.read_bytes()).hexdigest()


VALUES = st.text(st.sampled_from('ab",;\r\n\té'), max_size=6)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.lists(st.lists(VALUES, min_size=2, max_size=2), min_size=1, max_size=6),
    other=st.lists(st.lists(VALUES, min_size=2, max_size=2), min_size=1, max_size=6),
    chunk=st.integers(1, 40),
    always=st.booleans(),
)
def test_hashes_are_those_of_the_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: list[list[str]], other: list[list[str]], chunk: int, always: bool
) -> None:  # fmt: skip
    """Written with LF or CRLF, cut anywhere into chunks: equal where the values are, and only there."""
    monkeypatch.setattr(lineends, "CHUNK", chunk)

    def digest(values: list[list[str]], end: str) -> str:
        text = io.StringIO(newline="")
        bare = any("\r" in v for row in values for v in row)  # not every version of Python quotes it
        writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL if always or bare else csv.QUOTE_MINIMAL)
        writer.writerows([["first", "second"], *values])
        file = tmp_path / "t.csv"
        file.write_bytes(text.getvalue().encode())
        return file_digest(file, USUAL)

    assert digest(table, "\n") == digest(table, "\r\n")
    assert (digest(table, "\n") == digest(other, "\r\n")) == (table == other)
