"""The rows of a family: tables that hang together, learnt once, drawn together, each staged under its own name."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError, SynthError
from synthkit.files import clean_temporaries, parsed_json, put_over, temporary_folder
from synthkit.runners.done import FamilyMade, Made
from synthkit.runners.jobs import FamilyJob, JobProgress
from synthkit.runners.metering import enter
from synthkit.runners.overriding import overridden
from synthkit.runners.staging import phase, stage
from synthkit.runners.trained import is_trained, mark
from synthkit.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.generators.base import Trained
    from synthkit.generators.exact.asking import Asking
    from synthkit.generators.exact.members import MemberPlan
    from synthkit.records.columns import ColumnOrigin
    from synthkit.runners.leavingout import Loose
    from synthkit.sources.split import Split


@dataclass(frozen=True)
class _Learnt:
    """A table of the family: its real rows, how they are learnt, and as they are read."""

    split: Split
    plan: MemberPlan
    known: Table


def relate(job: FamilyJob, progress: JobProgress) -> FamilyMade:
    """Learn the tables (or load what was learnt of them), and stage rows like theirs.

    Raises:
        BuildError: a table's rows cannot be learnt from, or what is asked for cannot be drawn.
    """
    job.model_dir.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(job.model_dir.with_name("rows")) as scratch:  # as private as the models are
        return _made(job, scratch, progress)


def _made(job: FamilyJob, scratch: Path, progress: JobProgress) -> FamilyMade:
    from synthkit.generators import registry

    generator = registry.trained(job.generator)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    cached = is_trained(job.model_dir)
    with _readable(job):
        learnt = _learnt(job, scratch, cached=cached)
    root = learnt[job.first]
    rows = job.size.of(root.split.rows)
    asked = _asking(job, learnt, rows)
    private = job.budget is not None
    if cached:
        with _readable(job):
            model = generator.load(job.model_dir / "model")
    else:
        model, learnt = _fit(generator, job, learnt, scratch, progress)
        seconds["train"] = time.perf_counter() - started
    enter("sample")
    started = time.perf_counter()
    report = phase(progress, "sample")
    drawn = _drawn(generator, job, learnt, model, rows, asked, scratch, report)
    made = {}
    batches_of = {name: _completed(job, name, learnt[name], table, rows, asked) for name, table in drawn.items()}
    computed: dict[str, dict[str, str]] = {}
    if job.rules:
        batches_of, computed = _across(job, learnt, batches_of, scratch)
    for name, member in job.members.items():
        if member.kept:
            made[name] = _keep(job, name, learnt[name])
            continue
        plan = learnt[name].plan
        origins = _origins(plan.origins({table: m.model for table, m in job.members.items()}), computed.get(name, {}))
        source = learnt[name].split
        known = None if private else source.rows
        count = stage(batches_of[name], source.schema, member, known, rules=plan.rules, origins=origins)
        made[name] = Made(count, known, {})
    seconds["sample"] = time.perf_counter() - started
    return FamilyMade(made, seconds)


def _completed(
    job: FamilyJob, name: str, learnt: _Learnt, drawn: Table, rows: int, asked: Asking
) -> Iterator[pa.RecordBatch]:
    """The rows of a table as they are to be published, rules across tables aside."""
    from synthkit.generators.exact.drawing import seed_for
    from synthkit.generators.exact.rekeying import taken_beside

    if not drawn.rows:
        raise BuildError(
            f"no row of {name!r} was drawn: none of {rows:,} rows of {job.first!r} has one",
            hint="make size larger, or leave the table out of the family",
        )
    taken = taken_beside(job.numbering, learnt.plan.columns.filled, learnt.split.sides)
    seed = seed_for(job.seed, f"fill {name}")
    return learnt.plan.complete(drawn, seed=seed, fixed=asked.fixed.get(name, ()), taken=taken)


def _across(
    job: FamilyJob, learnt: Mapping[str, _Learnt], batches: Mapping[str, Iterator[pa.RecordBatch]], scratch: Path
) -> tuple[dict[str, Iterator[pa.RecordBatch]], dict[str, dict[str, str]]]:
    """The rows with the rules across tables kept; and of each table the columns that a rule computes, with the rule."""
    from synthkit.encoding.view import lay_down
    from synthkit.rules.across.bound import Compared, bound
    from synthkit.runners.across import Completed
    from synthkit.runners.within import within

    rules = [bound(text, hops) for text, hops in job.rules]
    public = {name: _whole(learnt[name]) for name, member in job.members.items() if member.kept}
    files = {}
    for number, (name, rows) in enumerate({**batches, **public}.items()):
        files[name] = scratch / f"completed{number}.parquet"
        lay_down(rows, files[name])
    computed: dict[str, dict[str, str]] = {}
    for rule in rules:
        if not isinstance(rule, Compared):
            computed.setdefault(rule.table, {})[rule.column] = str(rule)
    inside = {name: within(name, learnt[name].plan.columns, computed.get(name, {}).keys()) for name in batches}
    order = {k.table: (learnt[k.table].split.schema.order_by or "", k.columns) for k in job.keys if k.owner}
    ruled = {n: one for n, one in inside.items() if one is not None}
    tables = Completed(files, within=ruled, sequences=order, loose=_loose(job, learnt))
    tables.apply(rules)
    return {name: tables.batches(name) for name in batches}, computed


def _loose(job: FamilyJob, learnt: Mapping[str, _Learnt]) -> Loose:
    """The tables of which rows may be left out: none, where anything is asked of how many there are, or of which."""
    from synthkit.runners.leavingout import Loose

    asked = job.at_least or job.at_most or any(member.conditions for member in job.members.values())
    free = () if asked else (n for n, m in job.members.items() if not m.kept and n != job.first)
    primary = {name: one.split.schema.primary_key for name, one in learnt.items()}
    return Loose(frozenset(free), job.keys, primary)


def _origins(found: tuple[ColumnOrigin, ...], computed: Mapping[str, str]) -> tuple[ColumnOrigin, ...]:
    """Where each column comes from, with those that rules across tables compute."""
    from synthkit.records.columns import ColumnOrigin

    return tuple(
        ColumnOrigin(name=o.name, how="computed", by=computed[o.name]) if o.name in computed else o for o in found
    )


def _learnt(job: FamilyJob, scratch: Path, *, cached: bool) -> dict[str, _Learnt]:
    """How each table is learnt: decided by its training rows, or as the cached model was trained."""
    from synthkit.generators.exact.constraints import check_real_rows, parse_all
    from synthkit.generators.exact.members import KeyColumns, MemberPlan, plan_member, reading
    from synthkit.generators.exact.units import with_units
    from synthkit.sources.ingest import load_split

    plans = parsed_json((job.model_dir / "members.json").read_text("utf-8")) if cached else {}
    if job.budget is not None:
        return _learnt_privately(job, scratch, plans)
    splits = {name: load_split(member.split) for name, member in job.members.items()}
    tables = {
        name: replace(split.train, schema=overridden(split.train.schema, job.members[name].columns))
        for name, split in splits.items()
    }
    found = {}
    for number, (name, table) in enumerate(with_units(tables, job.keys, scratch).items()):
        member, split = job.members[name], splits[name]
        file = scratch / f"read{number}.parquet"
        if cached:
            plan = MemberPlan.from_json(plans[name])
            known = reading(plan, table, file)
        else:
            keys = KeyColumns.in_table(name, table.schema, job.keys)
            plan, known = plan_member(table, keys, file, declared=member.rules, found=member.rules_found)
        comparisons = {text: place for text, place in member.rules.items() if _compares(text)}
        check_real_rows(parse_all(comparisons), known)
        found[name] = _Learnt(split, plan, known)
    return found


def _learnt_privately(job: FamilyJob, scratch: Path, plans: Mapping[str, Any]) -> dict[str, _Learnt]:
    """As :func:`_learnt`, decided by what is declared; of public tables by their rows."""
    from synthkit.generators.exact.members import KeyColumns, MemberPlan, plan_member, reading
    from synthkit.runners.relating_privately import plan_of
    from synthkit.sources.ingest import load_split

    found = {}
    for number, (name, member) in enumerate(job.members.items()):
        split, file = load_split(member.split), scratch / f"read{number}.parquet"
        cached = MemberPlan.from_json(plans[name]) if plans else None
        if not member.kept:
            found[name] = _Learnt(split, *plan_of(job, name, split, file, cached))
        elif cached is not None:
            found[name] = _Learnt(split, cached, reading(cached, split.train, file))
        else:
            keys = KeyColumns.in_table(name, split.train.schema, job.keys)
            found[name] = _Learnt(split, *plan_member(split.train, keys, file, declared={}, found=False))
    return found


def _compares(text: str) -> bool:
    from synthkit.rules.inequality import Inequality
    from synthkit.rules.language import parse_rule

    return isinstance(parse_rule(text), Inequality)


def _asking(job: FamilyJob, learnt: Mapping[str, _Learnt], rows: int) -> Asking:
    """What is asked of the tables. Raises SynthError, BuildError where it cannot be met exactly."""
    from synthkit.generators.exact.asking import asking, owned_between

    return asking(
        {name: one.plan for name, one in learnt.items()},
        job.keys,
        job.first,
        rows,
        conditions={name: member.conditions for name, member in job.members.items()},
        owned=owned_between(job.at_least, job.at_most),
        known=None if job.budget is not None else {name: one.known for name, one in learnt.items()},
    )


def _tables(job: FamilyJob, learnt: Mapping[str, _Learnt], scratch: Path) -> Any:
    """The tables as the generator learns them."""
    from synthkit.generators.exact.declared_members import learn_declared
    from synthkit.generators.tables import Tables

    kept = frozenset(name for name, member in job.members.items() if member.kept)
    members = {}
    for number, (name, one) in enumerate(learnt.items()):
        file = scratch / f"learnt{number}.parquet"
        private = job.budget is not None and name not in kept
        members[name] = learn_declared(one.plan, one.known, file) if private else one.plan.learn(one.known, file)
    return Tables(members, job.keys, job.first, kept, {name: one.split.rows for name, one in learnt.items()})


def _fit(
    generator: Trained, job: FamilyJob, learnt: dict[str, _Learnt], scratch: Path, progress: JobProgress
) -> tuple[Any, dict[str, _Learnt]]:
    """Train, and keep the model under a temporary name until it is whole.

    Also how the tables are drawn: under a budget, which values go together is known from the trained model alone.
    """
    from synthkit.generators.exact.drawing import seed_for
    from synthkit.runners.relating_privately import check_charge, settled_plans

    assert generator.related is not None, "the compiler refuses a generator that learns one table alone"
    params = generator.params.model_validate(job.params)
    seed, report = seed_for(job.seed, "fit"), phase(progress, "train")
    tables = _tables(job, learnt, scratch)
    if job.budget is not None:
        check_charge(generator, params, job, tables.shape)
    # Of one table, too: it is drawn as a family's, and may have keys to itself.
    given: dict[str, Any] = {"seed": seed, "device": job.device, "progress": report}
    model = generator.related.fit(tables, params, budget=job.budget, **given)
    if job.budget is not None:
        drawn = {name: one.plan for name, one in learnt.items() if not job.members[name].kept}
        settled = settled_plans(generator, model, drawn)
        learnt = {n: replace(one, plan=settled[n]) if n in settled else one for n, one in learnt.items()}
    plans = {name: one.plan.to_json() for name, one in learnt.items()}
    clean_temporaries(job.model_dir.parent)
    with temporary_folder(job.model_dir) as temporary:
        (temporary / "model").mkdir()
        generator.save(model, temporary / "model")
        (temporary / "members.json").write_text(json.dumps(plans, default=str), "utf-8")
        mark(temporary, generator.name, job.charge)
        put_over(temporary, job.model_dir)
    return model, learnt


def _drawn(
    generator: Trained,
    job: FamilyJob,
    learnt: Mapping[str, _Learnt],
    model: Any,
    rows: int,
    asked: Asking,
    scratch: Path,
    report: Any,
) -> dict[str, Table]:
    """Rows of every table that is not there already, as the generator gives them."""
    from synthkit.generators.exact.drawing import seed_for
    from synthkit.generators.exact.members import laid_down
    from synthkit.generators.exact.rekeying import rekeyed
    from synthkit.generators.related import draw_related

    batches = draw_related(
        generator,
        model,
        rows,
        conditions=asked.conditions,
        asked=asked.others,
        seed=seed_for(job.seed, "sample"),
        progress=report,
    )
    plans = {name: one.plan for name, one in learnt.items() if not job.members[name].kept}
    drawn = rekeyed(
        laid_down(batches, plans, scratch),
        job.keys,
        job.numbering,
        {name: learnt[name].split.sides for name in plans},
        seed=seed_for(job.seed, "keys"),
        folder=scratch,
    )
    if drawn[job.first].rows != rows:
        raise BuildError(f"{job.generator} gave {drawn[job.first].rows:,} rows of {job.first!r} for {rows:,}")
    return drawn


def _keep(job: FamilyJob, name: str, learnt: _Learnt) -> Made:
    """A public table: its real rows, as they are."""
    count = stage(_whole(learnt), learnt.split.train.schema, job.members[name], learnt.split.rows)
    return Made(count, learnt.split.rows, {})


def _whole(learnt: _Learnt) -> Iterator[pa.RecordBatch]:
    """All real rows of a table, both sides."""
    return (batch for side in learnt.split.sides for batch in side.batches(list(learnt.split.schema.names)))


@contextmanager
def _readable(job: FamilyJob) -> Iterator[None]:
    """Around what reads a trained model: raises BuildError where its files are not what was written."""
    try:
        yield
    except SynthError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        if not is_trained(job.model_dir):
            raise
        hint = f"remove {job.model_dir}, and build again"
        raise BuildError(f"the trained model of {job.family!r} is damaged: {error}", hint=hint) from error
