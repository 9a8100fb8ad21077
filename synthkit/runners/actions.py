"""What a worker does with a job: one function a kind, in the process that it runs in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from synthkit.runners.auditing import audit, repeat
from synthkit.runners.composing import compose
from synthkit.runners.dividing import ingest, inherit, split
from synthkit.runners.done import Done
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
    PrepareJob,
    QueryJob,
    RepeatJob,
    SplitJob,
    SurveyJob,
    TrainJob,
)
from synthkit.runners.metering import metering
from synthkit.runners.querying import query
from synthkit.runners.relating import relate
from synthkit.runners.surveying import prepare, survey
from synthkit.runners.trained import is_trained

R = TypeVar("R")

ACTIONS: Mapping[type[Job[Any]], Callable[[Any, JobProgress], Any]] = {
    IngestJob: ingest,
    SplitJob: split,
    InheritJob: inherit,
    GenerateJob: generate,
    TrainJob: train,
    PrepareJob: prepare,
    SurveyJob: survey,
    PartitionJob: draw_partition,
    AssembleJob: assemble,
    FamilyJob: relate,
    QueryJob: query,
    ComposeJob: compose,
    AuditJob: audit,
    RepeatJob: repeat,
}


# The phase that a job begins with; of one that trains it is loading, where that is done already.
_PHASES: Mapping[type[Job[Any]], str] = {
    IngestJob: "load",
    SplitJob: "load",
    InheritJob: "load",
    PrepareJob: "train",
    SurveyJob: "train",
    PartitionJob: "sample",
    AssembleJob: "assemble",
    QueryJob: "query",
    ComposeJob: "ask",
    AuditJob: "audit",
    RepeatJob: "audit",
}


def first_phase(job: Job[Any]) -> str:
    """What a job does first, and most of them alone."""
    if isinstance(job, GenerateJob | TrainJob | FamilyJob):
        return "load" if is_trained(job.model_dir) else "train"
    return _PHASES.get(type(job), "load")


def execute(job: Job[R], progress: JobProgress) -> R:
    """Carry a job out here, and measure what it takes. Raises BuildError or SynthError with its reason."""
    with metering(first_phase(job)) as meter:
        done = ACTIONS[type(job)](job, progress)
        return cast(R, replace(done, measured=meter.measured()) if isinstance(done, Done) else done)
