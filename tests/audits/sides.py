"""Contexts to audit, made of Arrow tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.audits.context import AuditContext
from synthkit.schema import Column, Schema, Table
from synthkit.sources.types import provisional_type


def table(directory: Path, name: str, rows: pa.Table | Mapping[str, Any], types: Mapping[str, str] = {}) -> Table:
    """A table at rest; logical types are what the SQL types suggest, unless ``types`` says otherwise."""
    arrow = rows if isinstance(rows, pa.Table) else pa.table(dict(rows))
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.parquet"
    pq.write_table(arrow, path)
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
    columns = [Column(str(n), types.get(str(n), provisional_type(str(t))), str(t)) for n, t, *_ in described]  # type: ignore[arg-type]
    return Table(Schema(tuple(columns)), (path,), arrow.num_rows)


def context(
    directory: Path,
    synthetic: pa.Table | Mapping[str, Any],
    train: pa.Table | Mapping[str, Any] | None = None,
    holdout: pa.Table | Mapping[str, Any] | None = None,
    *,
    types: Mapping[str, str] = {},
    primary_key: Sequence[str] = (),
    relations: Mapping[str, pa.Table | Mapping[str, Any]] = {},
    own: str = '"model"',
    seed: int = 1,
) -> AuditContext:
    """The synthetic rows go by ``own`` as well, as they do in a build."""
    fake = table(directory, "synthetic", synthetic, types)
    schema = replace(fake.schema, primary_key=tuple(primary_key))
    others = {name: table(directory, f"relation{i}", rows).paths for i, (name, rows) in enumerate(relations.items())}
    return AuditContext(
        schema=schema,
        synthetic=replace(fake, schema=schema),
        train=None if train is None else table(directory, "train", train, types),
        holdout=None if holdout is None else table(directory, "holdout", holdout, types),
        seed=seed,
        relations={**others, own: fake.paths},
    )
