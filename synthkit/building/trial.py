"""What previews have in common: where they work, how much they learn from, which audits are quick.

It is the way of a build, on fewer rows, in a folder that is gone when the preview ends: nothing is staged, published,
charged or kept, and what a build has cached is not touched.
"""

from __future__ import annotations

import json
import math
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
from synthkit.errors import SynthError
from synthkit.events import ignore
from synthkit.files import clean_temporaries, temporary_folder
from synthkit.generators.base import Query, Taught
from synthkit.planning.needs import refuse_lacking
from synthkit.planning.plan import Plan, make_plan
from synthkit.project.runners import LOCAL, RunnerSpec
from synthkit.project.types import Relation
from synthkit.records.audit import AuditRecord
from synthkit.records.joins import WORST
from synthkit.runners.jobs import AuditJob, Executor
from synthkit.runners.parts import FamilyParts
from synthkit.runners.registry import started
from synthkit.sources.split import Split
from synthkit.sql.filescan import parquet_scan
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
    return parquet_scan(file, file_row_number="true")


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
