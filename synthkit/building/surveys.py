"""The columns of a large table, looked at by jobs of their own before it is trained on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.building.partitions import Together, side_by_side
from synthkit.compiler import ModelNode
from synthkit.generators.base import Trained
from synthkit.runners.jobs import JobProgress, PrepareJob, SurveyJob
from synthkit.store.staging import Staging

if TYPE_CHECKING:
    from synthkit.building.context import RunContext

SURVEYED = 2_000_000  # training rows: of more, columns are looked at by jobs of their own


def surveys_of(staging: Staging, model: ModelNode, train: str, split: Path) -> Path | None:
    """The folder of what such jobs find; None where the training looks at the rows itself. It decides no byte.

    Args:
        train: the train hash.
        split: the folder of the training rows.
    """
    from synthkit.sources.ingest import load_split

    generator = model.generator
    if not isinstance(generator, Trained) or generator.survey is None or model.budget is not None:
        return None
    return staging.survey(train, split) if load_split(split).train.rows > SURVEYED else None


def survey_all(context: RunContext, model: ModelNode, modelled: Mapping[str, Any], progress: JobProgress) -> float:
    """Decide what is learnt, and look at its columns side by side; the seconds that it took.

    Args:
        modelled: what decides the model, for its jobs.

    Raises:
        BuildError: of the first job that failed.
    """
    started = time.perf_counter()
    prepared = context.carry_out(PrepareJob(**modelled), model, progress)
    jobs = [SurveyJob(**modelled, column=column) for column in range(prepared.columns)]
    done = Together(len(jobs), progress)
    side_by_side(
        context,
        model,
        jobs,
        [progress] * len(jobs),
        lambda number, _found: done.tell(number, 1, "train", "columns", ""),
    )
    return time.perf_counter() - started
