"""Content hashes."""

from __future__ import annotations

import hashlib
import os
import sqlite3

import duckdb

from tests.sources.reading import Reader


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


def test_standing_files_are_not_read_again(reader: Reader) -> None:
    file, cache = reader.write("t.csv", "a\n1\n"), reader.root / "cache"
    first, stat = reader.hash(cache, path="t.csv"), file.stat()
    file.write_text("a\n2\n")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # as if nothing had happened
    assert reader.hash(cache, path="t.csv") == first
    assert reader.hash(path="t.csv") != first


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
