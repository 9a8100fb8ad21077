"""What tells the rows of an owner apart: a line's number in its order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.generators.family.counting import Counted, counted_of
from synthkit.schema import Column, Schema, Table


def table(folder: Path, numbers: list[int], key: tuple[str, ...] = ("order", "line")) -> Table:
    pq.write_table(pa.table({"order": [1, 1, 1, 2, 2], "line": numbers}), folder / "rows.parquet")
    columns = (Column("order", "id", "BIGINT"), Column("line", "integer", "BIGINT"))
    return Table(Schema(columns, primary_key=key), (folder / "rows.parquet",), 5)


@pytest.mark.parametrize(
    ("numbers", "first"), [([1, 2, 3, 1, 2], 1), ([2, 0, 1, 1, 0], 0), ([1, 2, 4, 1, 2], None), ([1, 2, 3, 2, 3], None)]
)
def test_what_counts_in_the_source_counts(tmp_path: Path, numbers: list[int], first: int | None) -> None:
    assert counted_of(table(tmp_path, numbers), {"order"}) == Counted("line", ("order",), first)


def test_a_key_of_one_column_or_of_keys_alone_has_none(tmp_path: Path) -> None:
    assert counted_of(table(tmp_path, [1, 2, 3, 1, 2], ("line",)), {"order"}) is None
    assert counted_of(table(tmp_path, [1, 2, 3, 1, 2]), {"order", "line"}) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)), max_size=40), st.sampled_from([None, 0, 1]))
def test_no_two_of_a_group_are_alike(rows: list[tuple[int, int]], first: int | None) -> None:
    order, line = [r[0] for r in rows], [r[1] for r in rows]
    columns = {"order": pa.array(order, pa.int64()), "line": pa.array(line, pa.int32())}
    found = Counted("line", ("order",), first).apart(columns)
    assert found.type == pa.int32()
    pairs = list(zip(order, found.to_pylist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    for group in set(order):
        mine = sorted(n for o, n in pairs if o == group)
        if first is not None:
            assert mine == list(range(first, first + len(mine)))
    if len(set(rows)) == len(rows) and first is None:
        np.testing.assert_array_equal(found.to_pylist(), line)  # what is different stays
