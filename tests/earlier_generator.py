"""A generator of a package that was written before there were three kinds: rows of the source, drawn with replacement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.generators.base import Budget, Generator, Params, Progress, Quota
from synthkit.schema import Table


def fit(table: Table, params: Params, *, budget: Budget | None, seed: int, device: str, progress: Progress) -> pa.Table:
    progress(1, 1, "tables")
    return table.to_arrow()


def sample(
    model: pa.Table, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    chosen = np.random.default_rng(seed).integers(0, len(model), rows)
    yield from model.take(pa.array(chosen)).combine_chunks().to_batches()


def save(model: pa.Table, directory: Path) -> None:
    pq.write_table(model, directory / "rows.parquet")


def load(directory: Path) -> Any:
    return pq.read_table(directory / "rows.parquet")


BOOTSTRAP: Any = Generator(  # type: ignore[call-arg]  # as it was
    name="test.bootstrap", version=1, params=Params, fit=fit, sample=sample, save=save, load=load, summary="a bootstrap"
)
