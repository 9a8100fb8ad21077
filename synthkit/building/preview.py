"""A model in seconds: a small fit of a sample of its training rows, some rows drawn, and judged by the quick audits.

It is the way of a build, on fewer rows, in a folder that is gone when the preview ends: nothing is staged, published,
charged or kept, and what a build has cached is not touched.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.audits import registry
from synthkit.audits.runner import BoundAudit
from synthkit.building.context import RunContext
from synthkit.building.inputs import Inputs
from synthkit.building.jobs import Jobs
from synthkit.compiler import Manifest, ModelNode
from synthkit.compiler.familynode import FamilyNode
from synthkit.errors import BuildError, SynthError, did_you_mean
from synthkit.events import ignore
from synthkit.files import clean_temporaries, temporary_folder
from synthkit.generators.base import Query, Taught
from synthkit.planning.needs import refuse_lacking
from synthkit.planning.plan import Plan, make_plan
from synthkit.project.runners import LOCAL, RunnerSpec
from synthkit.project.size import Size
from synthkit.project.types import Relation
from synthkit.records.audit import AuditRecord
from synthkit.records.joins import WORST
from synthkit.runners.jobs import AuditJob, Executor
from synthkit.runners.parts import FamilyParts
from synthkit.runners.registry import started
from synthkit.sources.options import file_literal
from synthkit.sources.split import Split, load_split
from synthkit.sql.quoting import quote
from synthkit.store.parquet import write_parquet
from synthkit.store.staging import StagedRows, Staging

if TYPE_CHECKING:
    import pyarrow as pa

# Of a training's length: what a preview makes of it at most.
SHORT: Mapping[str, int] = {"epochs": 10, "min_steps": 100, "max_steps": 300, "refinements": 0}
# Families of audits that take a second, but for those that ask how many rows there are, or for other tables.
QUICK, APART = ("integrity", "fidelity"), ("row_count", "relationships")


@dataclass(frozen=True)
class Preview:
    """What a small fit came to. It says how a model is set up, not what a build of it will be worth.

    Args:
        rows: that were asked for, of those drawn.
        drawn: how many were drawn, which the audits looked at.
        learnt: training rows that were learnt from, of ``of``.
        shortened: parameter → what it was shortened to.
        audits: what the quick ones found.
        left: names of the audits that were not run.
        seconds: that it took.
        others: of a family, its other tables.
    """

    model: str
    rows: pa.Table
    drawn: int
    learnt: int
    of: int
    shortened: Mapping[str, int]
    audits: tuple[AuditRecord, ...]
    left: tuple[str, ...]
    seconds: float
    others: tuple[Preview, ...] = ()

    @property
    def verdict(self) -> str:
        """The worst of its audits' verdicts; none where none was run."""
        return min((a.status for a in self.audits), key=WORST.index, default="none")


@dataclass(frozen=True)
class Trial:
    """What a preview works with.

    Args:
        folder: that is gone when the preview ends.
    """

    folder: Path
    context: RunContext
    workers: Executor

    @property
    def staging(self) -> Staging:
        return Staging(self.folder)

    def jobs(self, model: str) -> Jobs:
        return Jobs(self.context, self.context.actions[model], Inputs(self.context, model, silent))

    def judged(
        self, model: ModelNode, staged: StagedRows, split: Path, family: FamilyParts | None = None
    ) -> tuple[tuple[AuditRecord, ...], tuple[str, ...]]:
        """What the quick audits find of drawn rows; and the names of the others."""
        chosen = [bound for bound in model.audits if _quick(bound, model)]
        left = tuple(bound.name for bound in model.audits if bound not in chosen)
        if not chosen:
            return (), left
        job = AuditJob(
            root=self.context.manifest.project.root,
            model=model.name,
            table=staged.table if family is None else family.members[family.table].table,
            split=split,
            relations={Relation(model.name).sql: (staged.path,)},
            audits=tuple(replace(bound, store_failures=False) for bound in chosen),
            seed=self.context.actions[model.name].fingerprint.seed,
            kept=staged.rules,
            made_up=tuple(o.name for o in staged.origins or () if o.how == "made up"),
            family=family,
        )
        return self.workers.run(job, silent).records, left


@contextmanager
def trial(manifest: Manifest, models: Sequence[str]) -> Iterator[Trial]:
    """A folder and workers for a preview of some models."""
    plan = make_plan(manifest, select=models)
    actions = {a.model: a for a in plan.actions if a.model in models}
    refuse_lacking(manifest, Plan(tuple(replace(a, kind="train") for a in actions.values())))
    project = manifest.project
    clean_temporaries(project.target_dir, "preview")  # real rows that a killed process left
    with temporary_folder(project.target_dir / "preview") as folder:
        local = RunnerSpec(name=LOCAL)
        workers = started(local, model_threads=project.spec.model_threads, log=folder / "preview.log")
        try:
            yield Trial(
                folder, RunContext(manifest, workers, "preview", ignore, actions, contents=plan.contents), workers
            )
        finally:
            workers.close()


