"""What a worker is told of a model: jobs that train and draw, query and compose it. Its audits: :mod:`.auditing`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.building.inputs import Inputs
from synthkit.building.provenance import guarantees_of
from synthkit.building.surveys import surveys_of
from synthkit.compiler import ModelNode
from synthkit.planning.plan import Action
from synthkit.privacy.guarantee import Guarantee, together
from synthkit.privacy.ledger.entries import Charged
from synthkit.project.partition import Partition, partitions_of
from synthkit.project.size import Size
from synthkit.project.types import Conditions
from synthkit.rules.across.bound import hops_of
from synthkit.runners.jobs import (
    AssembleJob,
    ComposeJob,
    FamilyJob,
    GenerateJob,
    PartitionJob,
    QueryJob,
    TrainJob,
)
from synthkit.runners.parts import DrawnMember
from synthkit.store.partitions import PartitionFiles

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
        self.context, self.action, self.inputs = context, action, inputs
        self.model: ModelNode = context.manifest.models[action.model]

    def read(self) -> Path:
        """Read and divide the rows that the model learns from; their folder."""
        assert self.model.source is not None
        return self.inputs.split(self.model.source, self.model)

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
            relations={r.sql: self.inputs.files(r) for r in model.sql_relations},
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
            split=self.inputs.split(model.source, model),
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
            guarantees=guarantees_of(self.context.manifest, model, charge, self.inputs.upstream),
            kept=model.kept,
            charge=charge,
        )

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
