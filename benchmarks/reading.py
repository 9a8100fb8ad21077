"""How fast a server's table is read: rows per second, beside the best that a plain cursor of a driver does with it.

The servers are made anew (`tests/postgres_server.py`, `tests/mysql_server.py`) and hold the same rows: numbers,
decimals, text, dates. A plain cursor asks for the table and drops what it gets; PostgreSQL's is COPY. What is
measured of synthkit is all until the rows are at rest, in types, in one order: half of the plain rate is the bar. Then
the digest that the server makes, and all of an ingest: that digest twice, reading, checking, dividing, profiles.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.ingest import ingest
from synthkit.sources.scan import opened

BAR = 0.5
COLUMNS = (
    "id BIGINT PRIMARY KEY, n INT, amount DECIMAL(12,2), f {double}, name VARCHAR(40), city VARCHAR(20), d DATE,"
    " ts TIMESTAMP NULL, ok BOOLEAN, note VARCHAR(80)"
)
POSTGRES = """
INSERT INTO t SELECT g, g % 97, g * 1.37, g / 7.0, 'name ' || g,
    (ARRAY['Berlin', 'Paris', 'Rom', 'Wien', 'Oslo'])[1 + g % 5],
    date '2020-01-01' + g % 1000, timestamp '2020-01-01 10:00' + g * interval '1 second', g % 2 = 0, repeat('x', g % 40)
FROM generate_series(1, {rows}) g
"""
MYSQL = """
INSERT INTO t SELECT seq, seq % 97, seq * 1.37, seq / 7, CONCAT('name ', seq),
    ELT(1 + seq % 5, 'Berlin', 'Paris', 'Rom', 'Wien', 'Oslo'), DATE_ADD('2020-01-01', INTERVAL seq % 1000 DAY),
    DATE_ADD('2020-01-01 10:00:00', INTERVAL seq SECOND), seq % 2, REPEAT('x', seq % 40)
FROM seq_1_to_{rows}
"""


@contextmanager
def served(fixture: Any) -> Iterator[Any]:
    """A server of the tests', outside of them."""
    running = fixture.__wrapped__() if hasattr(fixture, "__wrapped__") else fixture.__pytest_wrapped__.obj()
    try:
        yield next(running)
    finally:
        next(running, None)


def plain_copy(server: Any) -> int:
    import psycopg

    command = "COPY t TO STDOUT (FORMAT csv)"
    with psycopg.connect(server.url) as connection, connection.cursor() as cursor, cursor.copy(command) as copy:
        return sum(1 for _ in copy)


def plain_cursor(server: Any) -> int:
    from pymysql.cursors import SSCursor

    with server.connect(cursorclass=SSCursor) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM t")
        rows = 0
        while batch := cursor.fetchmany(10_000):
            rows += len(batch)
        return rows


def rate(rows: int, turns: int, work: Callable[[Path], object]) -> float:
    """Rows per second, the best of some turns: what others do on this machine only slows."""
    best = []
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            work(Path(folder))
            best.append(rows / (time.perf_counter() - start))
    return max(best)


def measured(kind: str, server: Any, plain: Callable[[Any], int], rows: int, turns: int) -> bool:
    spec = SourceTableSpec(name="t", connection="it", primary_key=("id",))
    connections = {"it": ConnectionSpec(type=kind, url=server.url)}
    given: dict[str, Any] = {"root": Path(), "connections": connections}

    def read(folder: Path) -> None:
        with opened(spec, **given, scratch=folder / "scratch") as source:
            source.connection.execute("SELECT count(*) FROM raw").fetchone()

    def whole(folder: Path) -> None:
        digest = content_hash(spec, **given, cache=None)
        ingest(spec, **given, holdout=0.2, directory=folder / "split", source_hash=digest)

    plainly = rate(rows, turns, lambda _: plain(server))
    ours = rate(rows, turns, read)
    digested = rate(rows, turns, lambda _: content_hash(spec, **given, cache=None))
    ingested = rate(rows, turns, whole)
    share = ours / plainly
    print(f"| {kind} | {plainly:,.0f} | {ours:,.0f} | {share:.2f} × | {digested:,.0f} | {ingested:,.0f} |")
    return share >= BAR


def main() -> int:
    from tests import mysql_server, postgres_server

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--turns", type=int, default=3)
    options, _ = parser.parse_known_args()
    print(f"{options.rows:,} rows of ten columns; rows per second, the best of {options.turns} turns\n")
    print("| server | plain | read | | digested | ingested |\n| --- | --- | --- | --- | --- | --- |")
    kept = []
    with served(postgres_server.postgres) as server:
        server.execute("CREATE TABLE t (" + COLUMNS.format(double="DOUBLE PRECISION") + ")")
        server.execute(POSTGRES.format(rows=options.rows), "ANALYZE t")
        kept.append(measured("postgres", server, plain_copy, options.rows, options.turns))
    with served(mysql_server.mysql) as server:
        server.execute("CREATE TABLE t (" + COLUMNS.format(double="DOUBLE") + ")")
        server.execute(MYSQL.format(rows=options.rows), "ANALYZE TABLE t")
        kept.append(measured("mysql", server, plain_cursor, options.rows, options.turns))
    print(f"\nreading reaches {BAR} × of a plain cursor: {'yes' if all(kept) else 'no'}")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
