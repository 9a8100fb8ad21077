"""Parquet files put one behind the other are what one writer would have written."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.errors import BuildError
from synthkit.files import sha256_file
from synthkit.store import parquet
from synthkit.store.parquet import write_parquet
from synthkit.store.rowgroups import AnotherFileError, Part, joined

STAMPS = {"synthkit.model": "m", "other": "ü"}


def rows(count: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 10**9, count)
    return pa.table(
        {
            "n": pa.array(numbers),
            "mostly": pa.array([None if n % 3 else "x" for n in numbers], pa.string()),
            "nothing": pa.nulls(count, pa.string()),
            "code": [f"C-{n:09d}" for n in numbers],
            "x": rng.normal(size=count),
            "yes": numbers % 2 == 0,
            "day": pa.array([dt.date(2020, 1, 1)] * count),
            "price": pa.array([int(n) for n in numbers]).cast(pa.decimal128(22, 2)),
            "at": pa.array(numbers).cast(pa.timestamp("us")),
        }
    )


@pytest.mark.parametrize("counts", [(7,), (20, 20, 19), (1, 40, 3), (5,) * 40])
def test_the_bytes_are_those_of_one_writer(
    counts: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 8)
    tables = [rows(n, i) for i, n in enumerate(counts)]
    parts = []
    for i, table in enumerate(tables):
        path = tmp_path / f"{i}.parquet"
        parts.append(Part(path, write_parquet(table.to_batches(), table.schema, path, STAMPS).hashes.sha256))
    written = joined(parts, tmp_path / "all.parquet")
    stamped = tables[0].schema.with_metadata({k: STAMPS[k] for k in sorted(STAMPS)})
    with pq.ParquetWriter(tmp_path / "one.parquet", stamped, compression="zstd", version="2.6") as writer:
        for table in tables:
            for start in range(0, table.num_rows, 8):
                writer.write_table(table.slice(start, 8).combine_chunks(), row_group_size=8)
    assert (tmp_path / "all.parquet").read_bytes() == (tmp_path / "one.parquet").read_bytes()
    assert written.rows == sum(counts)
    assert written.hashes.sha256 == sha256_file(tmp_path / "all.parquet")


def part(path: Path, table: pa.Table) -> Part:
    return Part(path, write_parquet(table.to_batches(), table.schema, path, STAMPS).hashes.sha256)


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b[:20] + b"!" + b[21:], lambda b: b"", lambda b: b[:9]])
def test_a_file_that_is_not_what_was_written_is_refused(spoil: object, tmp_path: Path) -> None:
    assert callable(spoil)
    parts = [part(tmp_path / f"{i}.parquet", rows(30, i)) for i in range(3)]
    parts[1].path.write_bytes(spoil(parts[1].path.read_bytes()))
    with pytest.raises(AnotherFileError, match="is not what was written") as raised:
        joined(parts, tmp_path / "all.parquet")
    assert raised.value.path == parts[1].path
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.parquet", "1.parquet", "2.parquet"]


def test_files_of_other_columns_are_refused(tmp_path: Path) -> None:
    table = rows(30, 1)
    parts = [part(tmp_path / "a.parquet", table), part(tmp_path / "b.parquet", table.drop_columns(["x"]))]
    with pytest.raises(BuildError, match="has other columns than"):
        joined(parts, tmp_path / "all.parquet")
