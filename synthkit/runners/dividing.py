"""Rows that a model learns from, on two sides: a source's, a published table's, or one's held against its source."""

from __future__ import annotations

from pathlib import Path

from synthkit.runners.done import Divided
from synthkit.runners.jobs import IngestJob, InheritJob, JobProgress, SplitJob
from synthkit.runners.staging import phase
from synthkit.schema import Table
from synthkit.sources.split import Split


def ingest(job: IngestJob, progress: JobProgress) -> Divided:
    from synthkit.sources.ingest import ingest

    found = ingest(
        job.spec,
        root=job.root,
        connections=job.connections,
        holdout=job.holdout,
        directory=job.directory,
        source_hash=job.source_hash,
        declared=job.declared,
        ownership=job.ownership,
        progress=phase(progress, "load"),
    )
    return _divided(found)


def split(job: SplitJob, _progress: JobProgress) -> Divided:
    from synthkit.sources.ingest import split_table

    return _divided(split_table(job.table, holdout=job.holdout, directory=job.directory, salt=job.salt))


def inherit(job: InheritJob, _progress: JobProgress) -> Divided:
    import pyarrow.parquet as pq

    from synthkit.generators.sql import run_query
    from synthkit.sources.derived import inherit_sides
    from synthkit.store.parquet import write_parquet

    def held_out(destination: Path, scratch: Path) -> int:
        files = job.held_out
        for number, query in enumerate(job.queries):
            made = scratch / f"{number}.parquet"
            run_query(query.sql, {**query.relations, query.over: files}, made, seed=query.seed, threads=1)
            files = (made,)
        rows = Table(job.table.schema, files, 0)
        return write_parquet(rows.batches(), pq.read_schema(files[0]), destination, {})[0]

    return _divided(inherit_sides(job.table, holdout=job.holdout, directory=job.directory, held_out=held_out))


def _divided(split: Split) -> Divided:
    held_out = 0 if split.holdout is None else split.holdout.rows
    return Divided(split.directory, split.rows, held_out, split.notes, split.inferred)
