"""One model's way through a build: rows in, staged, audited, published."""

from __future__ import annotations

import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from synthkit.charges import charge, release_of
from synthkit.compiler import Manifest, ModelNode
from synthkit.errors import BuildError, SynthError
from synthkit.events import AuditFinished, Listener, ModelProgress, Note
from synthkit.fingerprint import Fingerprinter
from synthkit.generators.checkpoint import FileCheckpoint
from synthkit.modelinputs import Inputs
from synthkit.plan import FULL_REFRESH, Action
from synthkit.privacy.guarantee import promised
from synthkit.provenance import guarantees_of
from synthkit.publishing import pictures_of, places_of, previous_version, publish, state_of, withheld_audits
from synthkit.results import ModelResult, ModelStatus
from synthkit.runners.jobs import AuditJob, ComposeJob, Executor, GenerateJob, QueryJob
from synthkit.runrecord import git_state, now
from synthkit.schema import Schema
from synthkit.spec.types import Relation
from synthkit.store.staging import StagedRows, Staging
from synthkit.store.warehouse import Warehouse
from synthkit.versions.repository import Repository, find_repository


@dataclass
class RunContext:
    """What all models of one run share."""

    manifest: Manifest
    executor: Executor
    run_id: str
    say: Listener
    actions: Mapping[str, Action]
    stale: Mapping[str, str] = field(default_factory=dict)  # model → why it is not built: a source is too old
    fingerprinter: Fingerprinter = field(init=False)
    warehouse: Warehouse = field(init=False)
    staging: Staging = field(init=False)
    repository: Repository | str = field(init=False)  # or why no versions are kept
    git: Mapping[str, Any] | None = field(init=False)

    def __post_init__(self) -> None:
        project = self.manifest.project
        self.repository = find_repository(project.root)
        self.git = git_state(project.root)
        self.fingerprinter = Fingerprinter(self.manifest)
        self.warehouse = Warehouse(project.warehouse_dir, project.database_path)
        self.staging = Staging(project.target_dir)
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()
        self.splits: dict[str, str] = {}

    def once(self, key: str) -> threading.Lock:
        """A lock per key, so that two models do not read the same source at once."""
        with self._guard:
            return self._locks[key]


