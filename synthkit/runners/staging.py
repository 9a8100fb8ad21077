"""How a job leaves its rows: as Parquet, and a record that says that they are whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.files import Json, clean_temporaries, put_over, temporary_folder, write_json_atomic
from synthkit.records.columns import ColumnOrigin
from synthkit.runners.environment import environment
from synthkit.runners.jobs import JobProgress, Staged
from synthkit.runners.parts import DrawnMember
from synthkit.schema import Schema
from synthkit.store.parquet import Written
from synthkit.store.staging import DATA

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
    from synthkit.store.parquet import write_parquet

    job.stage_dir.parent.mkdir(parents=True, exist_ok=True)
    clean_temporaries(job.stage_dir.parent)
    types, batches = with_schema(batches)
    with temporary_folder(job.stage_dir) as directory:
        stamped = stamps(job.metadata, origins)
        rows, hashes = write_parquet(batches, types, directory / DATA, stamped)
        record(directory, schema, job, Written(rows, hashes), source_rows, teacher, rules, origins)
    return rows


def record(
    directory: Path,
    schema: Schema,
    job: Staged | DrawnMember,
    written: Written,
    source_rows: int | None,
    teacher: Callable[[], Json] | None = None,
    rules: Sequence[str] = (),
    origins: Sequence[ColumnOrigin] = (),
) -> None:
    """Write beside the rows what says that they are whole, and put the folder of both in its place. Otherwise as
    :func:`stage`."""
    rows, hashes = written
    said = {
        "sample": job.sample,
        "rows": rows,
        **hashes._asdict(),
        "schema": schema.to_json(),
        "source_rows": source_rows,
        "privacy": None if (charge := getattr(job, "charge", None)) is None else charge.to_json(),
        "guarantees": [g.to_json() for g in job.guarantees],
        "environment": environment(),
        "rules": list(rules),
    }
    if origins:
        said["origins"] = [o.to_json() for o in origins]
    if teacher is not None:
        said["teacher"] = teacher()
    write_json_atomic(directory / "stage.json", said)
    put_over(directory, job.stage_dir)


def with_schema(batches: Iterator[pa.RecordBatch]) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The types of rows, and all the rows. Raises BuildError where there are none."""
    first = next(batches, None)
    if first is None:
        raise BuildError("there are no rows to write", hint="look at the source and the size")
    return first.schema, chain([first], batches)


def stamps(metadata: Mapping[str, str], origins: Sequence[ColumnOrigin]) -> dict[str, str]:
    """What is stamped into the Parquet file of a table."""
    if not origins:
        return dict(metadata)
    return {**metadata, "synthkit.columns": json.dumps({o.name: o.how for o in origins}, ensure_ascii=False)}


def phase(progress: JobProgress, phase: str) -> Callable[..., None]:
    """Progress of one phase (train, sample, audit)."""

    def report(done: int, total: int, unit: str, note: str = "") -> None:
        progress(phase, done, total, unit, note)

    return report
