"""What a worker is told of a model: the jobs that train and draw, query, compose and audit it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import PrivateTraining, Took
from synthkit.building.inputs import Inputs
from synthkit.building.provenance import guarantees_of
from synthkit.building.publish import previous_version
from synthkit.building.runrecord import now
from synthkit.building.surveys import surveys_of
from synthkit.compiler import ModelNode
from synthkit.compiler.releases import release_of
from synthkit.planning.disclosed import pictures_of, tells_time
from synthkit.planning.plan import Action
from synthkit.privacy.guarantee import Guarantee, together
from synthkit.privacy.ledger.entries import Charged
from synthkit.project.partition import Partition, partitions_of
from synthkit.project.size import Size
from synthkit.project.types import Conditions, Relation
from synthkit.rules.across.bound import hops_of
from synthkit.runners.jobs import (
    AssembleJob,
    AuditJob,
    ComposeJob,
    FamilyJob,
    GenerateJob,
    PartitionJob,
    QueryJob,
    TrainJob,
)
from synthkit.runners.parts import DrawnMember, FailureFolder, FamilyMember, FamilyParts, Pictures, Retraining
from synthkit.schema import Schema, Table
from synthkit.stats.money import cost_of
from synthkit.store.partitions import PartitionFiles
from synthkit.store.staging import StagedRows

if TYPE_CHECKING:
    from synthkit.building.context import RunContext

Guarantees = tuple[Guarantee, ...]


def promise_of(model: ModelNode) -> tuple[float, float] | None:
    """The (ε, δ) that a model's table will promise: its own, or what its lineage reveals; None: no formal guarantee."""
    if model.spec.epsilon is not None and model.spec.insecure_seed is None:
        assert model.delta is not None
        return model.spec.epsilon, model.delta
    if model.lineage.contains_real_rows:
        return None
    return together([(None if g.epsilon == math.inf else g.epsilon, g.delta) for g in model.guarantees])


