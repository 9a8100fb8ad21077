"""A generator's rows: trained, or found trained, then drawn and staged."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.digests import digest
from synthkit.errors import BuildError
from synthkit.files import clean_temporaries, parsed_json, put_first, sha256_file, temporary_folder
from synthkit.runners.done import Learnt, Made
from synthkit.runners.jobs import GenerateJob, JobProgress, TrainJob
from synthkit.runners.metering import enter
from synthkit.runners.overriding import overridden
from synthkit.runners.parts import Modelled
from synthkit.runners.staging import phase, stage
from synthkit.runners.trained import check_charge, is_trained, mark
from synthkit.schema import Schema, Table
from synthkit.store.surveys import SurveyFiles

if TYPE_CHECKING:
    from synthkit.encoding.fill import ColumnPlan
    from synthkit.encoding.taken import Taken
    from synthkit.generators.base import Trained
    from synthkit.rules.inequality import Inequality
    from synthkit.sources.split import Split


@dataclass(frozen=True)
class Ready:
    """What draws the rows of a table.

    Args:
        table: as it is learnt.
        fitted: what the generator's ``fit`` gave; None where it had no column to learn.
        rules: comparisons that hold in every row.
        taken: keys that real rows have, by column, where drawn ones must be others.
        source_rows: of the source; None where that is private.
        seconds: that the training took, where there was one.
    """

    generator: Trained
    table: Table
    fitted: Any
    plan: ColumnPlan
    rules: tuple[Inequality, ...]
    taken: Mapping[str, Taken]
    source_rows: int | None
    seconds: Mapping[str, float] = field(default_factory=dict)


def generate(job: GenerateJob, progress: JobProgress) -> Made:
    """Learn a table (or load what was learnt of it), and stage rows like it."""
    from synthkit.encoding.origin import origins
    from synthkit.generators.exact.drawing import draw
    from synthkit.generators.exact.ruled import found_in

    if follows_others(job):
        return _followed(job, progress)
    ready = _ready(job, progress)
    enter("sample")
    started = time.perf_counter()
    rows = job.size.of(ready.source_rows)
    batches = draw(
        ready.generator,
        ready.fitted,
        ready.plan,
        rows=rows,
        conditions=job.conditions,
        rules=ready.rules,
        seed=job.seed,
        progress=phase(progress, "sample"),
        taken=ready.taken,
    )
    kept, columns = found_in(ready.plan), origins(ready.plan)
    staged = stage(batches, ready.table.schema, job, ready.source_rows, rules=kept, origins=columns)
    if staged != rows:
        raise BuildError(f"{job.generator} gave {staged:,} rows where {rows:,} were asked for")
    return Made(staged, ready.source_rows, {**ready.seconds, "sample": time.perf_counter() - started})


def train(job: TrainJob, progress: JobProgress) -> Learnt:
    """Learn a table, unless that is done or its rows cannot be drawn in partitions, and say whether they can."""
    from synthkit.generators.exact.drawing import undivided

    if follows_others(job):
        return Learnt("", "its rows are sequences", {})
    ready = _ready(job, progress)
    whole = undivided(
        ready.generator, ready.plan, conditions=job.conditions, rules=ready.rules, partitions=job.partitions
    )
    return Learnt(digest_of(job.model_dir), whole, ready.seconds)


def follows_others(job: Modelled) -> bool:
    """Whether rows are learnt, and drawn, one after another."""
    from synthkit.generators import registry
    from synthkit.runners.following import follows

    return follows(registry.trained(job.generator), of_split(job)[1].schema)


def _followed(job: GenerateJob, progress: JobProgress) -> Made:
    """Learn sequences, and stage rows like theirs."""
    from synthkit.runners.following import follow

    split, table = of_split(job)
    job.model_dir.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(job.model_dir.with_name("rows")) as scratch, _readable(job):
        return follow(job, table, split, scratch, progress)


def digest_of(model_dir: Path) -> str:
    """Of all files of a trained model: under a budget, a second training of the same inputs is another model."""
    files = sorted(p for p in model_dir.rglob("*") if p.is_file())
    return digest({p.relative_to(model_dir).as_posix(): sha256_file(p) for p in files})


def of_split(job: Modelled) -> tuple[Split, Table]:
    """The rows in two sides, and the table that is learnt of them."""
    from synthkit.sources.ingest import load_split

    split = load_split(job.split)
    if job.budget is None:
        return split, replace(split.train, schema=overridden(split.train.schema, job.columns))
    assert split.bounded is not None
    return split, split.bounded


def _ready(job: Modelled, progress: JobProgress) -> Ready:
    """Learn a table, or load what was learnt of it, and check what is asked of its rows.

    Raises:
        BuildError: the rows cannot be learnt from, or no model of them gives what is asked for.
    """
    split, table = of_split(job)
    job.model_dir.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(job.model_dir.with_name("rows")) as scratch:  # as private as the models are
        return _checked(job, table, split, scratch, progress)


@dataclass(frozen=True)
class Decided:
    """What is learnt of a table, before it is.

    Args:
        known: the table as it is read.
        taken: as of :class:`Ready`.
        cached: whether a model is there, which then says what was learnt.
    """

    plan: ColumnPlan
    known: Table
    taken: Mapping[str, Taken]
    cached: bool


def decided(job: Modelled, table: Table, split: Split, scratch: Path) -> Decided:
    """Decide what is learnt and what is made up, and check what is asked of the rows.

    Args:
        table: what is learnt of the split.
        scratch: a folder for rows as they are read.

    Raises:
        BuildError: the rows cannot be learnt from, or no model of them gives what is asked for.
    """
    from synthkit.encoding.grouping import with_tails
    from synthkit.generators.exact.conditions import check_known, quotas
    from synthkit.generators.exact.constraints import check_real_rows, parse_all, unchanging
    from synthkit.generators.exact.ruled import ruled

    rules = parse_all(job.constraints)
    with _readable(job):
        plan, known, cached = _plan(job.model_dir, table, scratch, declared=job.budget is not None)
    if not cached:
        plan = ruled(plan, known, job.rules, found=job.rules_found, private=job.budget is not None)
        plan = with_tails(plan, known) if job.budget is None else plan
    if job.budget is None:
        check_real_rows(rules, known)  # under a budget nothing is said of the rows, and rules are public knowledge
    taken = taken_of(job, plan, split)
    unchanging(tuple(rules), plan)  # what drawing refuses is refused before the training
    if job.conditions:
        wanted = plan.read.conditions(job.conditions)
        quotas(wanted, job.size.of(split.rows if job.budget is None else None), plan.modelled)
        if job.budget is None:
            check_known(wanted, known)
    return Decided(plan, known, taken, cached)


def prepared_for(job: Modelled, table: Table) -> tuple[ColumnPlan, Table] | None:
    """What :mod:`.surveying` decided for a training, and the rows as they are learnt; None where it did not."""
    from synthkit.encoding.fill import ColumnPlan

    found = None if job.surveys is None else SurveyFiles(job.surveys).found(table)
    if found is None:
        return None
    plan = ColumnPlan.from_json(found[0])
    return plan, replace(found[1], schema=plan.inner)


def _checked(job: Modelled, table: Table, split: Split, scratch: Path, progress: JobProgress) -> Ready:
    """See :func:`_ready`.

    Args:
        table: what is learnt of the split.
        scratch: a folder for rows as they are read and learnt.
    """
    from synthkit.generators import registry
    from synthkit.generators.exact.constraints import parse_all

    generator = registry.trained(job.generator)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    learnt: Table | None
    prepared = None if is_trained(job.model_dir) else prepared_for(job, table)
    if prepared is not None:
        plan, learnt = prepared
        taken = taken_of(job, plan, split)
    else:
        found = decided(job, table, split, scratch)
        plan, taken = found.plan, found.taken
        learnt = None if found.cached else plan.learnt.learn(found.known, scratch / "learnt.parquet")
    if learnt is None:
        with _readable(job):
            model = _loaded(generator, job, plan)
    else:
        model, plan = _fit(generator, job, learnt, plan, progress, job.surveys if prepared is not None else None)
        seconds["train"] = time.perf_counter() - started
    rules, source_rows = tuple(parse_all(job.constraints)), split.rows if job.budget is None else None
    return Ready(generator, table, model, plan, rules, taken, source_rows, seconds)


def taken_of(job: Modelled, plan: ColumnPlan, split: Split) -> Mapping[str, Taken]:
    """What real rows have taken of made-up keys."""
    from synthkit.encoding.taken import taken_keys

    return taken_keys(job.keys, plan.filled, plan.schema.primary_key, split.sides, declared=job.budget is not None)


def trained_earlier(job: Modelled) -> Ready:
    """What draws the rows, of a model that somebody trained. Raises BuildError where it is not there, or damaged."""
    from synthkit.generators import registry
    from synthkit.generators.exact.constraints import parse_all

    if not is_trained(job.model_dir):
        raise BuildError(f"the trained model of {job.model!r} is gone", hint="build again")
    generator, (split, table) = registry.trained(job.generator), of_split(job)
    with _readable(job):
        plan = plan_of(job.model_dir)
        model = _loaded(generator, job, plan)
    rules, taken = tuple(parse_all(job.constraints)), taken_of(job, plan, split)
    return Ready(generator, table, model, plan, rules, taken, split.rows if job.budget is None else None)


@contextmanager
def _readable(job: Modelled) -> Iterator[None]:
    """Around what reads a trained model: raises BuildError where its files are not what was written."""
    try:
        yield
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if not is_trained(job.model_dir):
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
    from synthkit.encoding.fill import plan_columns
    from synthkit.encoding.writtenform import read_view

    file = scratch / "read.parquet"
    if is_trained(model_dir):
        plan = plan_of(model_dir)
        return plan, plan.read.learn(table, file), True
    view = read_view(table, "declaration" if declared else "rows")
    known = view.learn(table, file)
    if declared:
        return plan_declared(known.schema, known.paths[0], view), known, False
    return plan_columns(known, view), known, False


def plan_of(model_dir: Path) -> ColumnPlan:
    """As a trained model keeps it."""
    from synthkit.encoding.fill import ColumnPlan

    return ColumnPlan.from_json(parsed_json((model_dir / "columns.json").read_text("utf-8")))


def _loaded(generator: Trained, job: Modelled, plan: ColumnPlan) -> Any:
    """What the training gave; None where there was no column to learn."""
    return generator.load(job.model_dir / "model") if plan.modelled.columns else None


def _fit(
    generator: Trained, job: Modelled, table: Table, plan: ColumnPlan, progress: JobProgress, surveys: Path | None
) -> tuple[Any, ColumnPlan]:
    """Train on a table as it is learnt, and keep the model under a temporary name until it is whole.

    Also the plan for its rows: under a budget, which values go together is known from the trained model alone.

    Args:
        surveys: of the table's columns; they are removed when the model is there.
    """
    from synthkit.generators.checkpoint import FileCheckpoint

    checkpoint = FileCheckpoint(job.checkpoint)
    clean_temporaries(job.model_dir.parent)
    with temporary_folder(job.model_dir) as temporary:
        given: dict[str, Any] = {"checkpoint": checkpoint} if generator.resumes else {}
        given |= {} if surveys is None else {"surveys": surveys}
        model, plan = _trained(generator, job, table, plan, given, temporary, progress)
        if not is_trained(job.model_dir):
            shutil.rmtree(job.model_dir, ignore_errors=True)
        if not put_first(temporary, job.model_dir):  # somebody was faster: rows are of the model that is there
            with _readable(job):
                plan = plan_of(job.model_dir)
                model = _loaded(generator, job, plan)
    checkpoint.discard()
    if surveys is not None:
        shutil.rmtree(surveys, ignore_errors=True)
    return model, plan


def _trained(
    generator: Trained,
    job: Modelled,
    table: Table,
    plan: ColumnPlan,
    given: Mapping[str, Any],
    folder: Path,
    progress: JobProgress,
) -> tuple[Any, ColumnPlan]:
    """See :func:`_fit`; the model is written into the folder.

    Args:
        given: what else the generator's ``fit`` takes.
    """
    from synthkit.generators.exact.drawing import seed_for
    from synthkit.generators.exact.ruled import counted, settled
    from synthkit.generators.related import fit_tables
    from synthkit.generators.tables import Tables

    (folder / "model").mkdir()
    model = None
    if plan.modelled.columns:
        params = generator.params.model_validate(job.params)
        if job.budget is not None:
            _check_charge(generator, params, job, plan.inner)
        model = fit_tables(
            generator,
            Tables.of(replace(table, schema=plan.inner)),
            params,
            budget=job.budget,
            seed=seed_for(job.seed, "fit"),
            device=job.device,
            progress=phase(progress, "train"),
            **given,
        )
        generator.save(model, folder / "model")
        if job.budget is not None:
            plan = settled(plan, counted(generator, model, plan, seed_for(job.seed, "rules")))
    (folder / "columns.json").write_text(json.dumps(plan.to_json(), default=str), "utf-8")
    mark(folder, generator.name, job.charge)
    return model, plan


def _check_charge(generator: Trained, params: Any, job: Modelled, learnt: Schema) -> None:
    """What the training will release is what was charged for it. Raises BuildError where it is not."""
    mechanisms, budget = generator.mechanisms, job.budget
    assert mechanisms is not None
    assert budget is not None
    check_charge(job.model, job.charge, lambda: mechanisms(params, budget, learnt), sources="source")