class ModelRun:
    """Carries out one action. ``run`` never raises for a failure of the model: it returns the result."""

    def __init__(self, context: RunContext, action: Action) -> None:
        self.context, self.action = context, action
        self.model: ModelNode = context.manifest.models[action.model]
        self.seconds: dict[str, float] = {}
        self._inputs = Inputs(context, self._progress)

    def run(self) -> ModelResult:
        if self.model.name in self.context.stale:
            return self._result("error", message=self.context.stale[self.model.name])
        if self.action.kind == "reuse":
            state = state_of(self.context.warehouse, self.context.staging, self.model)
            rows = None if state is None else state["rows"]
            audits = () if state is None else tuple(state["audits"])
            return self._result("reused", rows=rows, audits=audits, message=self.action.reason)
        try:
            return self._build()
        except SynthError as error:
            hint = f" (fix: {error.hint})" if error.hint else ""
            return self._result("error", message=f"{error.message}{hint}")
        except Exception as error:
            import traceback

            path = self.context.manifest.project.target_dir / "logs" / f"{self.context.run_id}.log"
            with path.open("a", encoding="utf-8") as log:
                log.write(traceback.format_exc())
            return self._result("error", message=f"internal error: {error} (the traceback is in {path})")

    def _build(self) -> ModelResult:
        staged = self._rows()
        records = self._audit(staged)
        bad = [r for r in records if r["status"] in ("fail", "error")]
        if bad:
            return self._result(
                "error" if any(r["status"] == "error" for r in bad) else "fail",
                rows=staged.table.rows,
                audits=tuple(records),
                message=f"not published: {len(bad)} of {len(records)} audits did not pass",
            )
        started = time.perf_counter()
        publish(self.context, self.model, self.action, staged, records, self.seconds)
        self.seconds["publish"] = time.perf_counter() - started
        status: ModelStatus = "warn" if any(r["status"] == "warn" for r in records) else "pass"
        return self._result(
            status,
            rows=staged.table.rows,
            audits=tuple(records),
            published=self.model.spec.materialized != "ephemeral",
        )

    # -- rows --------------------------------------------------------------------------------------

    def _rows(self) -> StagedRows:
        """Make the rows, or find those that only wait for their audits."""
        sample = self.action.fingerprint.sample
        if self.action.kind == "audit":
            found = self._existing(sample)
            if found is not None:
                return found
        if self.model.generator.kind == "query":
            self._query()
        elif self.model.generator.kind == "teacher":
            self._compose()
        else:
            self._generate()
        staged = self.context.staging.staged(self.model.name, sample)
        if staged is None:
            raise BuildError(f"the rows of {self.model.name!r} were not staged")
        return staged

    def _existing(self, sample: str) -> StagedRows | None:
        staged = self.context.staging.staged(self.model.name, sample)
        if staged is not None:
            return staged
        return self.context.warehouse.rows(self.model.name)

    def _generate(self) -> None:
        model, action = self.model, self.action
        assert model.source is not None
        project = self.context.manifest.project
        split = self._inputs.split(model.source, model.holdout)
        staging = self.context.staging
        train = action.fingerprint.train
        if action.kind == "train":
            shutil.rmtree(staging.model_dir(train), ignore_errors=True)
            if action.reason == FULL_REFRESH:
                FileCheckpoint(staging.checkpoint(train)).discard()
        charged = None if model.budget is None else self._charge(train)
        job = GenerateJob(
            model=model.name,
            generator=model.generator.name,
            params=model.params.model_dump(mode="json"),
            split=split,
            columns=self._overrides(),
            model_dir=str(staging.model_dir(train)),
            checkpoint=str(staging.checkpoint(train)),
            stage_dir=str(staging.directory(model.name, action.fingerprint.sample)),
            sample=action.fingerprint.sample,
            size=self._size(),
            conditions=dict(model.spec.conditions),
            constraints={str(c.rule): c.place for c in model.constraints},
            seed=action.fingerprint.inputs["train"]["seed"],
            device=project.device,
            budget=None if model.budget is None else asdict(model.budget),
            declared=self._declared(),
            charge=charged,
            guarantees=self._guarantees(charged),
            metadata=self._metadata(),
        )
        self._time(self.context.executor.run(job, self._progress))

    def _overrides(self) -> dict[str, dict[str, str | None]]:
        """What the model itself declares of its source's columns."""
        return {c.name: {"type": c.type, "pii": c.pii} for c in self.model.spec.columns if c.type or c.pii}

    def _declared(self) -> dict[str, Any] | None:
        return None if self.model.declared is None else self.model.declared.to_json()

    def _size(self) -> dict[str, Any]:
        """Under a budget a factor is of the declared number of rows, as the real one is private."""
        model = self.model
        if model.budget is None or model.source is None or model.size.rows is not None:
            return asdict(model.size)
        rows = self.context.manifest.sources[model.source.id].spec.row_count
        assert rows is not None
        return {"rows": model.size.of(rows), "factor": None}

    def _charge(self, train: str) -> Mapping[str, Any] | None:
        """What was charged for the model: now, on disk before it is trained, or when the cached one was trained."""
        staging = self.context.staging
        if staging.has_model(train):
            return staging.charge(train)
        return charge(self.context.manifest, self.model, train, self.context.run_id).receipt()

    def _guarantees(self, charged: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
        """What the rows may reveal, by the trainings that they really descend from."""
        found = guarantees_of(self.context.manifest, self.model, charged, self._inputs.upstream)
        return [g.to_json() for g in found]

    def _query(self) -> None:
        model, action = self.model, self.action
        assert model.sql is not None
        job = QueryJob(
            model=model.name,
            sql=model.sql,
            relations={r.sql: self._inputs.files(r) for r in model.sql_relations},
            schema=model.schema.to_json(),
            stage_dir=str(self.context.staging.directory(model.name, action.fingerprint.sample)),
            sample=action.fingerprint.sample,
            seed=action.fingerprint.inputs["train"]["seed"],
            guarantees=self._guarantees(None),
            metadata=self._metadata(),
        )
        self._time(self.context.executor.run(job, self._progress))

    def _compose(self) -> None:
        model, action = self.model, self.action
        assert model.source is not None
        project, staging = self.context.manifest.project, self.context.staging
        job = ComposeJob(
            model=model.name,
            generator=model.generator.name,
            params=model.params.model_dump(mode="json"),
            split=self._inputs.split(model.source, model.holdout),
            schema=model.schema.to_json(),
            root=str(project.root),
            dropped=str(staging.dropped(model.name)),
            stage_dir=str(staging.directory(model.name, action.fingerprint.sample)),
            sample=action.fingerprint.sample,
            size=asdict(model.size),
            seed=action.fingerprint.inputs["train"]["seed"],
            guarantees=self._guarantees(None),
            metadata=self._metadata(),
        )
        done = self.context.executor.run(job, self._progress)
        self._time(done)
        for note in done["notes"]:
            self.context.say(Note(f"{model.name}: {note}", "warn"))

    def _metadata(self) -> dict[str, str]:
        """What is stamped into the Parquet file: decided by the inputs, so that the bytes are too."""
        epsilon = self.model.spec.epsilon
        return {
            "synthkit.model": self.model.name,
            "synthkit.fingerprint": self.action.fingerprint.sample,
            "synthkit.generator": self.model.generator.name,
            "synthkit.epsilon": "none" if epsilon is None else repr(epsilon),
        }

    # -- audits ------------------------------------------------------------------------------------

    def _audit(self, staged: StagedRows) -> list[Mapping[str, Any]]:
        model = self.model
        if not model.audits:
            return []
        split = None
        if model.source is not None and any(b.audit for b in model.audits):
            split = self._inputs.split(model.source, model.holdout)
        relations = {r.sql: self._inputs.files(r) for r in model.audit_relations}
        relations[Relation(model.name).sql] = [str(staged.path)]
        job = AuditJob(
            model=model.name,
            schema=_documented(staged.table.schema, model.schema).to_json(),
            synthetic=str(staged.path),
            rows=staged.table.rows,
            split=split,
            relations=relations,
            audits=[b.to_json() for b in model.audits],
            declared=self._declared(),
            training=self._training(),
            recipe=self._recipe(),
            failures=self._failures(),
            previous=previous_version(self.context, model, staged),
            seconds={} if model.spec.epsilon is not None else dict(self.seconds),  # times tell of the private rows
            seed=self.action.fingerprint.inputs["train"]["seed"],
            profile=self._profile(staged),
        )
        done = self.context.executor.run(job, self._progress)
        self._time(done)
        for record in done["records"]:
            self.context.say(AuditFinished(model.name, record))
        return list(done["records"])

    def _failures(self) -> tuple[str, str]:
        """The folder of the model's failing rows, and its name seen from the project."""
        directory = self.context.staging.failures / self.model.name
        return str(directory), directory.relative_to(self.context.manifest.project.root).as_posix()

    def _profile(self, staged: StagedRows) -> dict[str, Any] | None:
        """What pictures the report may have of the table, and where they go; None, and the last ones away, for none."""
        allowed = pictures_of(self.context.manifest, self.model)
        path = self.context.staging.profile(self.model.name)
        path.unlink(missing_ok=True)
        if allowed == "none":
            return None
        stamp = {"model": self.model.name, "sample": staged.sample, "run_id": self.context.run_id, "made_at": now()}
        return {"path": str(path), "real": allowed == "all", "stamp": stamp}

    def _training(self) -> dict[str, Any] | None:
        """What audits may know of a training under a budget."""
        model = self.model
        if model.budget is None or model.learnt is None:
            return None
        return {
            "generator": model.generator.name,
            "params": model.params.model_dump(mode="json"),
            "budget": asdict(model.budget),
            "schema": model.learnt.to_json(),
            "mechanisms": [m.to_json() for m in release_of(self.context.manifest, model)],
            "device": self.context.manifest.project.device,
        }

    def _recipe(self) -> dict[str, Any] | None:
        """What an audit must know to train such a model again, where one does."""
        model = self.model
        if not any(b.trains for b in model.audits):
            return None
        return {
            "generator": model.generator.name,
            "params": model.params.model_dump(mode="json"),
            "columns": self._overrides(),
            "conditions": dict(model.spec.conditions),
            "device": self.context.manifest.project.device,
        }

    # -- small things ------------------------------------------------------------------------------

    def _progress(self, phase: str, done: int, total: int, unit: str, note: str = "") -> None:
        self.context.say(ModelProgress(self.model.name, phase, done, total, unit, note))

    def _time(self, manifest: Mapping[str, Any]) -> None:
        self.seconds.update(manifest.get("seconds", {}))

    def _withheld(self) -> tuple[str, ...]:
        return tuple(sorted(withheld_audits(self.context.manifest, self.model)))

    def _result(
        self,
        status: ModelStatus,
        *,
        rows: int | None = None,
        audits: tuple[Mapping[str, Any], ...] = (),
        published: bool = False,
        message: str = "",
    ) -> ModelResult:
        own = None if self.model.spec.epsilon is None else (self.model.spec.epsilon, self.model.delta)
        lineage = {
            "contains_real_rows": self.model.lineage.contains_real_rows,
            "guarantees": [g.to_json() for g in self.model.guarantees],
        }
        epsilon, delta = own or promised(lineage) or (None, None)
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
            path=self.model.path,
            materialized=self.model.spec.materialized,
            places=places_of(self.model),
        )


def _documented(staged: Schema, compiled: Schema) -> Schema:
    """The staged schema (types seen in the rows) with the keys that the source declares."""
    from dataclasses import replace

    return replace(staged, primary_key=compiled.primary_key or staged.primary_key)
