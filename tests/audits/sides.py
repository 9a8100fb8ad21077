"""Contexts to audit, made of Arrow tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult, ColumnResult
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


def run(audit: str, ctx: AuditContext, **params: Any) -> AuditResult:
    """The result of a registered audit."""
    found = registry.get(audit)
    return found.run(ctx, found.params.model_validate(params))


def part(result: AuditResult, name: str) -> ColumnResult:
    """The part of a verdict that one column (or pair) answers for."""
    return next(c for c in result.columns if c.column == name)


def replaced(rows: pa.Table, column: str, values: Any) -> pa.Table:
    """The rows with another column in place of one."""
    return rows.set_column(rows.column_names.index(column), column, pa.array(values))


def shuffled(rows: pa.Table, seed: int, columns: Sequence[str] = ()) -> pa.Table:
    """The rows with each column (of those named) in an order of its own: shapes stay, what goes together does not."""
    rng = np.random.default_rng(seed)
    for name in columns or rows.column_names:
        rows = rows.set_column(rows.column_names.index(name), name, rows[name].take(rng.permutation(rows.num_rows)))
    return rows
