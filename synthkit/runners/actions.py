"""What a job does, in the process it runs in: paths and a spec in, Parquet and a small manifest out."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.files import parsed_json
from synthkit.privacy.accounting.mechanisms import same_releases
from synthkit.runners.jobs import (
    AuditJob,
    ComposeJob,
    GenerateJob,
    IngestJob,
    InheritJob,
    Job,
    JobProgress,
    QueryJob,
    SplitJob,
)
from synthkit.runners.staging import phase, size_of, stage
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    from synthkit.audits.context import AuditContext, Recipe
    from synthkit.encoding.fill import ColumnPlan
    from synthkit.generators.base import Budget, Generator
    from synthkit.generators.sql import Queried


def execute(job: Job, progress: JobProgress) -> dict[str, Any]:
    """Run a job here and return its manifest (JSON-able)."""
    if isinstance(job, IngestJob):
        return _ingest(job, progress)
    if isinstance(job, SplitJob):
        return _split(job)
    if isinstance(job, InheritJob):
        return _inherit(job)
    if isinstance(job, GenerateJob):
        return _generate(job, progress)
    if isinstance(job, QueryJob):
        return _query(job)
    if isinstance(job, ComposeJob):
        from synthkit.runners.composing import compose

        return compose(job, progress)
    return _audit(job, progress)


def _ingest(job: IngestJob, progress: JobProgress) -> dict[str, Any]:
    from synthkit.project.types import ConnectionSpec, SourceTableSpec
    from synthkit.sources.bounding import Declared
    from synthkit.sources.ingest import ingest

    def report(done: int, total: int, unit: str, note: str = "") -> None:
        progress("load", done, total, unit, note)

    declared = None
    if job.declared is not None:
        declared = Declared(Schema.from_json(job.declared["schema"]), job.declared["max_rows_per_unit"])
    split = ingest(
        SourceTableSpec.model_validate(job.spec),
        root=Path(job.root),
        connections={k: ConnectionSpec.model_validate(v) for k, v in job.connections.items()},
        holdout=job.holdout,
        directory=Path(job.directory),
        source_hash=job.source_hash,
        declared=declared,
        progress=report,
    )
    return {
        "directory": str(split.directory),
        "rows": split.rows,
        "notes": list(split.notes),
        "inferred": dict(split.inferred),
    }


def _split(job: SplitJob) -> dict[str, Any]:
    from synthkit.sources.ingest import split_table

    table = Table(Schema.from_json(job.schema), (Path(job.path),), job.rows)
    split = split_table(table, holdout=job.holdout, directory=Path(job.directory), salt=job.salt)
    return {"directory": str(split.directory), "rows": split.rows}


def _inherit(job: InheritJob) -> dict[str, Any]:
    import pyarrow.parquet as pq

    from synthkit.sources.derived import inherit_sides
    from synthkit.store.parquet import write_parquet

    def held_out(destination: Path, scratch: Path) -> int:
        files = tuple(Path(p) for p in job.held_out)
        for number, query in enumerate(job.queries):
            made = scratch / f"{number}.parquet"
            _run(query["sql"], {**query["relations"], query["over"]: files}, made, query["seed"])
            files = (made,)
        table = Table(Schema.from_json(job.schema), files, 0)
        return write_parquet(table.batches(), pq.read_schema(files[0]), destination, {})[0]

    table = Table(Schema.from_json(job.schema), (Path(job.path),), job.rows)
    split = inherit_sides(table, holdout=job.holdout, directory=Path(job.directory), held_out=held_out)
    assert split.holdout is not None
    return {"directory": str(split.directory), "rows": split.rows, "held_out": split.holdout.rows}


def _generate(job: GenerateJob, progress: JobProgress) -> dict[str, Any]:
    from synthkit.generators import registry
    from synthkit.generators.exact.conditions import check_known, quotas
    from synthkit.generators.exact.constraints import check_real_rows, parse_all, unchanging
    from synthkit.generators.exact.drawing import draw
    from synthkit.sources.ingest import load_split

    generator = registry.get(job.generator)
    split = load_split(Path(job.split))
    rules = parse_all(job.constraints)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    if job.budget is None:
        table = replace(split.train, schema=_overridden(split.train.schema, job.columns))
        check_real_rows(rules, table)  # under a budget nothing is said of the rows, and rules are public knowledge
    else:
        assert split.bounded is not None
        table = split.bounded
    with _readable(job.model, Path(job.model_dir)):
        plan, cached = _plan(Path(job.model_dir), table, declared=job.budget is not None)
    unchanging(tuple(rules), plan)  # what drawing refuses is refused before the training
    source_rows = split.rows if job.budget is None else None
    rows = size_of(job.size, source_rows)
    if job.conditions:
        quotas(job.conditions, rows, plan.modelled)
        if job.budget is None:
            check_known(job.conditions, table)
    if cached:
        with _readable(job.model, Path(job.model_dir)):
            model = generator.load(Path(job.model_dir) / "model") if plan.modelled.columns and generator.load else None
    else:
        model = _fit(generator, job, table, plan, Path(job.model_dir), progress)
        seconds["train"] = time.perf_counter() - started
    started = time.perf_counter()
    batches = draw(
        generator,
        model,
        plan,
        rows=rows,
        conditions=job.conditions,
        rules=tuple(rules),
        seed=job.seed,
        progress=phase(progress, "sample"),
    )
    result = stage(batches, table.schema, job, source_rows)
    if result["rows"] != rows:
        raise BuildError(f"{job.generator} gave {result['rows']:,} rows where {rows:,} were asked for")
    seconds["sample"] = time.perf_counter() - started
    return {**result, "seconds": seconds}


@contextmanager
def _readable(model: str, folder: Path) -> Iterator[None]:
    """Around what reads a trained model: raises BuildError where its files are not what was written."""
    try:
        yield
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if not (folder / "complete.json").exists():
            raise
        hint = f"remove {folder} and build again: under epsilon that is another training, and charged as one"
        raise BuildError(f"the trained model of {model!r} is damaged: {error}", hint=hint) from error


def _plan(model_dir: Path, table: Table, *, declared: bool) -> tuple[ColumnPlan, bool]:
    """What is learnt and what is made up: as the cached model has it, else decided now; and whether it is cached.

    Args:
        declared: decide by the table's schema alone, without a look at its rows.
    """
    from synthkit.encoding.declared_fill import plan_declared
    from synthkit.encoding.fill import ColumnPlan, plan_columns

    if (model_dir / "complete.json").exists():
        return ColumnPlan.from_json(parsed_json((model_dir / "columns.json").read_text("utf-8"))), True
    return plan_declared(table.schema, table.paths[0]) if declared else plan_columns(table), False


def _fit(
    generator: Generator,
    job: GenerateJob,
    table: Table,
    plan: ColumnPlan,
    model_dir: Path,
    progress: JobProgress,
) -> Any:
    """Train, and keep the model under a temporary name until it is whole."""
    from synthkit.generators.base import Budget, Params
    from synthkit.generators.checkpoint import FileCheckpoint
    from synthkit.generators.exact.drawing import seed_for

    temporary = model_dir.with_name(f".tmp-{model_dir.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "model").mkdir(parents=True)
    model = None
    if plan.modelled.columns:
        assert generator.fit is not None
        assert generator.save is not None
        params: Params | Any = generator.params.model_validate(job.params)
        budget = None if job.budget is None else Budget(**job.budget)
        modelled = replace(table, schema=plan.modelled)
        if budget is not None:
            _check_charge(generator, params, budget, plan.modelled, job)
        resuming = {"checkpoint": FileCheckpoint(Path(job.checkpoint))} if generator.resumes else {}
        model = generator.fit(
            modelled,
            params,
            budget=budget,
            seed=seed_for(job.seed, "fit"),
            device=job.device,
            progress=phase(progress, "train"),
            **resuming,
        )
        generator.save(model, temporary / "model")
    (temporary / "columns.json").write_text(json.dumps(plan.to_json(), default=str), "utf-8")
    (temporary / "complete.json").write_text(json.dumps({"generator": generator.name, "charge": job.charge}), "utf-8")
    shutil.rmtree(model_dir, ignore_errors=True)
    temporary.replace(model_dir)
    FileCheckpoint(Path(job.checkpoint)).discard()
    return model


def _check_charge(generator: Generator, params: Any, budget: Budget, modelled: Schema, job: GenerateJob) -> None:
    """What the training will release must be what the ledger was charged for, and that was declared without these rows.

    Raises BuildError where it is not, or where nothing was charged (the cached model went away meanwhile).
    """
    if job.charge is None:
        raise BuildError(
            f"the trained model of {job.model!r} is gone, and training it anew was not charged", hint="build again"
        )
    assert generator.mechanisms is not None
    spends = [m.to_json() for m in generator.mechanisms(params, budget, modelled)]
    if not same_releases(spends, job.charge["mechanisms"]):
        raise BuildError(
            f"training {job.model!r} would not release what was charged for it, so nothing was trained",
            hint="declare the type of every column of its source; if they are, it is an error of the generator",
        )


def _query(job: QueryJob) -> dict[str, Any]:
    started = time.perf_counter()
    directory = Path(job.stage_dir)
    directory.mkdir(parents=True, exist_ok=True)
    raw = directory / ".tmp-query.parquet"
    try:
        found = _run(job.sql, job.relations, raw, job.seed)
        schema = _typed(job, found.types)
        result = stage(Table(schema, (raw,), found.rows).batches(), schema, job, None)
    finally:
        raw.unlink(missing_ok=True)
    return {**result, "notes": list(found.notes), "seconds": {"train": time.perf_counter() - started}}


def _run(sql: str, relations: Mapping[str, Sequence[str | Path]], destination: Path, seed: int) -> Queried:
    """Run an SQL model's query: over training rows for its table, over held-out ones for the judge of its readers."""
    from synthkit.generators.sql import run_query

    named = {name: tuple(Path(p) for p in paths) for name, paths in relations.items()}
    return run_query(sql, named, destination, seed=seed, threads=1)


