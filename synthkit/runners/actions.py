"""What a worker does with a job: one function a kind, in the process that it runs in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from synthkit.runners.auditing import audit
from synthkit.runners.composing import compose
from synthkit.runners.dividing import ingest, inherit, split
from synthkit.runners.drawing import assemble, draw_partition
from synthkit.runners.generating import generate, train
from synthkit.runners.jobs import (
    AssembleJob,
    AuditJob,
    ComposeJob,
    FamilyJob,
    GenerateJob,
    IngestJob,
    InheritJob,
    Job,
    JobProgress,
    PartitionJob,
    QueryJob,
    SplitJob,
    TrainJob,
)
from synthkit.runners.querying import query
from synthkit.runners.relating import relate

R = TypeVar("R")

ACTIONS: Mapping[type[Job[Any]], Callable[[Any, JobProgress], Any]] = {
    IngestJob: ingest,
    SplitJob: split,
    InheritJob: inherit,
    GenerateJob: generate,
    TrainJob: train,
    PartitionJob: draw_partition,
    AssembleJob: assemble,
    FamilyJob: relate,
    QueryJob: query,
    ComposeJob: compose,
    AuditJob: audit,
}


def execute(job: Job[R], progress: JobProgress) -> R:
    """Carry a job out here. Raises BuildError or SynthError with its reason."""
    return cast(R, ACTIONS[type(job)](job, progress))