def preview(manifest: Manifest, name: str, *, rows: int, learn: int) -> Preview:
    """Fit a model to at most ``learn`` of its training rows, and draw.

    Args:
        name: of a model, of a family, or of one of its tables.
        rows: that are wanted.

    Raises:
        SynthError: there is no such model, or it cannot be tried without a price: epsilon, a teacher's money.
        BuildError: it cannot be trained or drawn.
    """
    import pyarrow.parquet as pq

    family = manifest.families.get(name) or _family_of(manifest, name)
    if family is not None:
        from synthkit.building.previewing import preview_family

        for member in family.members.values():
            refuse_priced(manifest.models[member])
        return preview_family(manifest, family, name, rows=rows, learn=learn)
    began = time.perf_counter()
    model = _previewed(manifest, name)
    with trial(manifest, (name,)) as tried:
        jobs, scratch = tried.jobs(name), tried.staging
        fingerprint = tried.context.actions[name].fingerprint
        whole = load_split(jobs.read())
        folder_of_sample = sampled(whole, tried.folder / "split", learn)
        split = load_split(folder_of_sample)
        job = jobs.generate(None, ())
        shortened = shorter(job.params)
        small = replace(
            job,
            split=folder_of_sample,
            params={**job.params, **shortened},
            size=Size(rows=max(rows, min(split.train.rows, learn))),
            stage_dir=scratch.directory(name, fingerprint.sample),
            model_dir=scratch.model_dir(fingerprint.train),
            checkpoint=scratch.checkpoint(fingerprint.train),
            surveys=None,  # those of a build are of all rows, and the build's own
        )
        tried.workers.run(small, silent)
        staged = scratch.staged(name, fingerprint.sample)
        if staged is None:
            raise BuildError(f"no rows of {name!r} were drawn")
        found, left = tried.judged(model, staged, folder_of_sample)
        shown = pq.read_table(staged.path).slice(0, rows).replace_schema_metadata(None)
    took = time.perf_counter() - began
    return Preview(name, shown, staged.table.rows, split.train.rows, whole.train.rows, shortened, found, left, took)


def _family_of(manifest: Manifest, name: str) -> FamilyNode | None:
    model = manifest.models.get(name)
    return None if model is None or model.family is None else manifest.families[model.family]


def _previewed(manifest: Manifest, name: str) -> ModelNode:
    """The model. Raises SynthError where there is none, or a preview would not be free of charge."""
    model = manifest.models.get(name)
    if model is None:
        hint = did_you_mean(name, (*manifest.models, *manifest.families), "a model")
        raise SynthError(f"there is no model {name!r}", hint=hint)
    refuse_priced(model)
    return model


def refuse_priced(model: ModelNode) -> None:
    """Raises SynthError where a preview of a model would not be free of charge, or it learns nothing."""
    name = model.name
    if model.budget is not None:
        message = f"{name!r} has epsilon: a preview would show what it saw of its people's rows, outside the ledger"
        raise SynthError(message, hint=f"a build charges the ledger once: {_build(name)}")
    if isinstance(model.generator, Query):
        raise SynthError(f"{name!r} is a query, and trains nothing", hint=_build(name))
    if isinstance(model.generator, Taught):
        message = f"{name!r} is written by a teacher, who is paid for each answer"
        raise SynthError(message, hint=f"synth plan says what it costs; {_build(name)}")


def _build(name: str) -> str:
    return f"synth build --select {name}"


def shorter(params: Mapping[str, Any]) -> dict[str, int]:
    """What a preview makes of a training's length, where that is longer."""
    return {k: most for k, most in SHORT.items() if _longer(params.get(k), most)}


def _longer(value: Any, most: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > most


def _quick(bound: BoundAudit, model: ModelNode) -> bool:
    """Whether it takes a second, and asks for nothing but these rows and the real ones."""
    if bound.audit is None:
        return all(relation == Relation(model.name) for relation in model.audit_relations)
    return registry.get(bound.audit).family in QUICK and bound.audit not in APART and not bound.trains


def sampled(split: Split, folder: Path, most: int) -> Path:
    """The folder of a split with at most about ``most`` rows on each side: whole units, in their order.

    Which ones follows from a hash of the unit, or of the row's number: the same rows each time.
    """
    if all(side.rows <= most for side in split.sides):
        return split.directory
    folder.mkdir(parents=True)
    record = json.loads((split.directory / "split.json").read_text("utf-8"))
    record["train_rows"] = _side(split, split.train.paths[0], folder / "train.parquet", most, split.train.rows)
    if split.holdout is not None:
        rows = _side(split, split.holdout.paths[0], folder / "holdout.parquet", most, split.holdout.rows)
        record["holdout_rows"] = rows
    record.pop("bounded_rows", None)
    (folder / "split.json").write_text(json.dumps(record), "utf-8")
    return folder


def _side(split: Split, file: Path, out: Path, most: int, rows: int) -> int:
    import duckdb

    unit = split.schema.privacy_unit
    whose = "file_row_number" if unit is None else quote(unit)
    part = math.ceil(rows / most)
    with duckdb.connect(":memory:") as connection:
        while part > 1:  # of few units none may be in a small part
            count = f"SELECT count(*) FROM {scan_of(file)} WHERE hash({whose}) % {part} = 0"
            (found,) = connection.execute(count).fetchall()
            if found[0] >= most / 4:
                break
            part //= 2
    return written(file, f"hash({whose}) % {part} = 0", out)


def scan_of(file: Path) -> str:
    return f"read_parquet({file_literal(file)}, file_row_number = true)"


def written(file: Path, where: str, out: Path) -> int:
    """Write the rows of a file that a condition chooses, in their order; returns how many they are."""
    import duckdb
    import pyarrow.parquet as pq

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        chosen = f"SELECT * EXCLUDE (file_row_number) FROM {scan_of(file)} AS here WHERE {where}"
        reader = connection.sql(f"{chosen} ORDER BY file_row_number").to_arrow_reader(65_536)
        schema = pq.read_schema(file).remove_metadata()
        write_parquet((batch.cast(schema) for batch in reader), schema, out, {})
    return int(pq.read_metadata(out).num_rows)


def silent(phase: str, done: int, total: int, unit: str, note: str = "") -> None:
    """Of progress nothing is said."""
