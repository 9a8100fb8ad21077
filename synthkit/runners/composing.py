"""A teacher's rows: asked for, staged, and what it cost kept beside them."""

from __future__ import annotations

import time

from synthkit.errors import BuildError
from synthkit.runners.done import Made
from synthkit.runners.jobs import ComposeJob, JobProgress
from synthkit.runners.metering import paid
from synthkit.runners.staging import phase, stage


def compose(job: ComposeJob, progress: JobProgress) -> Made:
    """Run the job; its notes say where there are fewer rows than were asked for."""
    from synthkit.generators import registry
    from synthkit.generators.base import Taught, Workplace
    from synthkit.llm.spending import FOLDER
    from synthkit.sources.ingest import load_split

    started = time.perf_counter()
    generator = registry.get(job.generator)
    assert isinstance(generator, Taught)
    split = load_split(job.split)
    params = generator.params.model_validate(job.params)
    wanted = job.size.of(split.rows)
    place = Workplace(job.root, job.root / FOLDER / job.model, job.dropped, device=job.device, paid=paid)
    report = phase(progress, "sample")
    drawn = generator.compose(split.train, split.holdout, params, wanted, seed=job.seed, place=place, progress=report)
    rows = stage(drawn, job.schema, job, split.rows, lambda: place.record)
    if rows < wanted and not place.record.get("stopped"):
        raise BuildError(f"{job.generator} gave {rows:,} rows where {wanted:,} were asked for")
    notes = (f"{rows:,} of {wanted:,} rows: {place.record['stopped']}",) if rows < wanted else ()
    return Made(rows, split.rows, {"sample": time.perf_counter() - started}, notes)
