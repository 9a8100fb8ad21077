"""How a job leaves its rows: as Parquet, and a record that says that they are whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.runners.environment import environment
from synthkit.runners.jobs import ComposeJob, GenerateJob, JobProgress, QueryJob
from synthkit.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa


def stage(
    batches: Iterator[pa.RecordBatch],
    schema: Schema,
    job: GenerateJob | QueryJob | ComposeJob,
    source_rows: int | None,
    teacher: Callable[[], Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Write the rows as Parquet and, last, the record that says they are whole.

    ``teacher`` says, after the last row, what asking for them took.
    """
    from synthkit.files import write_json_atomic
    from synthkit.store.parquet import write_parquet

    directory = Path(job.stage_dir)
    directory.mkdir(parents=True, exist_ok=True)
    first = next(batches, None)
    if first is None:
        raise BuildError("there are no rows to write", hint="look at the source and the size")

    def rest() -> Iterator[pa.RecordBatch]:
        yield first
        yield from batches

    rows, hashes = write_parquet(rest(), first.schema, directory / "data.parquet", job.metadata)
    record = {
        "sample": job.sample,
        "rows": rows,
        **hashes._asdict(),
        "schema": schema.to_json(),
        "source_rows": source_rows,
        "privacy": job.charge if isinstance(job, GenerateJob) else None,
        "guarantees": job.guarantees,
        "environment": environment(),
    }
    if teacher is not None:
        record["teacher"] = teacher()
    write_json_atomic(directory / "stage.json", record)
    return {"rows": rows, "source_rows": source_rows}


def size_of(size: Mapping[str, Any], source_rows: int | None) -> int:
    """Rows of a model: a number, or a factor of its source's rows."""
    if size.get("rows") is not None:
        return int(size["rows"])
    assert source_rows is not None
    return max(1, round(source_rows * float(size["factor"])))


def phase(progress: JobProgress, phase: str) -> Callable[..., None]:
    """Progress of one phase (train, sample, audit)."""

    def report(done: int, total: int, unit: str, note: str = "") -> None:
        progress(phase, done, total, unit, note)

    return report
