"""Small tables as the generators get them: Parquet at rest with a schema."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.schema import Column, LogicalType, Schema, Table

SQL_TYPES: dict[str, LogicalType] = {
    "BIGINT": "integer",
    "INTEGER": "integer",
    "DOUBLE": "float",
    "DECIMAL(10,2)": "decimal",
    "BOOLEAN": "boolean",
    "VARCHAR": "categorical",
    "TIMESTAMP": "datetime",
    "DATE": "date",
    "TIME": "time",
}


def make_table(path: Path, columns: dict[str, tuple[str, pa.Array]], **types: LogicalType) -> Table:
    """A table from name → (SQL type, values); ``types`` gives logical types that the SQL type does not imply."""
    arrow = pa.table({name: values for name, (_, values) in columns.items()})
    pq.write_table(arrow, path)
    schema = Schema(
        tuple(Column(n, types.get(n, SQL_TYPES[sql_type]), sql_type) for n, (sql_type, _) in columns.items())
    )
    return Table(schema, (path,), arrow.num_rows)


def mixed_columns(rows: int = 200, seed: int = 3) -> dict[str, tuple[str, pa.Array]]:
    """One column of every kind, under names that trip careless code."""
    rng = random.Random(seed)
    day = dt.date(2020, 1, 1)
    moment = dt.datetime(2020, 1, 1)

    def some(make: object, nulls: float = 0.0) -> list[object]:
        assert callable(make)
        return [None if rng.random() < nulls else make() for _ in range(rows)]

    return {
        "select": ("BIGINT", pa.array(some(lambda: rng.randint(0, 500)), pa.int64())),
        "with nulls": ("INTEGER", pa.array(some(lambda: rng.randint(-50, 50), 0.2), pa.int32())),
        'say "hi"': ("DOUBLE", pa.array(some(lambda: round(rng.gauss(10, 3), 2), 0.1), pa.float64())),
        "größe": ("DECIMAL(10,2)", pa.array(some(lambda: Decimal(rng.randint(0, 9999)) / 100), pa.decimal128(10, 2))),
        "flag": ("BOOLEAN", pa.array(some(lambda: rng.random() < 0.3, 0.1), pa.bool_())),
        "kind": ("VARCHAR", pa.array(some(lambda: rng.choice("abc"), 0.1), pa.string())),
        "day": ("DATE", pa.array(some(lambda: day + dt.timedelta(rng.randint(0, 900))), pa.date32())),
        "moment": (
            "TIMESTAMP",
            pa.array(some(lambda: moment + dt.timedelta(hours=rng.randint(0, 9000))), pa.timestamp("us")),
        ),
        "clock": ("TIME", pa.array(some(lambda: dt.time(rng.randint(0, 23), rng.choice([0, 30]))), pa.time64("us"))),
        "grade": ("BIGINT", pa.array(some(lambda: rng.randint(1, 5)), pa.int64())),
        "constant": ("VARCHAR", pa.array(["same"] * rows, pa.string())),
        "nothing": ("VARCHAR", pa.array([None] * rows, pa.string())),
    }
