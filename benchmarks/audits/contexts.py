"""Contexts to audit, made of rows in memory, and the audits that can be run on them without more to say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import Audit, AuditParams, AuditResult
from synthkit.schema import Column, Schema, Table
from synthkit.sources.types import provisional_type

if TYPE_CHECKING:
    import pyarrow as pa

STATISTICAL = ("fidelity", "utility", "privacy", "fairness")


def table_of(rows: pa.Table, path: Path) -> Table:
    """The rows as a Parquet file, with the types that its SQL types suggest."""
    import duckdb
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path)
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
    columns = [Column(str(n), provisional_type(str(t)), str(t)) for n, t, *_ in described]
    return Table(Schema(tuple(columns)), (path,), rows.num_rows)


def context_of(sides: tuple[pa.Table, pa.Table, pa.Table], directory: Path, seed: int) -> AuditContext:
    """A context over synthetic, training and held-out rows."""
    synthetic, train, holdout = (
        table_of(rows, directory / f"{name}.parquet")
        for rows, name in zip(sides, ("synthetic", "train", "holdout"), strict=True)
    )
    return AuditContext(synthetic.schema, synthetic, train, holdout, seed)


def judged(names: list[str], target: str) -> tuple[dict[str, tuple[Audit, AuditParams]], list[str]]:
    """The audits that estimate something from held-out rows, with their defaults; and those that need more than a
    target, which are left out. ``names`` narrows them; empty: all."""
    taken, left = {}, []
    for name in registry.names():
        found = registry.get(name)
        if names and name not in names:
            continue
        if found.family not in STATISTICAL or "holdout" not in found.needs or found.private:
            continue
        params = _defaults(found, target)
        if params is None:
            left.append(name)
        else:
            taken[name] = (found, params)
    return taken, left


def _defaults(found: Audit, target: str) -> AuditParams | None:
    tries: tuple[dict[str, Any], ...] = ({}, {"target": target}, {"secret": target}, {"column": target})
    for given in tries:
        try:
            return found.params.model_validate(given)
        except ValidationError:
            continue
    return None


def run(found: Audit, params: AuditParams, context: AuditContext) -> AuditResult:
    """One audit's result."""
    return found.run(context, params)
