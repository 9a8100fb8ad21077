"""Content hashes."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path

import duckdb
import pytest

from synthkit.sources import describe, fingerprint, lineends, standing
from tests.sources.reading import Reader, settle, source


def test_the_hash_is_of_the_content(reader: Reader) -> None:
    file = reader.write("a.csv", "a\n1\n")
    reader.write("b.csv", "a\n1\n")
    assert reader.hash(path="a.csv") == hashlib.sha256(file.read_bytes()).hexdigest() == reader.hash(path="b.csv")
    reader.write("b.csv", "a\n2\n")
    assert reader.hash(path="a.csv") != reader.hash(path="b.csv")


def test_a_glob_has_a_hash_of_its_own(reader: Reader) -> None:
    reader.write("p1.csv", "a\n1\n")
    one = reader.hash(path="p*.csv")
    reader.write("p2.csv", "a\n2\n")
    two = reader.hash(path="p*.csv")
    assert len({one, two, reader.hash(path="p1.csv"), reader.hash(path="p2.csv")}) == 3


def test_standing_files_are_not_read_again(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    file, cache = reader.write("t.csv", "a\n1\n"), reader.root / "cache"
    settle(file)
    first = reader.hash(cache, path="t.csv")
    monkeypatch.setattr(fingerprint, "file_digest", lambda *_: pytest.fail("it is read"))
    assert reader.hash(cache, path="t.csv") == first


def test_a_time_that_was_put_back_hides_nothing(reader: Reader) -> None:
    file, cache = reader.write("t.csv", "a\n1\n"), reader.root / "cache"
    settle(file)
    reader.hash(cache, path="t.csv")
    reader.describe(cache, path="t.csv")
    stat = file.stat()
    file.write_text("b\n2\n")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    assert reader.hash(cache, path="t.csv") == hashlib.sha256(b"b\n2\n").hexdigest()
    assert reader.describe(cache, path="t.csv").names == ("b",)


def test_a_file_put_in_its_place_hides_nothing(reader: Reader) -> None:
    file, other, cache = reader.write("t.csv", "a\n1\n"), reader.write("o.csv", "a\n2\n"), reader.root / "cache"
    stat = file.stat()
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    settle(other)
    reader.hash(cache, path="t.csv")
    other.replace(file)
    assert reader.hash(cache, path="t.csv") == hashlib.sha256(b"a\n2\n").hexdigest()


def test_of_a_file_that_was_written_just_now_nothing_is_remembered(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second write within the same tick leaves all its times as they are: here the clock stands still."""
    file, cache = reader.write("t.csv", "a\n1\n"), reader.root / "cache"
    stands = standing.standing(source(path="t.csv"), reader.root, {})
    assert stands is not None
    monkeypatch.setattr(standing.time, "time_ns", lambda: file.stat().st_ctime_ns)
    reader.hash(cache, path="t.csv")
    reader.describe(cache, path="t.csv")
    file.write_text("b\n2\n")
    monkeypatch.setattr(fingerprint, "standing", lambda *_: stands)
    monkeypatch.setattr(describe, "standing", lambda *_: stands)
    assert reader.hash(cache, path="t.csv") == hashlib.sha256(b"b\n2\n").hexdigest()
    assert reader.describe(cache, path="t.csv").names == ("b",)


def test_a_file_that_is_written_while_it_is_hashed_is_not_remembered(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, cache = reader.write("t.csv", "a\n1\n"), reader.root / "cache"
    settle(file)
    digest = fingerprint.file_digest

    def written(path: Path, text: lineends.Text | None) -> str:
        found = digest(path, text)
        path.write_text("a\n2\n")
        return found

    monkeypatch.setattr(fingerprint, "file_digest", written)
    reader.hash(cache, path="t.csv")
    assert not cache.exists()


def test_a_database_is_its_file_and_what_is_not_yet_in_it(reader: Reader) -> None:
    path = reader.root / "db.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript("PRAGMA journal_mode = wal; CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)")
    lite = Reader(reader.root, lite={"type": "sqlite", "path": "db.sqlite"})
    before = lite.hash(lite.root / "cache", connection="lite", table="t")
    db.execute("INSERT INTO t VALUES (2)")
    db.commit()
    assert path.with_name("db.sqlite-wal").stat().st_size > 0
    assert lite.hash(lite.root / "cache", connection="lite", table="t") != before
    assert lite.read(connection="lite", table="t").rows == 2
    db.close()


def test_a_duckdb_file(reader: Reader) -> None:
    with duckdb.connect(str(reader.root / "d.duckdb")) as db:
        db.execute("CREATE TABLE t AS SELECT 1 AS a")
    duck = Reader(reader.root, duck={"type": "duckdb", "path": "d.duckdb"})
    before = duck.hash(connection="duck", table="t")
    assert duck.hash(connection="duck", table="t") == before
    with duckdb.connect(str(reader.root / "d.duckdb")) as db:
        db.execute("INSERT INTO t VALUES (2)")
    assert duck.hash(connection="duck", table="t") != before
