"""What a job does, in the process it runs in: paths and a spec in, Parquet and a small manifest out."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.runners.jobs import (
    AuditJob,
    GenerateJob,
    IngestJob,
    Job,
    JobProgress,
    QueryJob,
    SplitJob,
)
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.encoding.fill import ColumnPlan
    from synthkit.generators.base import Generator


def execute(job: Job, progress: JobProgress) -> dict[str, Any]:
    """Run a job here and return its manifest (JSON-able)."""
    if isinstance(job, IngestJob):
        return _ingest(job, progress)
    if isinstance(job, SplitJob):
        return _split(job)
    if isinstance(job, GenerateJob):
        return _generate(job, progress)
    if isinstance(job, QueryJob):
        return _query(job)
    return _audit(job, progress)


def _ingest(job: IngestJob, progress: JobProgress) -> dict[str, Any]:
    from synthkit.sources.ingest import ingest
    from synthkit.spec.types import ConnectionSpec, SourceTableSpec

    def report(done: int, total: int, unit: str, note: str = "") -> None:
        progress("load", done, total, unit, note)

    split = ingest(
        SourceTableSpec.model_validate(job.spec),
        root=Path(job.root),
        connections={k: ConnectionSpec.model_validate(v) for k, v in job.connections.items()},
        holdout=job.holdout,
        directory=Path(job.directory),
        source_hash=job.source_hash,
        progress=report,
    )
    return {"directory": str(split.directory), "rows": split.rows, "notes": list(split.notes)}


def _split(job: SplitJob) -> dict[str, Any]:
    from synthkit.sources.ingest import split_table

    table = Table(Schema.from_json(job.schema), (Path(job.path),), job.rows)
    split = split_table(table, holdout=job.holdout, directory=Path(job.directory))
    return {"directory": str(split.directory), "rows": split.rows}


def _generate(job: GenerateJob, progress: JobProgress) -> dict[str, Any]:
    from synthkit.encoding.fill import fill
    from synthkit.generators import registry
    from synthkit.generators.conditions import quotas
    from synthkit.generators.constraints import check_real_rows, keeps, parse_all, unchanging, within
    from synthkit.sources.ingest import load_split

    generator = registry.get(job.generator)
    split = load_split(Path(job.split))
    table = replace(split.train, schema=_overridden(split.train.schema, job.columns))
    rules = parse_all(job.constraints)
    if job.epsilon is None:  # with a budget nothing is learnt of private rows beside it; rules are public knowledge
        check_real_rows(rules, table)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    plan, cached = _plan(Path(job.model_dir), table)
    fixed = unchanging(tuple(rules), plan)
    if cached:
        model = generator.load(Path(job.model_dir) / "model") if plan.modelled.columns and generator.load else None
    else:
        model = _fit(generator, job, table, plan, Path(job.model_dir), progress)
        seconds["train"] = time.perf_counter() - started
    started = time.perf_counter()
    rows = _size(job.size, split.rows)
    wanted = quotas(job.conditions, rows, plan.modelled) if job.conditions else ()
    drawn: Iterator[pa.RecordBatch] = iter(())
    if plan.modelled.columns:
        assert generator.sample is not None
        sample = within(generator.sample, tuple(rules), fixed, generator.name)
        seed, report = _derived(job.seed, "sample"), _phase(progress, "sample")
        drawn = sample(model, rows, conditions=wanted, seed=seed, progress=report)
    kept = keeps(tuple(rules)) | job.conditions.keys()
    batches = fill(drawn, plan, rows=rows, seed=_derived(job.seed, "fill"), fixed=kept)
    result = _stage(batches, table.schema, job.stage_dir, job.sample, job.metadata, split.rows)
    if result["rows"] != rows:
        raise BuildError(f"{job.generator} gave {result['rows']:,} rows where {rows:,} were asked for")
    seconds["sample"] = time.perf_counter() - started
    return {**result, "seconds": seconds}


def _plan(model_dir: Path, table: Table) -> tuple[ColumnPlan, bool]:
    """What is learnt and what is made up: as the cached model has it, else decided now; and whether it is cached."""
    from synthkit.encoding.fill import ColumnPlan, plan_columns

    if (model_dir / "complete.json").exists():
        return ColumnPlan.from_json(json.loads((model_dir / "columns.json").read_text("utf-8"))), True
    return plan_columns(table), False


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

    temporary = model_dir.with_name(f".tmp-{model_dir.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "model").mkdir(parents=True)
    model = None
    if plan.modelled.columns:
        assert generator.fit is not None
        assert generator.save is not None
        params: Params | Any = generator.params.model_validate(job.params)
        budget = None if job.epsilon is None else Budget(job.epsilon, job.delta or 0.0)
        modelled = replace(table, schema=plan.modelled)
        model = generator.fit(
            modelled,
            params,
            budget=budget,
            seed=_derived(job.seed, "fit"),
            device=job.device,
            progress=_phase(progress, "train"),
        )
        generator.save(model, temporary / "model")
    (temporary / "columns.json").write_text(json.dumps(plan.to_json(), default=str), "utf-8")
    (temporary / "complete.json").write_text(json.dumps({"generator": generator.name}), "utf-8")
    shutil.rmtree(model_dir, ignore_errors=True)
    temporary.replace(model_dir)
    return model


def _query(job: QueryJob) -> dict[str, Any]:
    from synthkit.generators.sql import run_query

    started = time.perf_counter()
    directory = Path(job.stage_dir)
    directory.mkdir(parents=True, exist_ok=True)
    raw = directory / ".tmp-query.parquet"
    relations = {name: tuple(Path(p) for p in paths) for name, paths in job.relations.items()}
    run_query(job.sql, relations, raw, seed=job.seed, threads=1)
    try:
        table = Table(Schema.from_json(job.schema), (raw,), 0)
        result = _stage(table.batches(), _typed(job, raw), job.stage_dir, job.sample, job.metadata, None)
    finally:
        raw.unlink(missing_ok=True)
    return {**result, "seconds": {"train": time.perf_counter() - started}}


def _typed(job: QueryJob, raw: Path) -> Schema:
    """The compiled schema, in the order and under the names that the query really gave."""
    import pyarrow.parquet as pq

    names = pq.read_schema(raw).names
    known = Schema.from_json(job.schema)
    return Schema(tuple(known.by_name.get(n, Column(n, "categorical", "VARCHAR")) for n in names))


def _stage(
    batches: Iterator[pa.RecordBatch],
    schema: Schema,
    stage_dir: str,
    sample: str,
    metadata: Mapping[str, str],
    source_rows: int | None,
) -> dict[str, Any]:
    """Write the rows as Parquet and, last, the record that says they are whole."""

    from synthkit.files import write_json_atomic
    from synthkit.store.parquet import write_parquet

    directory = Path(stage_dir)
    directory.mkdir(parents=True, exist_ok=True)
    first = next(batches, None)
    if first is None:
        raise BuildError("there are no rows to write", hint="look at the source and the size")

    def rest() -> Iterator[pa.RecordBatch]:
        yield first
        yield from batches

    rows = write_parquet(rest(), first.schema, directory / "data.parquet", metadata)
    record = {"sample": sample, "rows": rows, "schema": schema.to_json(), "source_rows": source_rows}
    write_json_atomic(directory / "stage.json", record)
    return {"rows": rows, "source_rows": source_rows}


def _audit(job: AuditJob, progress: JobProgress) -> dict[str, Any]:
    from synthkit.audits.context import AuditContext
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
    )
    bound = [BoundAudit.from_json(b) for b in job.audits]
    records = run_audits(context, bound, _phase(progress, "audit"))
    return {"records": [r.to_json() for r in records], "seconds": {"audit": time.perf_counter() - started}}


def _overridden(schema: Schema, columns: Mapping[str, Mapping[str, Any]]) -> Schema:
    """The source's schema with the types and Faker columns that the model itself declares."""
    changed = [
        replace(c, **{k: v for k, v in columns[c.name].items() if v is not None}) if c.name in columns else c
        for c in schema.columns
    ]
    return replace(schema, columns=tuple(changed))


def _size(size: Mapping[str, Any], source_rows: int) -> int:
    if size.get("rows") is not None:
        return int(size["rows"])
    return max(1, round(source_rows * float(size["factor"])))


def _derived(seed: int, purpose: str) -> int:
    import hashlib

    return int.from_bytes(hashlib.sha256(f"{seed}:{purpose}".encode()).digest()[:4], "big")


def _phase(progress: JobProgress, phase: str) -> Callable[..., None]:
    def report(done: int, total: int, unit: str, note: str = "") -> None:
        progress(phase, done, total, unit, note)

    return report
