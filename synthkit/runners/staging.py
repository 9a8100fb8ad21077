"""How a job leaves its rows: as Parquet, and a record that says that they are whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.files import Json
from synthkit.records.columns import ColumnOrigin
from synthkit.runners.environment import environment
from synthkit.runners.jobs import GenerateJob, JobProgress, Staged
from synthkit.runners.parts import DrawnMember
from synthkit.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa


def stage(
    batches: Iterator[pa.RecordBatch],
    schema: Schema,
    job: Staged | DrawnMember,
    source_rows: int | None,
    teacher: Callable[[], Json] | None = None,
    rules: Sequence[str] = (),
    origins: Sequence[ColumnOrigin] = (),
) -> int:
    """Write the rows as Parquet and, last, the record that says they are whole. Returns how many there are.

    Args:
        teacher: says, after the last row, what asking for them took.
        rules: are kept although nobody declared them.
        origins: where each column comes from.
    """
    from synthkit.files import write_json_atomic
    from synthkit.store.parquet import write_parquet

    directory = job.stage_dir
    directory.mkdir(parents=True, exist_ok=True)
    first = next(batches, None)
    if first is None:
        raise BuildError("there are no rows to write", hint="look at the source and the size")

    def rest() -> Iterator[pa.RecordBatch]:
        yield first
        yield from batches

    stamped = dict(job.metadata)
    if origins:
        stamped["synthkit.columns"] = json.dumps({o.name: o.how for o in origins}, ensure_ascii=False)
    rows, hashes = write_parquet(rest(), first.schema, directory / "data.parquet", stamped)
    record = {
        "sample": job.sample,
        "rows": rows,
        **hashes._asdict(),
        "schema": schema.to_json(),
        "source_rows": source_rows,
        "privacy": job.charge.to_json() if isinstance(job, GenerateJob) and job.charge is not None else None,
        "guarantees": [g.to_json() for g in job.guarantees],
        "environment": environment(),
        "rules": list(rules),
    }
    if origins:
        record["origins"] = [o.to_json() for o in origins]
    if teacher is not None:
        record["teacher"] = teacher()
    write_json_atomic(directory / "stage.json", record)
    return rows


def phase(progress: JobProgress, phase: str) -> Callable[..., None]:
    """Progress of one phase (train, sample, audit)."""

    def report(done: int, total: int, unit: str, note: str = "") -> None:
        progress(phase, done, total, unit, note)

    return report
