"""Rows bounded per privacy unit: one unit more or less moves no other unit's rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.schema import Column, Schema, Table
from synthkit.sources.bounding import bounded_table

FOUND = Schema((Column("who", "id", "VARCHAR"), Column("x", "categorical", "VARCHAR")), privacy_unit="who")
DECLARED = Schema((Column("who", "id", "VARCHAR"), Column("x", "integer", "BIGINT")), privacy_unit="who")
Rows = list[tuple[str | None, str | None]]


def kept(rows: Rows, most: int, declared: Schema = DECLARED, found: Schema = FOUND) -> Counter[tuple[object, ...]]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "all.parquet"
        whole = {"who": pa.array([r[0] for r in rows], pa.string()), "x": pa.array([r[1] for r in rows], pa.string())}
        pq.write_table(pa.table(whole), file)
        table = bounded_table(
            Table(found, (file,), len(rows)), declared, max_rows_per_unit=most, directory=Path(folder)
        )
        read = table.to_arrow()
        assert read.num_rows == table.rows
        assert read.schema.field("x").type == (pa.int64() if declared is not FOUND else pa.string())
        return Counter(tuple(r.values()) for r in read.to_pylist())


rows_of_units = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d", None]), st.sampled_from(["1", "2", "3", "x", None])), max_size=25
)


@settings(max_examples=40, deadline=None)
@given(rows_of_units, st.integers(1, 4), st.sampled_from(["a", "b", None]))
def test_a_unit_adds_at_most_its_share_and_moves_no_other(rows: Rows, most: int, unit: str | None) -> None:
    every, without = kept(rows, most), kept([r for r in rows if r[0] != unit], most)
    assert not without - every, "rows of other units were lost or changed"
    added = every - without
    assert {r[0] for r in added} <= {unit}
    assert sum(added.values()) == min(most, sum(r[0] == unit for r in rows))


@settings(max_examples=20, deadline=None)
@given(rows_of_units)
def test_a_value_that_does_not_fit_is_missing_and_its_row_stays(rows: Rows) -> None:
    found = kept(rows, 100)
    assert sum(found.values()) == len(rows)
    wanted = Counter((who, int(x) if x in ("1", "2", "3") else None) for who, x in rows)
    assert found == wanted


def test_where_a_row_is_the_unit_every_row_stays() -> None:
    one = Schema(DECLARED.columns)
    rows: Rows = [("a", "1")] * 5
    assert kept(rows, 1, one, Schema(FOUND.columns)) == Counter({("a", 1): 5})
