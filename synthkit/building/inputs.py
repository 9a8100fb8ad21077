"""What a model is made from: real rows, read and split once per run, and the tables upstream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.compiler import ModelNode
from synthkit.errors import BuildError
from synthkit.events import Note
from synthkit.planning.fingerprint import model_seed
from synthkit.planning.state import rows_of
from synthkit.project.types import Relation
from synthkit.runners.jobs import IngestJob, InheritJob, JobProgress, SplitJob
from synthkit.sources.ingest import parse_share
from synthkit.sources.split import SALT
from synthkit.store.staging import StagedRows

if TYPE_CHECKING:
    from synthkit.building.context import RunContext


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
            folder = self.ingest(relation, holdout, declared)
            self._refuse_infinite(relation, folder)
            return folder
        rows, inherited = self.upstream(relation.name), bool(model.judged_through)
        directory = self.context.staging.split(relation.name, rows, holdout, inherited=inherited)
        with self.context.once(str(directory)):
            if inherited:
                return self._inherited(model, rows, directory)
            schema = rows.table.schema.to_json()
            salt = f"{SALT} {relation.id}"
            job = SplitJob(str(rows.path), schema, rows.table.rows, model.holdout, str(directory), salt)
            return str(self.context.executor.run(job, self.progress)["directory"])

    def _inherited(self, model: ModelNode, rows: StagedRows, directory: Path) -> str:
        """The published rows beside the source's held-out ones, put through the queries between the two."""
        if (directory / "split.json").exists():
            return str(directory)
        way = model.judged_through
        queries: list[Mapping[str, Any]] = [self._query(relation, over) for relation, over in pairwise(way)]
        job = InheritJob(
            path=str(rows.path),
            schema=rows.table.schema.to_json(),
            rows=rows.table.rows,
            holdout=model.holdout,
            directory=str(directory),
            held_out=self._sides(way[-1])[1],
            queries=queries[::-1],
        )
        done = self.context.executor.run(job, self.progress)
        if done["held_out"] == 0:
            what = f"no held-out row of {way[-1].id.partition(':')[2]} comes through the query of {way[0].name!r}"
            self.context.say(Note(f"{model.name}: {what}, so nothing judges what is learnt from it", "warn"))
        return str(done["directory"])

    def _query(self, relation: Relation, over: Relation) -> dict[str, Any]:
        """An SQL model's query for other rows than its own. Raises BuildError where its table was made otherwise."""
        node = self.context.manifest.models[relation.name]
        parents = {r.id: self.upstream(r.name).sample for r in node.sql_relations if r.source is None}
        if self.context.fingerprinter.rows(node, parents) != self.upstream(node.name).sample:
            raise BuildError(
                f"{node.name!r} was made of other rows, or by another query, than its source and the YAML give now, so "
                "the held-out rows that belong to it are not known",
                hint=f"build it too (--select +{node.name}+), or set holdout: on the model to divide the table anew",
            )
        others = {r.sql: self.files(r) for r in node.sql_relations if r != over}
        seed = model_seed(self.context.manifest.project.seed, node.spec.seed, node.name)
        return {"sql": node.sql, "over": over.sql, "relations": others, "seed": seed}

    def _refuse_infinite(self, relation: Relation, directory: str) -> None:
        """Infinite numbers are for SQL models to read: nothing learns them, and no audit compares with them."""
        from synthkit.sources.ingest import load_split
        from synthkit.sources.place import column_place

        for name, many in load_split(Path(directory)).infinite.items():
            what = (
                f"column {name!r} of {relation.source}.{relation.name} holds {many:,} infinite value{'s' * (many > 1)}"
            )
            hint = "replace them in the source, or in an SQL model between: no generator can learn infinity"
            raise BuildError(what, column_place(self.context.manifest.sources[relation.id].spec, name), hint)

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
        return self._sides(relation)[0]

    def _sides(self, source: Relation) -> tuple[list[str], list[str]]:
        """The files of a source's training rows and, for audits alone, of its held-out ones."""
        from synthkit.sources.ingest import load_split

        share = parse_share(self.context.manifest.holdout_of(source.id))
        split = load_split(Path(self.ingest(source, share)))
        held_out = () if split.holdout is None else split.holdout.paths
        return [str(p) for p in split.train.paths], [str(p) for p in held_out]

    def upstream(self, name: str) -> StagedRows:
        """An audited table that this model reads: published, or staged if it is ephemeral."""
        node = self.context.manifest.models[name]
        rows = rows_of(self.context.warehouse, self.context.staging, node)
        if rows is None:
            raise BuildError(f"{name!r} is not published", hint=f"build it: synth build --select {name}")
        return rows
