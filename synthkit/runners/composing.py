"""A teacher's rows: asked for, staged, and what it cost kept beside them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from synthkit.errors import BuildError
from synthkit.runners.jobs import ComposeJob, JobProgress
from synthkit.runners.staging import phase, size_of, stage
from synthkit.schema import Schema


def compose(job: ComposeJob, progress: JobProgress) -> dict[str, Any]:
    """Run the job; its notes say where there are fewer rows than were asked for."""
    from synthkit.generators import registry
    from synthkit.generators.base import Workplace
    from synthkit.llm.spending import FOLDER
    from synthkit.sources.ingest import load_split

    started = time.perf_counter()
    generator = registry.get(job.generator)
    assert generator.compose is not None
    split = load_split(Path(job.split))
    params = generator.params.model_validate(job.params)
    rows = size_of(job.size, split.rows)
    place = Workplace(Path(job.root), Path(job.root) / FOLDER / job.model, Path(job.dropped))
    report = phase(progress, "sample")
    drawn = generator.compose(split.train, split.holdout, params, rows, seed=job.seed, place=place, progress=report)
    result = stage(drawn, Schema.from_json(job.schema), job, split.rows, lambda: place.record)
    if result["rows"] < rows and not place.record.get("stopped"):
        raise BuildError(f"{job.generator} gave {result['rows']:,} rows where {rows:,} were asked for")
    notes = []
    if result["rows"] < rows:
        notes.append(f"{result['rows']:,} of {rows:,} rows: {place.record['stopped']}")
    return {**result, "notes": notes, "seconds": {"sample": time.perf_counter() - started}}
