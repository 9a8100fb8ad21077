"""A table drawn in partitions: each by a job of its own, from the trained model, and all put together at last."""

from __future__ import annotations

import shutil
import time
from collections.abc import Hashable

from synthkit.errors import BuildError
from synthkit.files import clean_temporaries, own_folder, temporary_folder
from synthkit.runners.done import Drawn, Made
from synthkit.runners.generating import Ready, digest_of, of_split, plan_of, trained_earlier
from synthkit.runners.jobs import AssembleJob, JobProgress, PartitionJob
from synthkit.runners.staging import phase, record, stamps, with_schema
from synthkit.store.partitions import PartitionFiles
from synthkit.store.staging import DATA, TRAINED


def draw_partition(job: PartitionJob, progress: JobProgress) -> Drawn:
    """Draw the partition, unless somebody has: a job that is run again, or twice at once, does no harm.

    Raises:
        BuildError: the model is another one than the job is of, or gives too few rows of what is asked for.
    """
    from synthkit.encoding.origin import origins
    from synthkit.generators.exact.drawing import draw
    from synthkit.store.parquet import write_parquet

    started = time.perf_counter()
    files = PartitionFiles(job.directory, job.trained, job.sample, job.rows, job.partition.of)
    done = files.done(job.partition.index)
    if done is not None:
        return Drawn(done.rows, 0.0)
    own_folder(job.directory)
    clean_temporaries(job.directory)
    ready = _ready(job)
    batches = draw(
        ready.generator,
        ready.fitted,
        ready.plan,
        rows=job.rows,
        conditions=job.conditions,
        rules=ready.rules,
        seed=job.seed,
        progress=phase(progress, "sample"),
        taken=ready.taken,
        partition=job.partition,
    )
    schema, batches = with_schema(batches)
    stamped = stamps(job.metadata, origins(ready.plan))
    written = write_parquet(batches, schema, files.data(job.partition.index), stamped)
    wanted = job.partition.rows(job.rows)
    if written.rows != wanted:
        files.forget(job.partition.index)
        raise BuildError(f"{job.generator} gave {written.rows:,} rows where {wanted:,} were asked for")
    files.record(job.partition.index, written)
    return Drawn(written.rows, time.perf_counter() - started)


def assemble(job: AssembleJob, progress: JobProgress) -> Made:
    """Put the partitions together as one file, without reading a row, stage it, and let them go.

    Raises:
        BuildError: a partition is missing, or not what was written; it is drawn anew when the build is run again.
    """
    from synthkit.encoding.origin import origins
    from synthkit.generators.exact.ruled import found_in
    from synthkit.store.rowgroups import AnotherFileError, joined

    started = time.perf_counter()
    files = PartitionFiles(job.directory, job.trained, job.sample, job.rows, job.partitions)
    split, table = of_split(job)
    source_rows = split.rows if job.budget is None else None
    plan = plan_of(job.model_dir)
    job.stage_dir.parent.mkdir(parents=True, exist_ok=True)
    clean_temporaries(job.stage_dir.parent)
    with temporary_folder(job.stage_dir) as directory:
        try:
            written = joined(files.parts(), directory / DATA)
        except AnotherFileError as error:
            for index in range(job.partitions):
                if files.data(index) == error.path:
                    files.forget(index)
            raise
        assert written.rows == job.rows
        kept, columns = found_in(plan), origins(plan)
        record(directory, table.schema, job, written, source_rows, rules=kept, origins=columns)
    shutil.rmtree(job.directory, ignore_errors=True)
    progress("sample", job.rows, job.rows, "rows")
    return Made(written.rows, source_rows, {"assemble": time.perf_counter() - started})


def _ready(job: PartitionJob) -> Ready:
    """What draws the rows. A process keeps it from one partition of a table to the next."""
    global _kept
    marker = job.model_dir / TRAINED
    stamp = marker.stat() if marker.exists() else None
    asked = (job.model_dir, stamp and (stamp.st_ino, stamp.st_mtime_ns), job.trained, job.sample, job.split)
    if _kept is None or _kept[0] != asked:
        ready = trained_earlier(job)
        if digest_of(job.model_dir) != job.trained:
            raise BuildError(f"{job.model!r} was trained anew while its rows were drawn", hint="build again")
        _kept = (asked, ready)
    return _kept[1]


_kept: tuple[Hashable, Ready] | None = None
