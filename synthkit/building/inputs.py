"""What a model is made from: real rows, read and split once per run, and the tables upstream."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.compiler import FamilyNode, ModelNode
from synthkit.errors import BuildError
from synthkit.events import Note
from synthkit.planning.fingerprint import model_seed
from synthkit.planning.state import rows_of
from synthkit.project.types import Relation
from synthkit.runners.jobs import IngestJob, InheritJob, JobProgress, SplitJob
from synthkit.runners.parts import Passage
from synthkit.sources.bounding import Declared
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


def _keys_in(family: FamilyNode, table: str) -> tuple[str, ...]:
    """The columns that name rows, of a table of a family under epsilon."""
    assert family.shape is not None
    schema = family.shape.schemas[table]
    own = schema.primary_key if len(schema.primary_key) == 1 else ()
    return tuple(dict.fromkeys((*own, *(c for k in family.keys if k.table == table for c in k.columns))))


class Inputs:
    """The files that stand for relations, for one model of a run, which pays for what it is the first to read."""

    def __init__(self, context: RunContext, model: str, progress: JobProgress) -> None:
        self.context, self.model, self.progress = context, model, progress

    def split(self, relation: Relation, model: ModelNode) -> Path:
        """The folder of the training and holdout rows that a model learns from, made once per run.

        A training under a budget reads its source as it is declared: what other models read of it depends on all rows.
        """
        holdout = model.holdout
        if relation.source is not None:
            declared = None
            if model.budget is not None and model.declared is not None:
                family = self.context.manifest.families.get(model.family or "")
                declared = Declared(model.declared, model.budget.max_rows_per_unit)
                if family is not None:  # whose rows they are, and how many are read, is decided with the others
                    declared = Declared(model.declared, None, _keys_in(family, relation.name))
            folder = self.ingest(relation, holdout, declared)
            self._refuse_infinite(relation, folder)
            return folder
        rows, inherited = self.upstream(relation.name), bool(model.judged_through)
        directory = self.context.staging.split(relation.name, rows, holdout, inherited=inherited)
        with self.context.once(directory):
            if (directory / "split.json").exists():
                return directory
            if inherited:
                return self._inherited(model, rows, directory)
            job = SplitJob(
                root=self.context.manifest.project.root,
                table=rows.table,
                holdout=model.holdout,
                directory=directory,
                salt=f"{SALT} {relation.id}",
            )
            return self.context.measured(job, self.model, self.progress).directory

    def _inherited(self, model: ModelNode, rows: StagedRows, directory: Path) -> Path:
        """The published rows beside the source's held-out ones, put through the queries between the two."""
        way = model.judged_through
        queries = [self._query(relation, over) for relation, over in pairwise(way)]
        job = InheritJob(
            root=self.context.manifest.project.root,
            table=rows.table,
            holdout=model.holdout,
            directory=directory,
            held_out=self._sides(way[-1])[1],
            queries=tuple(reversed(queries)),
        )
        done = self.context.measured(job, self.model, self.progress)
        if done.held_out == 0:
            what = f"no held-out row of {way[-1].id.partition(':')[2]} comes through the query of {way[0].name!r}"
            self.context.say(Note(f"{model.name}: {what}, so nothing judges what is learnt from it", "warn"))
        return done.directory

    def _query(self, relation: Relation, over: Relation) -> Passage:
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
        assert node.sql is not None
        return Passage(node.sql, over.sql, others, seed)

    def _refuse_infinite(self, relation: Relation, directory: Path) -> None:
        """Infinite numbers are for SQL models to read: nothing learns them, and no audit compares with them."""
        from synthkit.sources.ingest import load_split
        from synthkit.sources.location import column_location

        for name, many in load_split(directory).infinite.items():
            what = (
                f"column {name!r} of {relation.source}.{relation.name} holds {many:,} infinite value{'s' * (many > 1)}"
            )
            hint = "replace them in the source, or in an SQL model between: no generator can learn infinity"
            raise BuildError(what, column_location(self.context.manifest.sources[relation.id].spec, name), hint)

    def ingest(self, relation: Relation, holdout: float, declared: Declared | None = None) -> Path:
        context = self.context
        key = (relation.id, holdout, declared)
        with context.once(key):
            if key in context.splits:
                return context.splits[key]
            project = context.manifest.project
            spec = context.manifest.sources[relation.id].spec
            job = IngestJob(
                root=project.root,
                spec=spec,
                connections=project.spec.connections,
                holdout=holdout,
                directory=context.staging.splits / f"{relation.source}.{relation.name}",
                source_hash=context.fingerprinter.content(relation.id),
                declared=declared,
                ownership=context.fingerprinter.ownership(relation),
            )
            done = context.measured(job, self.model, self.progress)
            context.splits[key] = done.directory
            for note in done.notes:  # what was read otherwise than it is written: NaN as missing, say
                context.say(Note(f"{relation.source}.{relation.name}: {note}", "warn"))
            if done.inferred:
                context.say(Note(f"{relation.source}.{relation.name}: {_inferred(done.inferred)}"))
            return context.splits[key]

    def files(self, relation: Relation) -> tuple[Path, ...]:
        """The Parquet files that SQL reads for a relation: a source's training rows, or a model's table."""
        if relation.source is None:
            return (self.upstream(relation.name).path,)
        return self._sides(relation)[0]

    def _sides(self, source: Relation) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """The files of a source's training rows and, for audits alone, of its held-out ones."""
        from synthkit.sources.ingest import load_split

        share = parse_share(self.context.manifest.holdout_of(source.id))
        split = load_split(self.ingest(source, share))
        held_out = () if split.holdout is None else split.holdout.paths
        return split.train.paths, held_out

    def upstream(self, name: str) -> StagedRows:
        """An audited table that this model reads: published, or staged if it is ephemeral."""
        node = self.context.manifest.models[name]
        rows = rows_of(self.context.target, self.context.staging, node)
        if rows is None:
            raise BuildError(f"{name!r} is not published", hint=f"build it: synth build --select {name}")
        return rows