def _typed(job: QueryJob, found: Mapping[str, str]) -> Schema:
    """The compiled schema under the names, in the order and with the types that the query really gave."""
    from synthkit.sources.types import provisional_type

    known = Schema.from_json(job.schema).by_name
    columns = []
    for name, sql_type in found.items():
        column = known.get(name)
        if column is None:
            column = Column(name, provisional_type(sql_type), sql_type)
        columns.append(replace(column, sql_type=sql_type))
    return Schema(tuple(columns))


def _audit(job: AuditJob, progress: JobProgress) -> dict[str, Any]:
    from synthkit.audits.context import AuditContext, PrivateTraining, Version
    from synthkit.audits.failures import FailureStore
    from synthkit.audits.runner import BoundAudit, run_audits
    from synthkit.sources.ingest import load_split

    started = time.perf_counter()
    schema = Schema.from_json(job.schema)
    split = None if job.split is None else load_split(Path(job.split))
    context = AuditContext(
        schema=schema,
        synthetic=Table(schema, (Path(job.synthetic),), job.rows),
        train=None if split is None else split.train,
        holdout=None if split is None else split.holdout,
        seed=job.seed,
        relations={name: tuple(Path(p) for p in paths) for name, paths in job.relations.items()},
        training=None if job.training is None else PrivateTraining.from_json(job.training),
        recipe=None if job.recipe is None or split is None else _recipe(job.recipe, split.train),
        previous=None if job.previous is None else Version.from_json(job.previous),
        seconds=job.seconds,
    )
    bound = [BoundAudit.from_json(b) for b in job.audits]
    failures = None if job.failures is None else FailureStore(Path(job.failures[0]), job.failures[1])
    records = run_audits(context, bound, phase(progress, "audit"), failures)
    if job.profile is not None:
        _profile(context, job.profile)
    return {"records": [r.to_json() for r in records], "seconds": {"audit": time.perf_counter() - started}}


