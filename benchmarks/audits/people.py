"""Made-up people to measure the privacy audits on, and a context over three tables of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.audits.context import AuditContext
from synthkit.schema import Column, LogicalType, Schema, Table

NUMBERS, CATEGORIES = 8, 6


def people(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """15 columns of one factor model: an integer, numbers of two decimals (with a few nulls), and categories."""
    factor = rng.normal(size=(rows, 3))
    columns: dict[str, object] = {"age": np.clip(40 + 15 * factor[:, 0] + rng.normal(0, 5, rows), 18, 90).astype(int)}
    for i in range(NUMBERS):
        values = np.round(factor[:, i % 3] * (i + 1) + rng.normal(0, 2, rows), 2)
        columns[f"number{i}"] = np.where(rng.random(rows) < 0.02 * (i % 2), np.nan, values)
    for i in range(CATEGORIES):
        score = factor[:, i % 3] + rng.normal(0, 1, rows)
        cuts = np.quantile(np.linspace(-3, 3, 200), np.linspace(0.1, 0.95, 2 + 2 * i))
        columns[f"category{i}"] = np.char.add("value ", np.digitize(score, cuts).astype(str))
    return pd.DataFrame(columns)


def context(
    folder: Path, synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame, seed: int = 1
) -> AuditContext:
    """An audit's context over the three tables, written into ``folder``."""

    def kind(name: str) -> tuple[LogicalType, str]:
        if pd.api.types.is_integer_dtype(synthetic[name]):
            return "integer", "BIGINT"
        return ("float", "DOUBLE") if pd.api.types.is_float_dtype(synthetic[name]) else ("categorical", "VARCHAR")

    schema = Schema(tuple(Column(str(name), *kind(str(name))) for name in synthetic.columns))

    def table(name: str, frame: pd.DataFrame) -> Table:
        path = folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
        return Table(schema, (path,), len(frame))

    return AuditContext(schema, table("synthetic", synthetic), table("train", train), table("holdout", holdout), seed)
