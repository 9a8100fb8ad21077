"""Positions by declaration alone: what each type's values become, and what becomes of those that do not belong."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.encoding.axes import MOST_STEPS, STEPS, Axis, axis_of, grid_points
from synthkit.encoding.declared import DeclaredEncoder, declared_encoder
from synthkit.errors import BuildError
from synthkit.schema import Column, LogicalType, Schema, Table


def encoder(tmp_path: Path, values: pa.Array, column: Column) -> DeclaredEncoder:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({column.name: values}), path)
    return declared_encoder(Table(Schema((column,)), (path,), len(values)))


def positions(tmp_path: Path, values: pa.Array, column: Column) -> list[int]:
    found = encoder(tmp_path, values, column)
    (here,) = found.encode(pa.record_batch([values], names=[column.name]))
    return list(here.tolist())


@pytest.mark.parametrize(
    ("values", "column", "expected"),
    [
        (pa.array([0, 5, 9, -3, 99, None]), Column("x", "integer", "BIGINT", bounds=(0, 9)), [0, 5, 9, 0, 9, 10]),
        (pa.array([2**62, -(2**62)]), Column("x", "integer", "BIGINT", bounds=(0, 9)), [9, 0]),
        (
            pa.array([0.1 + 0.2, math.nan, math.inf, -math.inf, None]),
            Column("x", "float", "DOUBLE", bounds=(0, 1), decimals=1),
            [3, 11, 10, 0, 11],
        ),
        (pa.array([0.0, 1.0, 0.5]), Column("x", "float", "DOUBLE", bounds=(0, 1)), [0, STEPS, STEPS // 2]),
        (
            pa.array([Decimal("1.25"), Decimal("9.99")], pa.decimal128(18, 2)),
            Column("x", "decimal", "DECIMAL(18,2)", bounds=(1, 5)),
            [25, 400],
        ),
        (
            pa.array([dt.date(2020, 1, 3), dt.date(1999, 1, 1)]),
            Column("x", "date", "DATE", bounds=("2020-01-01", "2020-12-31")),
            [2, 0],
        ),
        (
            pa.array([dt.datetime(2020, 1, 1, 0, 1, 0, 600_000)], pa.timestamp("us")),
            Column("x", "datetime", "TIMESTAMP", bounds=("2020-01-01 00:00:00", "2020-01-02 00:00:00")),
            [61],
        ),
        (
            pa.array(["a", "c", "A", None]),
            Column("x", "categorical", "VARCHAR", values=("a", "b", "c")),
            [0, 2, 3, 3],
        ),
        (pa.array([1, 0, 7]), Column("x", "integer", "BIGINT", values=(0, 1)), [1, 0, 2]),
        (pa.array([True, False, None]), Column("x", "boolean", "BOOLEAN"), [1, 0, 2]),
    ],
)
def test_values_become_positions(tmp_path: Path, values: pa.Array, column: Column, expected: list[int]) -> None:
    assert positions(tmp_path, values, column) == expected


def test_a_row_that_a_column_cannot_hold_is_dropped_by_itself(tmp_path: Path) -> None:
    column = Column("x", "categorical", "VARCHAR", nullable=False, values=("a", "b"))
    assert positions(tmp_path, pa.array(["b", None, "z", "a"]), column) == [1, 0]
    number = Column("x", "float", "DOUBLE", nullable=False, bounds=(0, 1), decimals=0)
    assert positions(tmp_path, pa.array([1.0, math.nan, None, 0.0, 8.0]), number) == [1, 0, 1]


@given(st.lists(st.integers(-50, 50), min_size=1), st.integers(-20, 0), st.integers(1, 20))
def test_values_within_the_bounds_come_back_exactly(values: list[int], low: int, high: int) -> None:
    axis = axis_of(Column("x", "integer", "BIGINT", bounds=(low, high)), pa.int64())
    coder = DeclaredEncoder((axis,), _types({"x": pa.int64()}))
    batch = pa.record_batch([pa.array(values)], names=["x"])
    (here,) = coder.encode(batch)
    back = coder.decode([here], [np.full(len(values), np.nan)])
    assert back.column("x").to_pylist() == [min(max(v, low), high) for v in values]


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_decimals_of_floats_come_back_exactly(cents: list[int]) -> None:
    axis = axis_of(Column("x", "float", "DOUBLE", bounds=(0, 100), decimals=2), pa.float64())
    coder = DeclaredEncoder((axis,), _types({"x": pa.float64()}))
    values = [c / 100 for c in cents]
    (here,) = coder.encode(pa.record_batch([pa.array(values)], names=["x"]))
    assert coder.decode([here], [np.zeros(len(here))]).column("x").to_pylist() == values


def test_off_every_grid_a_spike_is_the_roundest_number_of_its_step() -> None:
    axis = axis_of(Column("x", "float", "DOUBLE", bounds=(-1.0, 3.0)), pa.float64())
    coder = DeclaredEncoder((axis,), _types({"x": pa.float64()}))
    values = [0.0, 0.25, -1.0, 3.0, 2.5]
    (here,) = coder.encode(pa.record_batch([pa.array(values)], names=["x"]))
    assert coder.decode([here], [np.full(5, np.nan)]).column("x").to_pylist() == values
    spread = coder.decode([here], [np.full(5, 0.999)]).column("x").to_pylist()
    assert all(-1 <= s <= 3 and abs(s - v) <= 4 / STEPS for s, v in zip(spread, values, strict=True))


@pytest.mark.parametrize(
    ("kind", "sql", "declared", "message"),
    [
        ("integer", "BIGINT", {}, "bounds"),
        ("categorical", "VARCHAR", {}, "values"),
        ("integer", "BIGINT", {"bounds": (5, 1)}, "no range"),
        ("integer", "BIGINT", {"bounds": ("a", "b")}, "no number"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, kind: LogicalType, sql: str, declared: dict[str, Any], message: str
) -> None:
    values = pa.array([1]) if kind == "integer" else pa.array(["a"])
    with pytest.raises(BuildError, match=message):
        encoder(tmp_path, values, Column("x", kind, sql, **declared))


def test_an_empty_file_has_the_same_encoder(tmp_path: Path) -> None:
    column = Column("x", "integer", "BIGINT", bounds=(0, 9))
    full, empty = (encoder(tmp_path, pa.array(v, pa.int64()), column) for v in ([3, None, 99], []))
    assert full.to_json() == empty.to_json()
    assert DeclaredEncoder.from_json(full.to_json()) == full


def test_wide_ranges_share_steps() -> None:
    column = Column("x", "integer", "BIGINT", bounds=(0, 2**60))
    axis = axis_of(column, pa.int64())
    assert axis.points <= MOST_STEPS + 1
    assert grid_points(column) == MOST_STEPS
    assert Axis.from_json(axis.to_json()) == axis


def _types(kinds: dict[str, pa.DataType]) -> tuple[tuple[str, str], ...]:
    from synthkit.encoding.fill import serialised

    return serialised(pa.schema(list(kinds.items())))
