"""Columns that a private model does not learn: made up from the declaration, whatever the rows hold."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.encoding.declared_fill import plan_declared
from synthkit.encoding.fill import ColumnPlan, fill
from synthkit.schema import Column, Schema

SCHEMA = Schema(
    (
        Column("id", "id", "BIGINT"),
        Column("code", "id", "VARCHAR"),
        Column("note", "text", "VARCHAR"),
        Column("email", "text", "VARCHAR", pii="email"),
        Column("age", "integer", "BIGINT", bounds=(0, 99)),
    ),
    ("id",),
)
TYPES = pa.schema([(c.name, pa.int64() if c.sql_type == "BIGINT" else pa.string()) for c in SCHEMA.columns])


def plan(tmp_path: Path, rows: list[dict[str, object]], schema: Schema = SCHEMA) -> ColumnPlan:
    file = tmp_path / f"{len(rows)}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, TYPES), file)
    return plan_declared(schema, file)


def test_the_plan_is_the_same_whatever_the_rows_hold(tmp_path: Path) -> None:
    one = {"id": 7, "code": "XX-1", "note": "hello", "email": "a@b.c", "age": 5}
    none: dict[str, object] = dict.fromkeys(one, None)
    assert plan(tmp_path, []) == plan(tmp_path, [one]) == plan(tmp_path, [one, none, none])


def test_every_column_is_made_up_and_keys_are_unique(tmp_path: Path) -> None:
    found = plan(tmp_path, [])
    assert found.modelled.names == ("age",)
    drawn = pa.record_batch({"age": pa.array([5] * 1_000, pa.int64())})
    made = pa.Table.from_batches(list(fill(iter([drawn]), found, rows=1_000, seed=1)))
    assert made.schema.names == list(SCHEMA.names)
    assert made.column("id").to_pylist() == list(range(1, 1_001))
    assert len(set(made.column("code").to_pylist())) == 1_000
    assert all(" " in note for note in made.column("note").to_pylist())
    assert all("@" in email for email in made.column("email").to_pylist())
    assert sum(c.null_count for c in made.columns) == 0
    assert ColumnPlan.from_json(found.to_json()) == found


def test_a_composite_key_stays_unique_within_its_declared_bounds(tmp_path: Path) -> None:
    columns = (
        Column("age", "integer", "BIGINT", bounds=(0, 99)),
        Column("note", "categorical", "VARCHAR", values=("a",)),
    )
    keyed = Schema(columns, ("age", "note"))
    found = plan(tmp_path, [], keyed)
    drawn = pa.record_batch({"age": pa.array([5] * 100, pa.int64()), "note": pa.array(["a"] * 100)})
    made = pa.Table.from_batches(list(fill(iter([drawn]), found, rows=100, seed=1)))
    assert sorted(made.column("age").to_pylist()) == list(range(100))
