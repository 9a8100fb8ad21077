"""The judgement of a table: its audits, and its pictures for the report."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

from synthkit.runners.done import Audited
from synthkit.runners.jobs import AuditJob, JobProgress
from synthkit.runners.overriding import overridden
from synthkit.runners.parts import Pictures, Retraining
from synthkit.runners.staging import phase
from synthkit.schema import Table

if TYPE_CHECKING:
    from synthkit.audits.context import AuditContext, Recipe


def audit(job: AuditJob, progress: JobProgress) -> Audited:
    from synthkit.audits.context import AuditContext
    from synthkit.audits.failures import FailureStore
    from synthkit.audits.runner import run_audits
    from synthkit.sources.ingest import load_split

    started = time.perf_counter()
    split = None if job.split is None else load_split(job.split)
    context = AuditContext(
        schema=job.table.schema,
        synthetic=job.table,
        train=None if split is None else split.train,
        holdout=None if split is None else split.holdout,
        seed=job.seed,
        relations=job.relations,
        training=job.training,
        recipe=None if job.retraining is None or split is None else _recipe(job.retraining, split.train),
        previous=job.previous,
        seconds=job.seconds,
    )
    failures = None if job.failures is None else FailureStore(job.failures.directory, job.failures.shown)
    records = run_audits(context, job.audits, phase(progress, "audit"), failures)
    if job.pictures is not None:
        _take(job.pictures, context)
    return Audited(tuple(records), {"audit": time.perf_counter() - started})


def _recipe(wanted: Retraining, train: Table) -> Recipe:
    """How the model was trained on these rows: with what it learns decided as it was then."""
    from synthkit.audits.context import Recipe
    from synthkit.encoding.fill import plan_columns

    modelled = plan_columns(replace(train, schema=overridden(train.schema, wanted.columns))).modelled
    return Recipe(wanted.generator, wanted.params, modelled, wanted.conditions, wanted.device)


def _take(wanted: Pictures, context: AuditContext) -> None:
    """Write the table's pictures for the report; a picture that cannot be taken must not stop a build."""
    from synthkit.audits.profile import make_profile, synthetic_alone
    from synthkit.files import write_text_atomic

    try:
        found = make_profile(context if wanted.real else synthetic_alone(context))
    except Exception as error:
        traceback.print_exc()  # into the log of the run
        found = {"reason": f"the pictures could not be taken ({type(error).__name__})"}
    write_text_atomic(wanted.path, json.dumps({**wanted.stamp, **found}, ensure_ascii=False) + "\n")
