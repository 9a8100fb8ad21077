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


@pytest.mark.parametrize("columns", [None, ["a"], ["b", "a"]])
def test_rows_are_read_in_the_columns_asked_for_whatever_the_path_says(
    columns: list[str] | None, tmp_path: Path
) -> None:
    folder = tmp_path / "a=7"  # as a partition is named; the file's own column counts
    folder.mkdir()
    rows = pa.table({"a": [1, 2], "b": ["x", "y"]})
    pq.write_table(rows, folder / "rows.parquet")
    found = Table(Schema(()), (folder / "rows.parquet",), 2).to_arrow(columns)
    assert found.num_rows == 2
    assert found.equals(rows if columns is None else rows.select(columns))
