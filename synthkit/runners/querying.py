"""The rows of an SQL model: its SELECT over training rows for its table, over published ones where it reads those."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from synthkit.files import temporary_folder
from synthkit.runners.done import Made
from synthkit.runners.jobs import JobProgress, QueryJob
from synthkit.runners.staging import stage
from synthkit.schema import Column, Schema, Table


def query(job: QueryJob, _progress: JobProgress) -> Made:
    from synthkit.generators.sql import run_query

    started = time.perf_counter()
    with temporary_folder(job.stage_dir.with_name("query")) as scratch:
        raw = scratch / "rows.parquet"
        found = run_query(job.sql, job.relations, raw, seed=job.seed, threads=1)
        schema = _typed(job.schema, found.types)
        rows = stage(Table(schema, (raw,), found.rows).batches(), schema, job, None)
    return Made(rows, None, {"train": time.perf_counter() - started}, tuple(found.notes))


def _typed(compiled: Schema, found: Mapping[str, str]) -> Schema:
    """The compiled schema under the names, in the order and with the types that the query really gave."""
    from synthkit.sources.types import provisional_type

    columns = []
    for name, sql_type in found.items():
        column = compiled.by_name.get(name)
        if column is None:
            column = Column(name, provisional_type(sql_type), sql_type)
        columns.append(replace(column, sql_type=sql_type))
    return Schema(tuple(columns))