def _recipe(wanted: Mapping[str, Any], train: Table) -> Recipe:
    """How the model was trained on these rows: with what it learns decided as it was then."""
    from synthkit.audits.context import Recipe
    from synthkit.encoding.fill import plan_columns

    modelled = plan_columns(replace(train, schema=_overridden(train.schema, wanted["columns"]))).modelled
    return Recipe(wanted["generator"], wanted["params"], modelled, wanted["conditions"], wanted["device"])


def _profile(context: AuditContext, wanted: Mapping[str, Any]) -> None:
    """Write the table's pictures for the report; a picture that cannot be taken must not stop a build."""
    from synthkit.audits.profile import make_profile, synthetic_alone
    from synthkit.files import write_text_atomic

    try:
        found = make_profile(context if wanted["real"] else synthetic_alone(context))
    except Exception as error:
        import traceback

        traceback.print_exc()  # into the log of the run
        found = {"reason": f"the pictures could not be taken ({type(error).__name__})"}
    write_text_atomic(Path(wanted["path"]), json.dumps({**wanted["stamp"], **found}, ensure_ascii=False) + "\n")


def _overridden(schema: Schema, columns: Mapping[str, Mapping[str, Any]]) -> Schema:
    """The source's schema with the types and Faker columns that the model itself declares."""
    changed = [
        replace(c, **{k: v for k, v in columns[c.name].items() if v is not None}) if c.name in columns else c
        for c in schema.columns
    ]
    return replace(schema, columns=tuple(changed))
