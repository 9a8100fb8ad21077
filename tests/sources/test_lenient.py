"""Files of text under a budget: a row that is none is left out by itself, and no other row is read otherwise."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from synthkit.errors import BuildError, SynthError
from synthkit.schema import Column, Schema
from synthkit.sources.bounding import Declared
from synthkit.sources.describe import describe
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.ingest import Split, ingest
from tests.sources.reading import Reader, rows, source

SCHEMA = Schema((Column("n", "integer", "BIGINT"), Column("code", "categorical", "VARCHAR", values=("1", "ü"))))
TYPES = {"n": "integer", "code": {"type": "categorical", "values": ["1", "ü"]}}
CSV = [f"{i},{'ü' if i % 3 else 1}\n".encode() for i in range(30)]
JSON = [f'{{"n": {i}, "code": "{"ü" if i % 3 else 1}"}}\n'.encode() for i in range(30)]
# fmt: off
ODD_JSON: dict[str, bytes] = {
    "a key twice": b'{"n": 77, "n": 78, "code": "1"}', "an empty key": b'{"": 1, "n": 77, "code": "1"}',
    "keys that differ in case": b'{"N": 1, "n": 77, "Code": "x", "code": "1"}',
    "half a surrogate pair": b'{"n": 77, "code": "\\ud800"}', "half a pair in a key": b'{"n": 77, "\\udc00": 1}',
    "keys of its own": b'{"n": 77, ' + b", ".join(b'"k%d": %d' % (i, i) for i in range(300)) + b"}",
    "no object": b"[1, 2]", "null": b"null", "no JSON": b"{n: 77", "two objects": b'{"n": 77} {"n": 78}', "blank": b"  ",
    "other bytes": b'{"n": 77, "code": "\xff\xfe"}', "too long": b'{"n": 77, "code": "' + b"x" * 5000 + b'"}',
    "deep": b'{"n": 77, "code": ' + b"[" * 2000 + b"]" * 2000 + b"}", "a NUL": b'{"n": 77, "code": "a\\u0000b"}',
    "of Windows": b'{"n": 77, "code": "1"}\r', "a brace more": b'{"n": 77}}', "nested": b'{"n": {"a": 1}, "code": [2]}',
}
ODD_CSV: dict[str, bytes] = {
    "too few": b"77", "too many": b"77,1,2", "a delimiter at its end": b"77,1,", "blank": b"", "blanks": b"   ",
    "other bytes": b"77,\xff\xfe", "too long": b"77," + b"x" * 5000, "of Windows": b"77,1\r", "of old": b"77,1\r78,1",
    "a comment": b"# 77", "begins with the comment's sign": b"#77,1", "a field does": b"77,#1", "a NUL": b"77,a\x00b",
    "a quote within": b'77,5" pipe', "two lines": b'77,"1\n5,1\n6,1"', "two lines too long": b'77,"' + b"x,1\n" * 2000 + b'"',
    "an old end beside quotes": b'"77",1\r78,1', "blanks before a quote": b'77, "1"', "half a character": b"77,\xc3",
}
# fmt: on


def read(folder: Path, name: str, content: bytes, schema: Schema = SCHEMA, **given: object) -> Split:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    spec = source(path=name, columns=TYPES, **given)
    return ingest(
        spec,
        root=folder,
        connections={},
        holdout=0.4,
        directory=folder / "splits",
        source_hash=content_hash(spec, root=folder, connections={}, cache=None),
        declared=Declared(schema, 1),
    )


def others(split: Split) -> list[list[object]]:
    tables = (split.train, split.holdout, split.bounded)
    listed = [[] if t is None else t.to_arrow().to_pylist() for t in tables]
    return [[r for r in side if r["n"] not in (77, 78, None)] for side in listed]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_an_odd_line_stays_its_own_affair(tmp_path: Path, name: str) -> None:
    head, lines, odd = (b"n,code\n", CSV, ODD_CSV) if name == "t.csv" else (b"", JSON, ODD_JSON)
    options = {"max_line_size": 4000} | ({"comment": "#"} if name == "t.csv" else {})
    before = read(tmp_path / "before", name, head + b"".join(lines), options=options)
    assert before.rows == 30
    assert before.notes == ()
    for at, (what, line) in enumerate(odd.items()):
        content = head + b"".join([*lines[:at], line + b"\n", *lines[at:]])
        after = read(tmp_path / what, name, content, options=options)
        assert others(after) == others(before), what
        spec = source(path=name, columns=TYPES, options=options)
        assert describe(spec, root=tmp_path / what, connections={}, cache=None, declared=True).names == ("n", "code")
    every = head + b"".join(o + b"\n" + line for o, line in zip(odd.values(), lines, strict=False))
    after = read(tmp_path / "every", name, every + b"".join(lines[len(odd) :]), options=options)
    assert others(after) == others(before)
    assert "rows are left out" in after.notes[0]


@pytest.mark.parametrize("odd", [b"77", b"1;2", b"77,1,2", b'"a', b"#"])
def test_without_a_header_the_first_row_decides_nothing(tmp_path: Path, odd: bytes) -> None:
    schema = Schema(tuple(Column(f"column{i}", c.type, c.sql_type) for i, c in enumerate(SCHEMA.columns)))
    spec = source(
        path="t.csv", columns={c.name: c.type for c in schema.columns}, options={"header": False, "quote": ""}
    )

    def look(folder: Path, lines: list[bytes]) -> list[dict[str, object]]:
        folder.mkdir()
        (folder / "t.csv").write_bytes(b"".join(lines))
        hashed = content_hash(spec, root=folder, connections={}, cache=None)
        places = {"root": folder, "connections": {}, "directory": folder / "splits"}
        return rows(ingest(spec, **places, holdout=0.0, source_hash=hashed, declared=Declared(schema, 1)))

    before = look(tmp_path / "before", CSV)
    after = look(tmp_path / "after", [odd + b"\n", *CSV])
    assert [r for r in after if r in before] == before
    assert len(before) == 30


@pytest.mark.parametrize("odd", [b'77,"1', b'77,"1" x', b'77,"5" pipe"'])
def test_a_quote_that_does_not_end_is_said_and_nothing_read(tmp_path: Path, odd: bytes) -> None:
    content = b"n,code\n" + b"".join([*CSV[:5], odd + b"\n", *CSV[5:]])
    with pytest.raises(BuildError, match=r"t\.csv, line 7: a quoted value does not end") as raised:
        read(tmp_path / "a", "t.csv", content)
    assert raised.value.hint is not None
    assert "every line is a row" in raised.value.hint
    before = read(tmp_path / "before", "t.csv", b"n,code\n" + b"".join(CSV), options={"quote": ""})
    assert others(read(tmp_path / "b", "t.csv", content, options={"quote": ""})) == others(before)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ('n,code\r\n1,"a, b"\r\n2,"a ""b"""\r\n\r\n3,"a\r\nb"\r\n4,\r\n5,NA\r\n6,  x \r\n', {"nullstr": "NA"}),
        ("# of 2020\n\nn;code\n1;'a; b'\n2;it''s\n3; x\n", {"comment": "#", "quote": "'"}),
        ('sep\nn\tcode\n1\t"a\n2\tb\n', {"skip": 1, "quote": ""}),
        ("n||code\n1||a|b\n", {"delimiter": "||", "quote": ""}),
        ('n,code\n1,"a\\"b"\n2,c:\\d\n', {"escape": "\\"}),
        ('"n","code"\n"1","ü"\n"2",""\n', {"encoding": "cp1252"}),
        ('n,code\n1,"ü"\n2,\n', {"encoding": "utf-16"}),
    ],
)
def test_a_whole_file_is_read_as_without_a_budget(reader: Reader, content: str, options: dict[str, object]) -> None:
    same_as_without(reader, content.encode(str(options.get("encoding", "utf-8"))), options, "")


