"""What a model is made from: real rows, read and split once per run, and the tables upstream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.compiler import ModelNode
from synthkit.errors import BuildError
from synthkit.events import Note
from synthkit.runners.jobs import IngestJob, JobProgress, SplitJob
from synthkit.sources.ingest import parse_share
from synthkit.spec.types import Relation
from synthkit.store.staging import StagedRows

if TYPE_CHECKING:
    from synthkit.modelrun import RunContext


SHOWN = 6  # inferred columns that a line names


def _inferred(types: Mapping[str, str]) -> str:
    named = ", ".join(f"{column} {sql_type}" for column, sql_type in list(types.items())[:SHOWN])
    more = f", and {len(types) - SHOWN} more" if len(types) > SHOWN else ""
    return f"types inferred from all rows, as nothing declares them: {named}{more}"


class Inputs:
    """The files that stand for relations, for one model of a run."""

    def __init__(self, context: RunContext, progress: JobProgress) -> None:
        self.context, self.progress = context, progress

    def split(self, relation: Relation, model: ModelNode) -> str:
        """The folder of the training and holdout rows that a model learns from, made once per run.

        A training under a budget reads its source as it is declared: what other models read of it depends on all rows.
        """
        holdout = model.holdout
        if relation.source is not None:
            declared = None
            if model.budget is not None and model.declared is not None:
                declared = {"schema": model.declared.to_json(), "max_rows_per_unit": model.budget.max_rows_per_unit}
            return self.ingest(relation, holdout, declared)
        name = relation.name
        rows = self.upstream(name)
        directory = self.context.staging.split(name, rows, holdout)
        with self.context.once(str(directory)):
            schema = rows.table.schema.to_json()
            job = SplitJob(str(rows.path), schema, rows.table.rows, holdout, str(directory))
            return str(self.context.executor.run(job, self.progress)["directory"])

    def ingest(self, relation: Relation, holdout: float, declared: Mapping[str, Any] | None = None) -> str:
        context = self.context
        key = json.dumps([relation.id, holdout, declared], default=str)
        with context.once(key):
            if key in context.splits:
                return context.splits[key]
            project = context.manifest.project
            spec = context.manifest.sources[relation.id].spec
            job = IngestJob(
                spec=spec.model_dump(mode="json"),
                connections={k: v.model_dump(mode="json") for k, v in project.spec.connections.items()},
                root=str(project.root),
                holdout=holdout,
                directory=str(context.staging.splits / f"{relation.source}.{relation.name}"),
                source_hash=context.fingerprinter.content(relation.id),
                declared=declared,
            )
            done = context.executor.run(job, self.progress)
            context.splits[key] = str(done["directory"])
            for note in done["notes"]:  # what was read otherwise than it is written: NaN as missing, say
                context.say(Note(f"{relation.source}.{relation.name}: {note}", "warn"))
            if done["inferred"]:
                context.say(Note(f"{relation.source}.{relation.name}: {_inferred(done['inferred'])}"))
            return context.splits[key]

    def files(self, relation: Relation) -> list[str]:
        """The Parquet files that SQL reads for a relation: a source's training rows, or a model's table."""
        if relation.source is None:
            return [str(self.upstream(relation.name).path)]
        from synthkit.sources.ingest import load_split

        spec = self.context.manifest.sources[relation.id].spec
        share = spec.holdout if spec.holdout is not None else self.context.manifest.project.spec.holdout
        split = load_split(Path(self.ingest(relation, parse_share(share))))
        return [str(p) for p in split.train.paths]

    def upstream(self, name: str) -> StagedRows:
        """An audited table that this model reads: published, or staged if it is ephemeral."""
        node = self.context.manifest.models[name]
        if node.spec.materialized == "ephemeral":
            state = self.context.staging.audited(name)
            rows = None
            if state is not None:
                rows = self.context.staging.staged(name, state["fingerprints"]["sample"])
        else:
            rows = self.context.warehouse.rows(name)
        if rows is None:
            raise BuildError(f"{name!r} is not published", hint=f"build it: synth build --select {name}")
        return rows