class Jobs:
    """The jobs of one model in one run."""

    def __init__(self, context: RunContext, action: Action, inputs: Inputs) -> None:
        self.context, self.action, self._inputs = context, action, inputs
        self.model: ModelNode = context.manifest.models[action.model]

    def read(self) -> Path:
        """Read and divide the rows that the model learns from; their folder."""
        assert self.model.source is not None
        return self._inputs.split(self.model.source, self.model)

    def generate(self, charged: Charged | None, guarantees: Guarantees) -> GenerateJob:
        """Train, where nothing is trained yet, and draw; ``charged`` is what the ledger says of the training."""
        return GenerateJob(**self.modelled(charged), **self._staged(guarantees))

    def partitions(self) -> int:
        """In how many partitions the table is drawn, where it can be: a matter of its rows alone."""
        return partitions_of(self._rows(), self.model.spec.partition_rows)

    def surveys(self) -> Path | None:
        """The folder of what jobs find of the columns of a large table before it is trained on; None: none do."""
        return surveys_of(self.context.staging, self.model, self.action.fingerprint.train, self.read())

    def train(self, charged: Charged | None) -> TrainJob:
        """Train, where nothing is trained yet."""
        return TrainJob(**self.modelled(charged), partitions=self.partitions())

    def draw(self, charged: Charged | None, trained: str) -> list[PartitionJob]:
        """Draw each partition from the trained model of this digest, those that are there aside."""
        of, sample, rows = self.partitions(), self.action.fingerprint.sample, self._rows()
        directory = self.context.staging.partitions(sample)
        files = PartitionFiles(directory, trained, sample, rows, of)
        modelled = self.modelled(charged)
        return [
            PartitionJob(
                **modelled,
                partition=Partition(index, of),
                rows=rows,
                trained=trained,
                sample=sample,
                directory=directory,
                metadata=self._metadata(),
            )
            for index in range(of)
            if files.done(index) is None
        ]

    def assemble(self, charged: Charged | None, guarantees: Guarantees, trained: str) -> AssembleJob:
        """Put the partitions together."""
        return AssembleJob(
            **self.modelled(charged),
            **self._staged(guarantees),
            partitions=self.partitions(),
            rows=self._rows(),
            trained=trained,
            directory=self.context.staging.partitions(self.action.fingerprint.sample),
        )

    def _rows(self) -> int:
        """Of the table."""
        from synthkit.sources.ingest import load_split

        size = self._size()
        return size.rows if size.rows is not None else size.of(load_split(self.read()).rows)

    def _staged(self, guarantees: Guarantees) -> dict[str, Any]:
        """How the rows wait for their audits."""
        sample = self.action.fingerprint.sample
        return {
            "stage_dir": self.context.staging.directory(self.model.name, sample),
            "sample": sample,
            "guarantees": guarantees,
            "metadata": self._metadata(),
        }

    def modelled(self, charged: Charged | None) -> dict[str, Any]:
        """What decides the trained model and its rows."""
        model, action = self.model, self.action
        assert model.source is not None
        project, staging = self.context.manifest.project, self.context.staging
        train = action.fingerprint.train
        return {
            "root": project.root,
            "model": model.name,
            "generator": model.generator.name,
            "params": model.params.model_dump(mode="json"),
            "split": self.read(),
            "columns": model.spec.columns,
            "model_dir": staging.model_dir(train),
            "checkpoint": staging.checkpoint(train),
            "size": self._size(),
            "conditions": model.spec.conditions,
            "constraints": {str(c.rule): c.location for c in model.constraints},
            "rules": {str(r.rule): r.location for r in model.rules},
            "rules_found": model.rules_found,
            "keys": model.spec.keys or "own",
            "seed": action.fingerprint.seed,
            "device": project.device,
            "budget": model.budget,
            "charge": charged,
            "surveys": self.surveys(),
        }

    def query(self, guarantees: Guarantees) -> QueryJob:
        model, action = self.model, self.action
        assert model.sql is not None
        return QueryJob(
            root=self.context.manifest.project.root,
            model=model.name,
            sql=model.sql,
            relations={r.sql: self._inputs.files(r) for r in model.sql_relations},
            schema=model.schema,
            stage_dir=self.context.staging.directory(model.name, action.fingerprint.sample),
            sample=action.fingerprint.sample,
            seed=action.fingerprint.seed,
            guarantees=guarantees,
            metadata=self._metadata(),
        )

    def compose(self, guarantees: Guarantees) -> ComposeJob:
        """Ask a teacher for the rows."""
        model, action = self.model, self.action
        assert model.source is not None
        project, staging = self.context.manifest.project, self.context.staging
        return ComposeJob(
            model=model.name,
            generator=model.generator.name,
            params=model.params.model_dump(mode="json"),
            split=self._inputs.split(model.source, model),
            schema=model.schema,
            root=project.root,
            dropped=staging.dropped(model.name),
            device=project.device,
            stage_dir=staging.directory(model.name, action.fingerprint.sample),
            sample=action.fingerprint.sample,
            size=model.size,
            seed=action.fingerprint.seed,
            guarantees=guarantees,
            metadata=self._metadata(),
        )

    def audit(
        self,
        staged: StagedRows,
        seconds: Mapping[str, float],
        beside: Mapping[str, StagedRows] | None = None,
        some: Collection[int] | None = None,
    ) -> AuditJob:
        """Judge the staged rows.

        Args:
            seconds: that making them took.
            beside: of a family's table, the rows that were made together with these, by model.
            some: the numbers of the audits to run; default: all.
        """
        model = self.model
        audits = model.audits if some is None else tuple(model.audits[i] for i in sorted(some))
        real = model.source if any(b.audit for b in audits) else None
        split = None if real is None else self._inputs.split(real, model)
        made = {**(beside or {}), model.name: staged}
        relations = {
            r.sql: (made[r.name].path,) if r.source is None and r.name in made else self._inputs.files(r)
            for r in (*model.audit_relations, Relation(model.name))
        }
        return AuditJob(
            root=self.context.manifest.project.root,
            model=model.name,
            table=documented(staged.table, model.schema),
            split=split,
            relations=relations,
            audits=audits,
            training=self._training(),
            retraining=self._retraining(),
            failures=self._failures(),
            previous=previous_version(self.context, model, staged),
            kept=staged.rules,
            made_up=tuple(o.name for o in staged.origins or () if o.how == "made up"),
            seconds={} if model.disclosure != "open" else dict(seconds),  # times tell of the protected rows
            seed=self.action.fingerprint.seed,
            pictures=self._pictures(staged),
            family=self._family(made),
            took=self._took(seconds),
        )

    def _took(self, seconds: Mapping[str, float]) -> Took | None:
        """What making the rows took until now; of a family's table what all its tables took: they are made at once."""
        if not seconds:
            return None
        manifest, model = self.context.manifest, self.model
        family = manifest.families.get(model.family or "")
        tallies = [self.context.tally(n) for n in ([model.name] if family is None else family.members.values())]
        # Those of the family that are audited before this one have audits in their tallies.
        made = [one for tally in tallies for one in tally.consumed() if one.phase != "audit"]
        cost = cost_of(made, manifest.project.prices, sum((t.paid for t in tallies), Decimal(0)))
        phases: dict[str, float] = {}
        for one in made:
            phases[one.phase] = phases.get(one.phase, 0.0) + one.seconds
        return Took(phases, cost.total, tells_time(manifest, model))

    # -- families ----------------------------------------------------------------------------------

    def family(self, members: Mapping[str, Jobs], charged: Charged | None) -> FamilyJob:
        """Train a family's tables, where that is not done yet, and draw them. This is the job of the first of them.

        Args:
            members: source table → what its model's jobs are made of, in the family's order.
            charged: what the ledger says of the training.
        """
        assert self.model.family is not None
        family = self.context.manifest.families[self.model.family]
        project, fingerprint = self.context.manifest.project, self.action.fingerprint
        root = members[family.root]
        return FamilyJob(
            root=project.root,
            family=family.name,
            generator=family.generator.name,
            params=family.params.model_dump(mode="json"),
            members={table: jobs.drawn(family.conditions.get(table, {}), charged) for table, jobs in members.items()},
            keys=family.keys,
            first=family.root,
            model_dir=self.context.staging.model_dir(fingerprint.train),
            size=root._size(),
            seed=fingerprint.seed,
            device=project.device,
            at_least=family.at_least,
            at_most=family.at_most,
            rules=tuple((str(r.rule), hops_of(r.rule)) for r in family.rules),
            numbering=family.spec.keys or "own",
            budget=root.model.budget,
            charge=charged,
        )

    def drawn(self, conditions: Conditions, charged: Charged | None) -> DrawnMember:
        """This table among those that a family's job makes."""
        model, sample = self.model, self.action.fingerprint.sample
        charge = None if model.kept else charged  # public rows were learnt from nothing
        return DrawnMember(
            model=model.name,
            stage_dir=self.context.staging.directory(model.name, sample),
            sample=sample,
            metadata=self._metadata(),
            split=self.read(),
            columns=model.spec.columns,
            rules={
                **{str(c.rule): c.location for c in model.constraints},
                **{str(r.rule): r.location for r in model.rules},
            },
            rules_found=model.rules_found,
            conditions=conditions,
            guarantees=guarantees_of(self.context.manifest, model, charge, self._inputs.upstream),
            kept=model.kept,
            charge=charge,
        )

    def _family(self, made: Mapping[str, StagedRows]) -> FamilyParts | None:
        """The tables beside this one, for its audits: as they were just made, or as they are published."""
        model, models = self.model, self.context.manifest.models
        if model.family is None or model.source is None:
            return None
        family = self.context.manifest.families[model.family]
        parts = {}
        for table, name in family.members.items():
            other = models[name]
            rows = made[name] if name in made else self._inputs.upstream(name)
            assert other.source is not None
            split = self._inputs.split(other.source, other)
            parts[table] = FamilyMember(documented(rows.table, other.schema), split)
        return FamilyParts(model.source.name, parts, family.keys)

    def _size(self) -> Size:
        """A factor is of all rows; of protected ones of their declared number, which a budget always has.

        Without a budget and without a declared number it is of the real one, and the table's size then tells it.
        """
        model = self.model
        rows = self.context.manifest.declared_rows(model)
        if rows is None:
            assert model.budget is None or model.size.rows is not None
            return model.size
        return Size(rows=model.size.of(rows))

    def _metadata(self) -> dict[str, str]:
        """What is stamped into the Parquet file: decided by the inputs, so that the bytes are too."""
        promise = promise_of(self.model)
        return {
            "synthkit.model": self.model.name,
            "synthkit.fingerprint": self.action.fingerprint.sample,
            "synthkit.generator": self.model.generator.name,
            "synthkit.epsilon": "none" if promise is None else repr(promise[0]),
        }

    def _failures(self) -> FailureFolder:
        """The folder of the model's failing rows, and its name seen from the project."""
        directory = self.context.staging.failures / self.model.name
        return FailureFolder(directory, directory.relative_to(self.context.manifest.project.root).as_posix())

    def _pictures(self, staged: StagedRows) -> Pictures | None:
        """What pictures the report may have of the table, and where they go; None, and the last ones away, for none."""
        allowed = pictures_of(self.context.manifest, self.model)
        path = self.context.staging.profile(self.model.name)
        path.unlink(missing_ok=True)
        if allowed == "none":
            return None
        stamp = {"model": self.model.name, "sample": staged.sample, "run_id": self.context.run_id, "made_at": now()}
        return Pictures(path, real=allowed == "all", stamp=stamp)

    def _training(self) -> PrivateTraining | None:
        """What audits may know of a training under a budget."""
        model = self.model
        if model.budget is None or model.learnt is None:
            return None
        family = self.context.manifest.families.get(model.family or "")
        return PrivateTraining(
            generator=model.generator.name,
            params=model.params.model_dump(mode="json"),
            budget=model.budget,
            schema=model.learnt,
            mechanisms=release_of(self.context.manifest, model),
            device=self.context.manifest.project.device,
            shape=None if family is None else family.shape,
        )

    def _retraining(self) -> Retraining | None:
        """What an audit must know to train such a model again, where one does."""
        model = self.model
        if not any(b.trains for b in model.audits):
            return None
        return Retraining(
            generator=model.generator.name,
            params=model.params.model_dump(mode="json"),
            columns=model.spec.columns,
            conditions=model.spec.conditions,
            device=self.context.manifest.project.device,
        )


def documented(staged: Table, compiled: Schema) -> Table:
    """The staged rows (of types seen in them) with the keys that the source declares."""
    key = compiled.primary_key or staged.schema.primary_key
    return replace(staged, schema=replace(staged.schema, primary_key=key))
