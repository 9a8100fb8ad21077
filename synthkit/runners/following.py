"""The rows of sequences: one table that says whose rows follow one another, learnt by a generator that heeds it.

The generator draws which rows are of one entity, and gives them one after another, in their order; what an entity is
called, and a key that tells rows apart, is made up here, so that every generator's keys look alike.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.encoding.makers import Maker, make_maker
from synthkit.encoding.taken import FREE, Taken, taken_keys
from synthkit.errors import BuildError
from synthkit.files import clean_temporaries, parsed_json, put_over, temporary_folder
from synthkit.generators import registry
from synthkit.generators.exact.constraints import check_real_rows, parse_all
from synthkit.generators.exact.drawing import seed_for
from synthkit.generators.exact.members import KeyColumns, MemberPlan, laid_down, plan_member, reading
from synthkit.generators.family.keys import maker_of
from synthkit.runners.done import Made
from synthkit.runners.jobs import GenerateJob, JobProgress
from synthkit.runners.metering import enter
from synthkit.runners.staging import phase, stage
from synthkit.runners.trained import is_trained, mark
from synthkit.schema import Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.encoding.rules import FillRule
    from synthkit.generators.base import Trained
    from synthkit.sources.split import Split

PLAN = "sequence.json"
_TABLE = "table"


def follows(generator: Trained, schema: Schema) -> bool:
    """Whether the rows of the table are to be learnt, and drawn, one after another."""
    return generator.sequences and schema.entity is not None


def follow(job: GenerateJob, table: Table, split: Split, scratch: Path, progress: JobProgress) -> Made:
    """Learn sequences (or load what was learnt of them), and stage rows like theirs, an entity's together.

    Args:
        table: what is learnt of the split.
        scratch: a folder for rows as they are read, learnt and drawn.

    Raises:
        BuildError: the rows cannot be learnt from, or what is asked for cannot be drawn.
    """
    generator = registry.trained(job.generator)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    cached = is_trained(job.model_dir)
    file = scratch / "read.parquet"
    if cached:
        plan = MemberPlan.from_json(parsed_json((job.model_dir / PLAN).read_text("utf-8")))
        known = reading(plan, table, file)
    else:
        declared = {**job.constraints, **job.rules}
        plan, known = plan_member(table, keys_of(table.schema), file, declared=declared, found=job.rules_found)
    check_real_rows(parse_all(job.constraints), known)
    makers = [rule for name in plan.keys.names if (rule := maker_of(known, name)) is not None]
    taken = taken_keys(job.keys, makers, plan.columns.schema.primary_key, split.sides, declared=False)
    rows = job.size.of(split.rows)
    if cached:
        model = generator.load(job.model_dir / "model")
    else:
        model = _fit(generator, job, plan, learn(plan, known, scratch / "learnt.parquet"), progress)
        seconds["train"] = time.perf_counter() - started
    enter("sample")
    started = time.perf_counter()
    sample_seed, report = seed_for(job.seed, "sample"), phase(progress, "sample")
    batches = generator.sample(model, rows, conditions=(), seed=sample_seed, progress=report)
    found = completed(plan, batches, makers, taken, scratch, job.seed)
    staged = stage(found, table.schema, job, split.rows, rules=plan.rules, origins=plan.origins({}))
    if staged != rows:
        raise BuildError(f"{job.generator} gave {staged:,} rows where {rows:,} were asked for")
    seconds["sample"] = time.perf_counter() - started
    return Made(staged, split.rows, seconds)


def keys_of(schema: Schema) -> KeyColumns:
    """The columns that are not learnt: whose rows they are, and what tells each from all others."""
    single = schema.primary_key if len(schema.primary_key) == 1 else ()
    names = tuple(n for n in schema.names if n == schema.entity or n in single)
    return KeyColumns(names, frozenset(names), {})


def learn(plan: MemberPlan, known: Table, file: Path) -> Table:
    """The rows as the generator learns them: a key that tells each from all others is no part of them."""
    found = plan.learn(known, file)
    return replace(found, schema=_learnt(plan))


def _learnt(plan: MemberPlan) -> Schema:
    whole = plan.learnt
    apart = {n for n in plan.keys.names if n != whole.entity}
    return replace(whole, columns=tuple(c for c in whole.columns if c.name not in apart), primary_key=())


def completed(
    plan: MemberPlan,
    drawn: Iterator[pa.RecordBatch],
    makers: list[FillRule],
    taken: Mapping[str, Taken],
    scratch: Path,
    seed: int,
) -> Iterator[pa.RecordBatch]:
    """Drawn rows in the table's columns, forms and types; their entities, and keys of their own, are made up.

    Args:
        makers: how the values of each key look.
        taken: of keys, those that real rows have.
    """
    file = scratch / "sequences"
    file.mkdir(exist_ok=True)
    rows = laid_down(((_TABLE, batch) for batch in drawn), {_TABLE: plan}, file)[_TABLE]
    entity = plan.columns.schema.entity
    assert entity is not None
    kinds = plan.columns.arrow_schema()
    made = {}
    for rule in makers:
        name = rule.column.name
        made[name] = make_maker(
            rule, kinds.field(name).type, max(1, rows.rows), seed_for(seed, name), taken.get(name, FREE)
        )
    named = replace(rows, schema=_learnt(plan))
    renamed = laid_down(((_TABLE, b) for b in _renamed(named, plan, entity, made)), {_TABLE: plan}, scratch)[_TABLE]
    return plan.complete(renamed, seed=seed_for(seed, "fill"))


def _renamed(rows: Table, plan: MemberPlan, entity: str, made: Mapping[str, Maker]) -> Iterator[pa.RecordBatch]:
    """The rows with made-up keys; those of one entity lie together."""
    import numpy as np
    import pyarrow as pa

    names, start, number, last = plan.learnt.names, 0, -1, object()
    for batch in rows.batches():
        codes = batch.column(entity).dictionary_encode()
        at = codes.indices.to_numpy(zero_copy_only=False)
        if not len(at):
            continue
        fresh = np.append(codes.dictionary[int(at[0])].as_py() != last, at[1:] != at[:-1])
        whose = number + np.cumsum(fresh)
        last, low = codes.dictionary[int(at[-1])].as_py(), int(whose[0])
        columns = {n: batch.column(n) for n in batch.schema.names}
        for name, maker in made.items():
            if name == entity:
                columns[name] = maker.take(low, int(whose[-1]) - low + 1).take(pa.array(whose - low))
            else:
                columns[name] = maker.take(start, len(at))
        number, start = int(whose[-1]), start + len(at)
        yield pa.record_batch([columns[n] for n in names], names=list(names))


def _fit(generator: Trained, job: GenerateJob, plan: MemberPlan, table: Table, progress: JobProgress) -> object:
    """Train, and keep the model under a temporary name until it is whole."""
    params = generator.params.model_validate(job.params)
    seed, report = seed_for(job.seed, "fit"), phase(progress, "train")
    model = generator.fit(table, params, budget=None, seed=seed, device=job.device, progress=report)
    clean_temporaries(job.model_dir.parent)
    with temporary_folder(job.model_dir) as temporary:
        (temporary / "model").mkdir()
        generator.save(model, temporary / "model")
        (temporary / PLAN).write_text(json.dumps(plan.to_json(), default=str), "utf-8")
        mark(temporary, generator.name, None)
        put_over(temporary, job.model_dir)
    return model
