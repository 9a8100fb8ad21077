"""The judgement of a table: its audits, and its pictures for the report."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.extras import installed
from synthkit.files import scratch
from synthkit.runners.done import Audited, Repeated
from synthkit.runners.jobs import AuditJob, JobProgress, RepeatJob
from synthkit.runners.overriding import overridden
from synthkit.runners.parts import FamilyParts, Judged, Pictures, Retraining
from synthkit.runners.staging import phase
from synthkit.schema import Table

if TYPE_CHECKING:
    from synthkit.audits.context import AuditContext, Recipe
    from synthkit.audits.family import Family


def audit(job: AuditJob, progress: JobProgress) -> Audited:
    from synthkit.audits.failures import FailureStore
    from synthkit.audits.runner import run_audits

    started = time.perf_counter()
    failures = None if job.failures is None else FailureStore(job.failures.directory, job.failures.shown)
    with _looking(job, job.repeats) as (context, read, some, few):
        records = run_audits(context, job.audits, phase(progress, "audit"), failures, read, some, few)
        if job.pictures is not None and installed("numpy"):
            _take(job.pictures, few, context)
    return Audited(tuple(records), {"audit": time.perf_counter() - started})


def repeat(job: RepeatJob, _progress: JobProgress) -> Repeated:
    """Carry out the trainings. What the audit will fail of, too, is no failure here: it says why."""
    from synthkit.audits.repeats import carry_out
    from synthkit.audits.runner import looked_at, repeats_of

    (bound,) = job.audits
    with _looking(job, job.repeats) as contexts:
        context = looked_at(bound, *contexts)
        try:
            trainings = list(repeats_of(context, bound))
        except Exception:
            return Repeated(0)
        return Repeated(carry_out(job.repeats, trainings, job.part, job.of))


@contextmanager
def _looking(job: Judged, repeats: Path | None) -> Iterator[tuple[AuditContext, ...]]:
    """The rows as they are published, as they are read, and samples of these: of synthetic rows, and of all sides."""
    from synthkit.audits.context import AuditContext
    from synthkit.audits.rows.asread import as_read
    from synthkit.audits.rows.sampled import sampled, sampled_real
    from synthkit.sources.ingest import load_split

    split = None if job.split is None else load_split(job.split)
    context = AuditContext(
        schema=job.table.schema,
        synthetic=job.table,
        train=None if split is None else split.train,
        holdout=None if split is None else split.holdout,
        seed=job.seed,
        relations=job.relations,
        training=job.training,
        previous=job.previous,
        seconds=job.seconds,
        kept=job.kept,
        family=None if job.family is None else _family(job.family),
        made_up=job.made_up,
        took=job.took,
        repeats=repeats,
    )
    with scratch("read") as folder:
        read = as_read(context, Path(folder))
        if job.retraining is not None and split is not None and read.train is not None:
            read = replace(read, recipe=_recipe(job.retraining, split.train, read.train))
        some = sampled(read, Path(folder))
        yield context, read, some, sampled_real(some, Path(folder))


def _family(parts: FamilyParts) -> Family:
    """The real and the staged rows of each member."""
    from synthkit.audits.family import Family, Member
    from synthkit.sources.ingest import load_split

    members = {}
    for name, member in parts.members.items():
        split = None if member.split is None else load_split(member.split)
        train, holdout = (None, None) if split is None else (split.train, split.holdout)
        members[name] = Member(member.table, train, holdout)
    return Family(parts.table, members, parts.keys)


def _recipe(wanted: Retraining, written: Table, train: Table) -> Recipe:
    """How the model was trained on these rows: with what it learns decided as it was then.

    Args:
        written: the training rows as they are at rest.
        train: as they are read.
    """
    from synthkit.audits.context import Recipe
    from synthkit.encoding.fill import plan_columns
    from synthkit.formats.columns import conditions_as_read, forms_of

    modelled = plan_columns(replace(train, schema=overridden(train.schema, wanted.columns))).modelled
    conditions = conditions_as_read(wanted.conditions, forms_of(overridden(written.schema, wanted.columns)))
    return Recipe(wanted.generator, wanted.params, modelled, conditions, wanted.device)


def _take(wanted: Pictures, context: AuditContext, whole: AuditContext) -> None:
    """Write the table's pictures for the report; a picture that cannot be taken must not stop a build."""
    from synthkit.audits.profile import make_profile, synthetic_alone
    from synthkit.files import write_text_atomic

    try:
        found = make_profile(context if wanted.real else synthetic_alone(context))
        # Of whole tables, whose samples are pictured where they are large.
        found["rows"]["synthetic"] = whole.synthetic.rows
        if found["rows"]["real"] is not None:
            found["rows"]["real"] = sum(t.rows for t in (whole.train, whole.holdout) if t is not None)
    except Exception as error:
        traceback.print_exc()  # into the log of the run
        found = {"reason": f"the pictures could not be taken ({type(error).__name__})"}
    write_text_atomic(wanted.path, json.dumps({**wanted.stamp, **found}, ensure_ascii=False) + "\n")
