"""Rows at rest."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.schema import Column, Schema, Table


@pytest.mark.parametrize("asked", [0, 1, 3, 4, 5, 8, 9])
def test_the_first_rows_are_those_of_the_whole_table(tmp_path: Path, asked: int) -> None:
    rows = pa.table({"n": pa.array(range(8)), "w": pa.array(["a", None, "b", "c"] * 2)})
    paths = (tmp_path / "a.parquet", tmp_path / "b.parquet")
    for path, start in zip(paths, (0, 4), strict=True):
        pq.write_table(rows.slice(start, 4), path, row_group_size=3)
    table = Table(Schema((Column("n", "integer", "BIGINT"), Column("w", "categorical", "VARCHAR"))), paths, 8)
    assert table.first(asked).equals(table.to_arrow().slice(0, asked))
