"""Keys, text, personal data, constants: made up, in the source's types, and never the source's values."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.encoding.faker import known_pii
from synthkit.encoding.fill import ColumnPlan, distinct_in, fill, plan_columns
from synthkit.encoding.shapes import capacity, pattern, realise
from synthkit.schema import Column, Schema, Table
from tests.tables import make_table


def made(table: Table, rows: int, seed: int = 1, batch: int | None = None) -> pa.Table:
    plan = ColumnPlan.from_json(json.loads(json.dumps(plan_columns(table).to_json())))
    assert plan == plan_columns(table)
    learnt = [c.name for c in plan.modelled.columns]
    batches = iter(table.to_arrow(learnt).slice(0, rows).to_batches(max_chunksize=batch)) if learnt else iter(())
    return pa.Table.from_batches(list(fill(batches, plan, rows=rows, seed=seed)))


def table_of(path: Path, column: str, sql_type: str, values: pa.Array, kind: str, pii: str | None = None) -> Table:
    table = make_table(path / "t.parquet", {column: (sql_type, values)}, **{column: kind})  # type: ignore[arg-type]
    if pii is None:
        return table
    schema = Schema((Column(column, "text", sql_type, pii=pii),))
    return Table(schema, table.paths, table.rows)


def test_string_keys_have_the_sources_shape_are_unique_and_new(tmp_path: Path) -> None:
    real = [f"C-{i:05d}" for i in range(500)]
    rows = made(table_of(tmp_path, "k", "VARCHAR", pa.array(real), "id"), 2_000).column("k").to_pylist()
    assert len(set(rows)) == 2_000
    assert not set(rows) & set(real)
    assert all(len(v) == 7 and v.startswith("C-") and v[2:].isdigit() for v in rows)


@given(st.lists(st.none() | st.integers(-5, 5), max_size=30), st.integers(1, 30))
def test_whole_numbers_that_differ_are_counted_as_arrow_counts_them(values: list[int | None], cut: int) -> None:
    present = pa.chunked_array([pa.array(values[:cut], pa.int64()), pa.array(values[cut:], pa.int64())]).drop_null()
    assert distinct_in(present) == pc.count_distinct(present).as_py()


@pytest.mark.parametrize("last", [None, 7, 8])
def test_a_column_is_constant_only_if_its_last_row_is_the_same(tmp_path: Path, last: int | None) -> None:
    values = pa.array([7] * 2_000 + [last], pa.int64())
    plan = plan_columns(table_of(tmp_path, "n", "BIGINT", values, "integer"))
    assert [rule.kind for rule in plan.filled] == (["constant"] if last == 7 else [])


def test_integer_keys_count_in_their_own_type(tmp_path: Path) -> None:
    table = table_of(tmp_path, "k", "INTEGER", pa.array(range(1000, 1100), pa.int32()), "id")
    rows = made(table, 150)
    assert rows.column("k").to_pylist() == list(range(1, 151))
    assert rows.schema.field("k").type == pa.int32()


def test_uuids_stay_uuids(tmp_path: Path) -> None:
    import uuid

    real = [str(uuid.UUID(int=i * 7919)) for i in range(50)]
    rows = made(table_of(tmp_path, "k", "VARCHAR", pa.array(real), "id"), 60).column("k").to_pylist()
    assert len({uuid.UUID(v) for v in rows}) == 60


def test_foreign_keys_repeat_as_often_as_the_sources(tmp_path: Path) -> None:
    real = [f"K{i:04d}" for i in range(200) for _ in range(1 + 4 * (i % 2))]  # half once, half five times
    rows = made(table_of(tmp_path, "k", "VARCHAR", pa.array(real), "id"), 3_000).column("k").to_pylist()
    assert not set(rows) & set(real)
    assert len(rows) / len(set(rows)) == pytest.approx(3.0, rel=0.1)  # the mean of 1 and 5, within 10 % at 1,000 keys


def test_text_is_made_up_with_its_share_of_nulls(tmp_path: Path) -> None:
    real = [None if i % 4 == 0 else f"The quick fox number {i} jumps" for i in range(400)]
    rows = made(table_of(tmp_path, "t", "VARCHAR", pa.array(real), "text"), 2_000).column("t")
    assert rows.null_count / 2_000 == pytest.approx(0.25, abs=0.04)  # four standard errors
    assert not {v for v in rows.to_pylist() if v} & {v for v in real if v}


@pytest.mark.parametrize("pii", ["email", "name", "phone", "first_name", "date_of_birth"])
def test_faker_fills_personal_data(tmp_path: Path, pii: str) -> None:
    real = [f"person{i}@example.org" for i in range(60)]
    rows = made(table_of(tmp_path, "p", "VARCHAR", pa.array(real), "text", pii), 80).column("p").to_pylist()
    assert len(set(rows)) == 80  # the source's values all differ
    assert not set(rows) & set(real)
    if pii == "email":
        assert all("@" in v for v in rows)


def test_known_pii() -> None:
    assert known_pii("email")
    assert known_pii("phone")
    assert not known_pii("emial")
    assert not known_pii("seed_instance")


def test_values_do_not_depend_on_how_rows_are_cut(tmp_path: Path) -> None:
    columns = {
        "n": ("BIGINT", pa.array(range(9_000), pa.int64())),
        "k": ("VARCHAR", pa.array([f"A{i:06d}" for i in range(9_000)])),
    }
    table = make_table(tmp_path / "t.parquet", columns, k="id")
    whole, cut = made(table, 9_000), made(table, 9_000, batch=777)
    assert whole.equals(cut)
    assert not whole.equals(made(table, 9_000, seed=2))


def test_a_table_without_anything_to_learn_is_made_up_whole(tmp_path: Path) -> None:
    table = table_of(tmp_path, "k", "VARCHAR", pa.array([f"A{i}" for i in range(30)]), "id")
    assert plan_columns(table).modelled.columns == ()
    assert made(table, 45).num_rows == 45


@given(st.text(max_size=40))
def test_a_pattern_gives_strings_of_the_same_pattern(text: str) -> None:
    import numpy as np

    shape = pattern(text)
    assert capacity(shape) >= 1
    if text.isascii():
        assert pattern(realise(shape, np.random.default_rng(1))) == shape


def test_rare_values_of_which_none_is_common_are_made_up(tmp_path: Path) -> None:
    """Ten rows each, but all of one person: no value may come back, so nothing is learnt of the column."""
    place = [f"place {i // 10}" for i in range(400)]
    rows = pa.table({"place": place, "who": [i // 10 for i in range(400)], "x": list(range(400))})
    pq.write_table(rows, tmp_path / "rows.parquet")
    columns = (
        Column("place", "categorical", "VARCHAR", rare="similar"),
        Column("who", "id", "BIGINT"),
        Column("x", "integer", "BIGINT"),
    )
    for unit, made_up in ((None, False), ("who", True)):
        plan = plan_columns(Table(Schema(columns, privacy_unit=unit), (tmp_path / "rows.parquet",), 400))
        assert ("place" in plan.modelled.names) is not made_up
        assert ("place" in [rule.column.name for rule in plan.filled]) is made_up
