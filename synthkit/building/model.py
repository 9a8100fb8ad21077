"""One model's way through a build: rows in, staged, audited, published."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from synthkit.building.auditing import Judgement
from synthkit.building.context import RunContext
from synthkit.building.inputs import Inputs
from synthkit.building.jobs import Jobs, promise_of
from synthkit.building.partitions import draw_all
from synthkit.building.provenance import guarantees_of
from synthkit.building.publish import publish
from synthkit.building.spending import charge
from synthkit.building.surveys import survey_all
from synthkit.compiler import ModelNode
from synthkit.errors import BuildError, SynthError
from synthkit.events import AuditFinished, ModelProgress, Note
from synthkit.generators.base import Query, Taught
from synthkit.generators.checkpoint import FileCheckpoint
from synthkit.planning.disclosed import places_of, withheld_audits
from synthkit.planning.plan import FULL_REFRESH, Action
from synthkit.planning.state import state_of
from synthkit.privacy.guarantee import Guarantee
from synthkit.privacy.ledger.entries import Charged
from synthkit.records.audit import AuditRecord, undecided
from synthkit.records.columns import ColumnOrigin
from synthkit.results import ModelResult, ModelStatus
from synthkit.runners.done import Made
from synthkit.runners.jobs import Job
from synthkit.store.staging import StagedRows

R = TypeVar("R")


def why(context: RunContext, error: Exception) -> str:
    """An error as a result's message; of one that nobody foresaw the traceback goes into the run's log."""
    if isinstance(error, SynthError):
        return f"{error.message} (fix: {error.hint})" if error.hint else error.message
    path = context.manifest.project.target_dir / "logs" / f"{context.run_id}.log"
    with path.open("a", encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
    return f"internal error: {error} (the traceback is in {path})"


class ModelRun:
    """Carries out one action. ``run`` never raises for a failure of the model: it returns the result."""

    def __init__(self, context: RunContext, action: Action) -> None:
        self.context, self.action = context, action
        self.model: ModelNode = context.manifest.models[action.model]
        self.seconds: dict[str, float] = {}
        self._inputs = Inputs(context, self.model.name, self.progress)
        self.jobs = Jobs(context, action, self._inputs)

    def run(self) -> ModelResult:
        if self.model.name in self.context.stale:
            return self.result("error", message=self.context.stale[self.model.name])
        if self.action.kind == "reuse":
            state = state_of(self.context.target, self.context.staging, self.model)
            rows = None if state is None else state.rows
            audits = () if state is None else state.audits
            origins = None if state is None else state.column_origins
            return self.result("reused", rows=rows, audits=audits, origins=origins, message=self.action.reason)
        try:
            return self._build()
        except Exception as error:
            return self.result("error", message=why(self.context, error))

    def _build(self) -> ModelResult:
        staged = self._rows()
        records = self.audit(staged)
        if not all(r.passes for r in records):
            return self.failed(staged, records)
        with self.publishing():
            publish(self.context, self.model, self.action, staged, records, self.seconds)
        return self.passed(staged, records)

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Around the publication, which this thread does itself: how long it takes is noted."""
        started, cpu = time.perf_counter(), time.thread_time()
        yield
        self.seconds["publish"] = time.perf_counter() - started
        tally = self.context.tally(self.model.name)
        tally.here("publish", self.seconds["publish"], time.thread_time() - cpu)

    def failed(self, staged: StagedRows, records: Sequence[AuditRecord]) -> ModelResult:
        """What became of rows of whose audits some did not pass."""
        bad = [r for r in records if not r.passes]
        return self.result(
            "error" if any(r.status == "error" for r in bad) else "fail",
            rows=staged.table.rows,
            audits=tuple(records),
            origins=staged.origins,
            message=f"not published: {len(bad)} of {len(records)} audits did not pass",
        )

    def passed(self, staged: StagedRows, records: Sequence[AuditRecord]) -> ModelResult:
        """What became of rows that are published, or of an ephemeral model may be read."""
        blind = undecided(records)
        status: ModelStatus = "warn" if blind or any(r.status == "warn" for r in records) else "pass"
        return self.result(
            status,
            rows=staged.table.rows,
            audits=tuple(records),
            origins=staged.origins,
            published=not self.model.spec.ephemeral,
            message="no comparison with real rows could decide" if blind else "",
        )

    # -- rows --------------------------------------------------------------------------------------

    def _rows(self) -> StagedRows:
        """Make the rows, or find those that only wait for their audits."""
        sample = self.action.fingerprint.sample
        if self.action.promotion is not None:
            return self.adopted()
        if self.action.kind == "audit":
            found = self._existing(sample)
            if found is not None:
                return found
        if isinstance(self.model.generator, Query):
            self._query()
        elif isinstance(self.model.generator, Taught):
            self._compose()
        else:
            self._generate()
        staged = self.context.staging.staged(self.model.name, sample)
        if staged is None:
            raise BuildError(f"the rows of {self.model.name!r} were not staged")
        return staged

    def adopted(self) -> StagedRows:
        """What another target has published, staged here as it is."""
        assert self.action.promotion is not None
        return self.context.staging.adopt(self.model.name, self.action.promotion.rows)

    def _existing(self, sample: str) -> StagedRows | None:
        staged = self.context.staging.staged(self.model.name, sample)
        if staged is not None:
            return staged
        return self.context.target.rows(self.model.name)

    def _generate(self) -> None:
        action, staging = self.action, self.context.staging
        train = action.fingerprint.train
        self.jobs.read()  # before the charge: rows that cannot be read are not trained on, and cost nothing
        if action.kind == "train":
            shutil.rmtree(staging.model_dir(train), ignore_errors=True)
            if action.reason == FULL_REFRESH:
                FileCheckpoint(staging.checkpoint(train)).discard()
        with self.context.trained(self.model, action):
            self._drawn(train)

    def _drawn(self, train: str) -> None:
        """Charge and train, where no trained model is there, and stage rows that are drawn of it."""
        charged = None if self.model.budget is None else self.charged(train)
        guarantees = self._guarantees(charged)
        if self.jobs.surveys() is not None and not self.context.staging.has_model(train):
            self.seconds["survey"] = survey_all(self.context, self.model, self.jobs.modelled(None), self.progress)
        if self.jobs.partitions() == 1 or not self._drawn_in_partitions(charged, guarantees):
            self.noted(self._carried_out(self.jobs.generate(charged, guarantees)))

    def _drawn_in_partitions(self, charged: Charged | None, guarantees: tuple[Guarantee, ...]) -> bool:
        """Train, and draw the table in partitions; whether it can be."""
        learnt = self._carried_out(self.jobs.train(charged))
        self.seconds.update(learnt.seconds)
        if learnt.whole is not None:
            self.context.say(Note(f"{self.model.name}: is drawn whole, by one process: {learnt.whole}"))
            return False
        started = time.perf_counter()
        draw_all(self.context, self.model, self.jobs.draw(charged, learnt.trained), self.progress)
        self.seconds["sample"] = time.perf_counter() - started
        self.noted(self._carried_out(self.jobs.assemble(charged, guarantees, learnt.trained)))
        return True

    def _carried_out(self, job: Job[R]) -> R:
        return self.context.carry_out(job, self.model, self.progress)

    def charged(self, train: str) -> Charged | None:
        """What was charged for the model: now, on disk before it is trained, or when the cached one was trained."""
        staging = self.context.staging
        if staging.has_model(train):
            return staging.charge(train)
        return charge(self.context.manifest, self.model, train, self.context.run_id).charged()

    def _guarantees(self, charged: Charged | None) -> tuple[Guarantee, ...]:
        """What the rows may reveal, by the trainings that they really descend from."""
        return guarantees_of(self.context.manifest, self.model, charged, self._inputs.upstream)

    def _query(self) -> None:
        self.noted(self.context.carry_out(self.jobs.query(self._guarantees(None)), self.model, self.progress))

    def _compose(self) -> None:
        self.noted(self.context.carry_out(self.jobs.compose(self._guarantees(None)), self.model, self.progress))

    def noted(self, done: Made) -> None:
        self.seconds.update(done.seconds)
        for note in done.notes:
            self.context.say(Note(f"{self.model.name}: {note}", "warn"))

    # -- audits ------------------------------------------------------------------------------------

    def audit(self, staged: StagedRows, beside: Mapping[str, StagedRows] | None = None) -> tuple[AuditRecord, ...]:
        """What the audits of the rows find.

        Args:
            beside: of a family's table, the rows that were made together with these, by model.
        """
        promotion = self.action.promotion
        taken = {} if promotion is None else promotion.found
        left = [i for i in range(len(self.model.audits)) if i not in taken]
        found: tuple[AuditRecord, ...] = ()
        if left:
            started = time.perf_counter()
            found = Judgement(self.jobs, staged, self.seconds, beside).found(left, self.progress)
            self.seconds["audit"] = time.perf_counter() - started
        by_number = {**taken, **dict(zip(left, found, strict=True))}
        records = tuple(by_number[i] for i in sorted(by_number))
        for record in records:
            self.context.say(AuditFinished(self.model.name, record))
        return records

    # -- small things ------------------------------------------------------------------------------

    def progress(self, phase: str, done: int, total: int, unit: str, note: str = "") -> None:
        self.context.say(ModelProgress(self.model.name, phase, done, total, unit, note))

    def _withheld(self) -> tuple[str, ...]:
        return tuple(sorted(withheld_audits(self.context.manifest, self.model)))

    def result(
        self,
        status: ModelStatus,
        *,
        rows: int | None = None,
        audits: tuple[AuditRecord, ...] = (),
        origins: tuple[ColumnOrigin, ...] | None = None,
        published: bool = False,
        message: str = "",
    ) -> ModelResult:
        epsilon, delta = promise_of(self.model) or (None, None)
        tally = self.context.tally(self.model.name)
        return ModelResult(
            model=self.model.name,
            action=self.action.kind,
            status=status,
            rows=rows,
            seconds={k: round(v, 3) for k, v in self.seconds.items()},
            fingerprints=self.action.fingerprint.hashes(),
            epsilon=epsilon,
            delta=delta,
            published=published,
            audits=audits,
            message=message,
            generator=self.model.generator.name,
            withheld=self._withheld(),
            disclosure=self.model.disclosure,
            path=self.model.path,
            materialized=self.model.spec.materialized,
            places=places_of(self.model),
            column_origins=origins or (),
            family=self.model.family,
            keys=self.context.manifest.joins.get(self.model.name, ()),
            consumed=tally.consumed(),
            paid=str(tally.paid),
        )
