"""A generator's rows: trained, or found trained, then drawn and staged."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.files import parsed_json
from synthkit.privacy.accounting.mechanisms import same_releases
from synthkit.runners.done import Made
from synthkit.runners.jobs import GenerateJob, JobProgress
from synthkit.runners.overriding import overridden
from synthkit.runners.staging import phase, stage
from synthkit.schema import Schema, Table

if TYPE_CHECKING:
    from synthkit.encoding.fill import ColumnPlan
    from synthkit.generators.base import Trained
    from synthkit.sources.split import Split


def generate(job: GenerateJob, progress: JobProgress) -> Made:
    from synthkit.generators import registry
    from synthkit.runners.following import follow, follows
    from synthkit.sources.ingest import load_split

    split = load_split(job.split)
    if job.budget is None:
        table = replace(split.train, schema=overridden(split.train.schema, job.columns))
    else:
        assert split.bounded is not None
        table = split.bounded
    job.model_dir.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".tmp-rows-", dir=job.model_dir.parent) as scratch:  # as private as the models are
        if follows(registry.trained(job.generator), table.schema):
            with _readable(job):
                return follow(job, table, split, Path(scratch), progress)
        return _made(job, table, split, Path(scratch), progress)


def _made(job: GenerateJob, table: Table, split: Split, scratch: Path, progress: JobProgress) -> Made:
    """Learn a table (or load what was learnt of it), and stage rows like it.

    Args:
        table: what is learnt of the split.
        scratch: a folder for rows as they are read and learnt.
    """
    from synthkit.encoding.grouping import with_tails
    from synthkit.encoding.origin import origins
    from synthkit.encoding.taken import taken_keys
    from synthkit.generators import registry
    from synthkit.generators.exact.conditions import check_known, quotas
    from synthkit.generators.exact.constraints import check_real_rows, parse_all, unchanging
    from synthkit.generators.exact.drawing import draw
    from synthkit.generators.exact.ruled import found_in, ruled

    generator = registry.trained(job.generator)
    rules = parse_all(job.constraints)
    source_rows = split.rows if job.budget is None else None
    sides = [side for side in (split.train, split.holdout) if side is not None]
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    with _readable(job):
        plan, known, cached = _plan(job.model_dir, table, scratch, declared=job.budget is not None)
    if not cached:
        plan = ruled(plan, known, job.rules, found=job.rules_found, private=job.budget is not None)
        plan = with_tails(plan, known) if job.budget is None else plan
    if job.budget is None:
        check_real_rows(rules, known)  # under a budget nothing is said of the rows, and rules are public knowledge
    taken = taken_keys(job.keys, plan.filled, plan.schema.primary_key, sides, declared=job.budget is not None)
    unchanging(tuple(rules), plan)  # what drawing refuses is refused before the training
    rows = job.partition.rows(job.size.of(source_rows))
    if job.conditions:
        wanted = plan.read.conditions(job.conditions)
        quotas(wanted, rows, plan.modelled)
        if job.budget is None:
            check_known(wanted, known)
    if cached:
        with _readable(job):
            model = generator.load(job.model_dir / "model") if plan.modelled.columns else None
    else:
        model, plan = _fit(generator, job, plan.learnt.learn(known, scratch / "learnt.parquet"), plan, progress)
        seconds["train"] = time.perf_counter() - started
    started = time.perf_counter()
    batches = draw(
        generator,
        model,
        plan,
        rows=rows,
        conditions=job.conditions,
        rules=tuple(rules),
        seed=job.partition.seed(job.seed),
        progress=phase(progress, "sample"),
        taken=taken,
    )
    staged = stage(batches, table.schema, job, source_rows, rules=found_in(plan), origins=origins(plan))
    if staged != rows:
        raise BuildError(f"{job.generator} gave {staged:,} rows where {rows:,} were asked for")
    seconds["sample"] = time.perf_counter() - started
    return Made(staged, source_rows, seconds)


@contextmanager
def _readable(job: GenerateJob) -> Iterator[None]:
    """Around what reads a trained model: raises BuildError where its files are not what was written."""
    try:
        yield
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if not (job.model_dir / "complete.json").exists():
            raise
        hint = f"remove {job.model_dir} and build again: under epsilon that is another training, and charged as one"
        raise BuildError(f"the trained model of {job.model!r} is damaged: {error}", hint=hint) from error


def _plan(model_dir: Path, table: Table, scratch: Path, *, declared: bool) -> tuple[ColumnPlan, Table, bool]:
    """What is learnt and what is made up, the table as it is read, and whether the model is cached, which then says
    the first.

    Args:
        declared: decide by the table's schema alone, without a look at its rows.
    """
    from synthkit.encoding.declared_fill import plan_declared
    from synthkit.encoding.fill import ColumnPlan, plan_columns
    from synthkit.encoding.writtenform import read_view

    file = scratch / "read.parquet"
    if (model_dir / "complete.json").exists():
        plan = ColumnPlan.from_json(parsed_json((model_dir / "columns.json").read_text("utf-8")))
        return plan, plan.read.learn(table, file), True
    view = read_view(table, "declaration" if declared else "rows")
    known = view.learn(table, file)
    if declared:
        return plan_declared(known.schema, known.paths[0], view), known, False
    return plan_columns(known, view), known, False


def _fit(
    generator: Trained, job: GenerateJob, table: Table, plan: ColumnPlan, progress: JobProgress
) -> tuple[Any, ColumnPlan]:
    """Train on a table as it is learnt, and keep the model under a temporary name until it is whole.

    Also the plan for its rows: under a budget, which values go together is known from the trained model alone.
    """
    from synthkit.generators.checkpoint import FileCheckpoint
    from synthkit.generators.exact.drawing import seed_for
    from synthkit.generators.exact.ruled import counted, settled
    from synthkit.generators.related import fit_tables
    from synthkit.generators.tables import Tables

    temporary = job.model_dir.with_name(f".tmp-{job.model_dir.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "model").mkdir(parents=True)
    checkpoint = FileCheckpoint(job.checkpoint)
    model = None
    if plan.modelled.columns:
        params = generator.params.model_validate(job.params)
        if job.budget is not None:
            _check_charge(generator, params, job, plan.inner)
        resuming = {"checkpoint": checkpoint} if generator.resumes else {}
        model = fit_tables(
            generator,
            Tables.of(replace(table, schema=plan.inner)),
            params,
            budget=job.budget,
            seed=seed_for(job.seed, "fit"),
            device=job.device,
            progress=phase(progress, "train"),
            **resuming,
        )
        generator.save(model, temporary / "model")
        if job.budget is not None:
            plan = settled(plan, counted(generator, model, plan, seed_for(job.seed, "rules")))
    charge = None if job.charge is None else job.charge.to_json()
    (temporary / "columns.json").write_text(json.dumps(plan.to_json(), default=str), "utf-8")
    (temporary / "complete.json").write_text(json.dumps({"generator": generator.name, "charge": charge}), "utf-8")
    shutil.rmtree(job.model_dir, ignore_errors=True)
    temporary.replace(job.model_dir)
    checkpoint.discard()
    return model, plan


def _check_charge(generator: Trained, params: Any, job: GenerateJob, learnt: Schema) -> None:
    """What the training will release must be what the ledger was charged for, and that was declared without these rows.

    Raises BuildError where it is not, or where nothing was charged (the cached model went away meanwhile).
    """
    if job.charge is None:
        raise BuildError(
            f"the trained model of {job.model!r} is gone, and training it anew was not charged", hint="build again"
        )
    assert generator.mechanisms is not None
    assert job.budget is not None
    spends = [m.to_json() for m in generator.mechanisms(params, job.budget, learnt)]
    if not same_releases(spends, [m.to_json() for m in job.charge.mechanisms]):
        raise BuildError(
            f"training {job.model!r} would not release what was charged for it, so nothing was trained",
            hint="declare the type of every column of its source; if they are, it is an error of the generator",
        )
