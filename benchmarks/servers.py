"""What publishing into PostgreSQL costs beside COPY of the same rows: of a million, 1.3 times is the bar.

A real server, with settings as it comes. By turns: CSV that was made before is sent by COPY into a table without keys,
in one transaction; and the table's Parquet file is published: rows, primary key, comments, the file's own bytes,
receipt, log and ``synth_meta``, first where there is no table yet, then over the one that is there. Between the turns
what was published is verified, row by row.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg

from benchmarks.publish import SCHEMA, drawn, repeated
from synthkit.records.audit import AuditRecord
from synthkit.records.receipt import AuditedTable
from synthkit.store.hashing import Hashes
from synthkit.store.parquet import write_parquet
from synthkit.store.servers.csvrows import csv_blocks
from synthkit.store.servers.postgres.loading import columns_of, definition
from synthkit.store.servers.postgres.target import Postgres
from synthkit.store.target import PassingAudit, Place
from tests.postgres_server import Server, postgres_server
from tests.receipts import audited

BAR, FROM = 1.3, 1_000_000  # times, of so many rows: of few, what is done once for a table is most of it
TYPES = ("BIGINT", "INTEGER", "DOUBLE", "DOUBLE", "VARCHAR", "VARCHAR", "BOOLEAN", "DATE")
SETTINGS = {"listen_addresses": "127.0.0.1", "shared_buffers": "128MB"}


def table(rows: int) -> AuditedTable:
    columns = [{"name": f.name, "type": t} for f, t in zip(SCHEMA, TYPES, strict=True)]
    typed = [{"name": f.name, "type": "text", "sql_type": t} for f, t in zip(SCHEMA, TYPES, strict=True)]
    drawn_by = {"name": "circuit", "params": {}, "version": 1}
    schema = {"columns": typed, "primary_key": ["id"]}
    return audited(model="big", rows=rows, columns=columns, schema=schema, generator=drawn_by)


def copied(server: Server, blocks: list[bytes], what: AuditedTable) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute(f"CREATE TABLE plain ({definition(columns_of(what))})")
        with connection.cursor().copy("COPY plain FROM STDIN (FORMAT csv)") as copy:
            for block in blocks:
                copy.write(block)


def timed(what: Callable[[], object]) -> float:
    started = time.perf_counter()
    what()
    return time.perf_counter() - started


def main() -> bool:
    """Print the table; True where the bar is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks servers", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--turns", type=int, default=3)
    chosen, _ = parser.parse_known_args(sys.argv[2:])
    taken: dict[str, list[float]] = {"COPY": [], "published, the first time": [], "published again": []}
    with tempfile.TemporaryDirectory() as scratch, postgres_server(SETTINGS) as server:
        root = Path(scratch)
        what, files = table(chosen.rows), [root / f"{name}.parquet" for name in ("one", "two")]
        rows = drawn(chosen.rows)
        hashes: list[Hashes] = [
            write_parquet(repeated(rows, chosen.rows), SCHEMA, file, {"file": file.name}).hashes for file in files
        ]
        blocks = [bytes(block) for block in csv_blocks(files[0], [None] * len(TYPES))]
        for turn in range(chosen.turns):
            taken["COPY"].append(timed(lambda: copied(server, blocks, what)))
            server.execute("DROP TABLE plain", "CHECKPOINT")
            target = Postgres(Place(root / f"r{turn}", root / "n", root / f"s{turn}", server.url, f"s{turn}"))
            for name, file, known in zip([*taken][1:], files, hashes, strict=True):
                passing = PassingAudit.of([AuditRecord(name="ks", severity="error", status="pass")])
                again = partial(target.publish, "big", file, passing, what, hashes=known)
                taken[name].append(timed(again))
                server.execute("CHECKPOINT")
            receipt = target.published("big")
            assert receipt is not None
            assert not list(target.shown_otherwise(receipt, full=True))
    size = sum(map(len, blocks)) / 2**20
    print(f"{chosen.rows:,} rows of {len(TYPES)} columns, {size:.0f} MiB as CSV; {chosen.turns} turns\n")
    print("| PostgreSQL | median s | min s | times COPY | |\n| --- | ---: | ---: | ---: | --- |")
    plain, over = statistics.median(taken["COPY"]), False
    for name, seconds in taken.items():
        times = statistics.median(seconds) / plain
        judged = name != "COPY" and chosen.rows >= FROM
        verdict = "" if not judged else "within" if times <= BAR else "OVER"
        over |= verdict == "OVER"
        print(f"| {name} | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {times:.2f} | {verdict} |")
    return over


if __name__ == "__main__":
    sys.exit(main())