@pytest.mark.parametrize(("packed", "encoding"), [(".gz", "utf-8"), (".zst", "utf-8"), (".zst", "utf-16")])
def test_a_packed_file_is_read_as_without_a_budget(reader: Reader, packed: str, encoding: str) -> None:
    """Its delimiter is its header's; the sniffer, which once chose it, would rather find another than a ragged row."""
    stored = "n;code\n1;a,b\n2;c,d\n".encode(encoding)
    content = gzip.compress(stored) if packed == ".gz" else pa.compress(stored, "zstd", asbytes=True)
    same_as_without(reader, content, {"encoding": encoding}, packed)


def same_as_without(reader: Reader, content: bytes, options: dict[str, object], packed: str) -> None:
    reader.write(f"t.csv{packed}", content)
    columns = {"n": "integer", "code": "text"}
    free = reader.read(path=f"t.csv{packed}", columns=columns, options=options)
    schema = Schema((Column("n", "integer", "BIGINT"), Column("code", "text", "VARCHAR")))
    spec = source(path=f"t.csv{packed}", columns=columns, options=options)
    hashed = content_hash(spec, root=reader.root, connections={}, cache=None)
    places = {"root": reader.root, "connections": {}, "directory": reader.root / "private"}
    split = ingest(spec, **places, holdout=0.0, source_hash=hashed, declared=Declared(schema, 1))
    assert rows(split) == rows(free)
    assert split.notes == ()


