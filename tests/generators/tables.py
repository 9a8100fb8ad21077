"""Small tables that the tests of the native generators learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.schema import Column, LogicalType, Schema, Table


def table_of(tmp_path: Path, columns: dict[str, tuple[LogicalType, Any]]) -> Table:
    path = tmp_path / "rows.parquet"
    rows = pa.table({name: values for name, (_, values) in columns.items()})
    pq.write_table(rows, path)
    return Table(Schema(tuple(Column(n, kind, "") for n, (kind, _) in columns.items())), (path,), rows.num_rows)


def people(tmp_path: Path, rows: int = 3_000) -> Table:
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, rows)
    income = np.round(rng.gamma(3, 10_000, rows) * (1 + (age > 40)), 2)
    leaves = np.where(rng.random(rows) < np.where(income > 50_000, 0.02, 0.3), "yes", "no")
    city = rng.choice(["Bern", "Basel", "Chur"], rows, p=[0.5, 0.4, 0.1])
    visits = np.where(rng.random(rows) < 0.6, 0, rng.poisson(5, rows))
    return table_of(
        tmp_path,
        {
            "age": ("integer", pa.array(age)),
            "income": ("float", pa.array(income, mask=rng.random(rows) < 0.1)),
            "leaves": ("categorical", pa.array(leaves)),
            "city": ("categorical", pa.array(city)),
            "visits": ("integer", pa.array(visits, pa.int16())),
        },
    )


def odd_columns(tmp_path: Path, rows: int = 400) -> Table:
    """A value per row, one value, no value, and a column with nothing odd about it."""
    rng = np.random.default_rng(0)
    return table_of(
        tmp_path,
        {
            "only": ("categorical", pa.array([str(i) for i in range(rows)])),
            "constant": ("float", pa.array([2.5] * rows)),
            "missing": ("float", pa.array([None] * rows, pa.float64())),
            "normal": ("float", pa.array(rng.normal(size=rows))),
        },
    )
