"""What publishing a table of ten million rows costs beside writing its Parquet file: 10 % is the bar.

The rows are drawn in batches, as a generator yields them, and written three ways in each turn: by PyArrow's own writer
alone, by synthkit's (regrouped, under a temporary name, flushed to disk), and then published: hashed, kept as a DVC
version, named by pointer and receipt, and brought into the DuckDB file as each kind of ``materialized``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.files import sync_file
from synthkit.records.receipt import AuditedTable
from synthkit.store.database import rebuild
from synthkit.store.hashing import Hashes
from synthkit.store.parquet import FORMAT, ROW_GROUP, write_parquet
from synthkit.store.published import pointer_path
from synthkit.store.target import PassingAudit, TableInfo
from synthkit.store.versions.pointer import write_pointer
from synthkit.store.versions.repository import Repository
from synthkit.store.warehouse import Warehouse

T = TypeVar("T")
BATCH = 65_536  # rows
KINDS = ("parquet", "view", "table")
BAR = 10.0  # per cent
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("age", pa.int32()),
        ("income", pa.float64()),
        ("score", pa.float64()),
        ("city", pa.string()),
        ("tier", pa.string()),
        ("active", pa.bool_()),
        ("joined", pa.date32()),
    ]
)


def drawn(rows: int) -> list[pa.RecordBatch]:
    """A million rows, or fewer, to be written over and over: drawing them is not what is measured."""
    rng = np.random.default_rng(1)
    cities = np.array([f"city {i}" for i in range(500)])
    found = []
    for first in range(0, min(rows, 1_000_000), BATCH):
        n = min(BATCH, rows - first, 1_000_000 - first)
        columns = [
            np.arange(first, first + n),
            rng.integers(18, 91, n).astype("int32"),
            np.round(rng.lognormal(10, 0.5, n), 2),
            rng.normal(size=n),
            cities[rng.zipf(1.5, n) % 500],
            np.array(["basic", "plus", "pro"])[rng.integers(0, 3, n)],
            rng.random(n) < 0.7,
            rng.integers(10_000, 20_000, n).astype("int32"),
        ]
        found.append(pa.record_batch([pa.array(c).cast(f.type) for c, f in zip(columns, SCHEMA, strict=True)], SCHEMA))
    return found


def repeated(batches: list[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    left = rows
    while left > 0:
        for batch in batches:
            yield batch.slice(0, left)
            left -= batch.num_rows
            if left <= 0:
                return


def plainly(batches: Iterator[pa.RecordBatch], path: Path) -> None:
    """The peer: PyArrow's writer, and the flush to disk that a file needs which is to survive."""
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", version=FORMAT) as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=ROW_GROUP)
    sync_file(path)


def publish(root: Path, data: Path, hashes: Hashes, rows: int, kind: str) -> tuple[float, float]:
    """Seconds of publishing with its version, and of the DuckDB file."""
    warehouse = Warehouse(root / "warehouse", root / "warehouse.duckdb")
    table = AuditedTable.from_json(
        {
            "model": "big", "run_id": "benchmark", "published_at": "2026-01-01T00:00:00Z", "rows": rows, "seed": 1,
            "materialized": kind, "generator": {"name": "sql", "params": {}, "version": 1}, "source": None,
            "descends_from": [], "epsilon": None, "delta": None, "guarantees": [], "contains_real_rows": False,
            "schema": {"columns": []}, "columns": [{"name": f.name, "type": str(f.type)} for f in SCHEMA], "inputs": {},
            "fingerprints": dict.fromkeys(("train", "sample", "audit"), "0" * 64), "description": None, "audits": [],
        }
    )  # fmt: skip
    passing = PassingAudit.of([])
    repository = Repository(root)
    started = time.perf_counter()
    written = warehouse.publish("big", data, passing, table, repository.store, hashes)
    write_pointer(pointer_path(warehouse, "big"), written)
    published = time.perf_counter()
    rebuild(warehouse, {"big": TableInfo("big", kind)}, [])
    return published - started, time.perf_counter() - published


def timed(work: Callable[..., T], *arguments: object) -> tuple[float, T]:
    os.sync()  # what others have left to be written is not this work's
    started = time.perf_counter()
    done = work(*arguments)
    return time.perf_counter() - started, done


def main() -> bool:
    """Print seconds and shares; True where publishing a table costs more than the bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks publish")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--turns", type=int, default=3)
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["publish"] else [])
    batches = drawn(given.rows)
    taken: dict[str, list[float]] = {}
    shares: dict[str, list[float]] = {}

    def note(what: str, seconds: float, of: float) -> None:
        taken.setdefault(what, []).append(seconds)
        shares.setdefault(what, []).append(100 * seconds / of)

    for _ in range(given.turns):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
                subprocess.run(command, cwd=root, check=True, capture_output=True)
            staged = root / "staged.parquet"
            plain, _ = timed(plainly, repeated(batches, given.rows), root / "plain.parquet")
            own, written = timed(write_parquet, repeated(batches, given.rows), SCHEMA, staged, {"generator": "sql"})
            size = staged.stat().st_size
            note("Parquet by PyArrow alone", plain, plain)
            note("Parquet by synthkit", own, plain)
            for kind in KINDS:
                version, database = publish(root, staged, written.hashes, given.rows, kind)
                note(f"publish as {kind}: hashes, version, receipt", version, plain)
                note(f"publish as {kind}: DuckDB file", database, plain)
                shutil.rmtree(root / "warehouse")
                shutil.rmtree(root / ".dvc" / "cache", ignore_errors=True)
    print(f"{given.rows:,} rows of {len(SCHEMA)} columns, {size / 1e6:.0f} MB, medians of {given.turns} turns\n")
    print("| what | median s | of writing the Parquet |\n| --- | ---: | ---: |")
    for what, seconds in taken.items():
        print(f"| {what} | {statistics.median(seconds):.2f} | {statistics.median(shares[what]):.1f} % |")
    over = False
    for kind in KINDS:
        parts = (shares[f"publish as {kind}: {part}"] for part in ("hashes, version, receipt", "DuckDB file"))
        share = statistics.median(map(sum, zip(*parts, strict=True)))
        over |= share > BAR
        verdict = "within" if share <= BAR else "OVER"
        print(f"\npublished as {kind}: {share:.1f} % over writing its Parquet ({verdict} {BAR:g} %)")
    return over