def test_of_json_lines_the_declared_keys_are_read(tmp_path: Path) -> None:
    """A key may be any text, and is the same key only to the letter."""
    names = ("a/b~c", 'x"y', "$.z", "[0]", "Größe", "n'")
    (tmp_path / "t.jsonl").write_text(
        '{"a/b~c": 1, "x\\"y": 2, "$.z": 3, "[0]": 4, "Größe": 5, "n\'": 6, "größe": 7}\n'
    )
    spec = source(path="t.jsonl", columns=dict.fromkeys(names, "integer"))
    hashed = content_hash(spec, root=tmp_path, connections={}, cache=None)
    places = {"root": tmp_path, "connections": {}, "directory": tmp_path / "splits"}
    schema = Schema(tuple(Column(n, "integer", "BIGINT") for n in names))
    split = ingest(spec, **places, holdout=0.0, source_hash=hashed, declared=Declared(schema, 1))
    assert [tuple(r.values()) for r in rows(split)] == [(1, 2, 3, 4, 5, 6)]


def test_a_delimiter_of_two_characters_needs_a_file_without_quotes(tmp_path: Path) -> None:
    with pytest.raises(SynthError, match="has several characters"):
        read(tmp_path / "a", "t.csv", b"n||code\n1||2\n", options={"delimiter": "||"})


def test_bytes_that_move_all_others_are_said(tmp_path: Path) -> None:
    content = "n,code\n1,ü\n".encode("utf-16") + b"x"
    with pytest.raises(BuildError, match="is not in utf-16"):
        read(tmp_path / "a", "t.csv", content, options={"encoding": "utf-16"})


def test_a_key_that_no_row_has_is_told(tmp_path: Path) -> None:
    """JSON lines do not say which keys there are, so a word that is misspelt in the declaration is no fault."""
    split = read(tmp_path / "a", "t.jsonl", b"".join(b'{"n": %d, "Code": "1"}\n' % i for i in range(9)))
    assert split.notes == ("column 'code' has no value in any row: is it written as in the source?",)


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.zst", "t.jsonl.gz"])
def test_a_packed_file_that_is_cut_short_is_said(tmp_path: Path, name: str) -> None:
    content = JSON if "jsonl" in name else [b"n,code\n", *CSV]
    whole = b"".join(content) * 50
    packed = gzip.compress(whole) if name.endswith("gz") else pa.compress(whole, "zstd", asbytes=True)
    with pytest.raises(BuildError, match="cannot be read to its end"):
        read(tmp_path / "a", name, packed[: len(packed) // 2])
