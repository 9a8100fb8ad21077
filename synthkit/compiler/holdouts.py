"""Which held-out rows judge a model that learns from another model.

An SQL model that takes a source's rows one by one (:mod:`.sql.rowwise`) hands the training rows of that source on,
changed or chosen. The right judge of what is learnt from it is then the source's held-out rows, put through the same
query, and so all the way down a chain of such models. Where a query mixes rows, the result's own rows are divided anew,
by another salt than the source's: with the same one, rows that came through as they were would all be on the training
side again.
"""

from __future__ import annotations

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.sqlmodels import Describer
from synthkit.generators.base import Query
from synthkit.project.holdout import holdout_of
from synthkit.project.types import Relation
from synthkit.sources.ingest import parse_share
from synthkit.sql.rowwise import mixes


def bind_derived_holdouts(draft: Draft) -> None:
    """The way from each model that learns from an SQL model to the source whose held-out rows judge it.

    A model that sets ``holdout:`` itself has its share of the table divided anew, or none at 0.
    """
    tracer = _Tracer(draft)
    for name in draft.order:
        model = draft.models[name]
        upstream = model.spec.source
        if upstream is None or upstream.source is not None or model.broken:
            continue
        way = tracer.way(upstream.name)
        if isinstance(way, str):
            model.divided_because = way
        elif model.spec.holdout is not None:
            model.divided_because = "the model sets holdout"
        else:
            model.judged_through = way
            model.holdout = tracer.share(way[-1]) or 0.0


class _Tracer:
    def __init__(self, draft: Draft) -> None:
        self.draft, self._describer = draft, Describer()
        self._ways: dict[str, tuple[Relation, ...] | str] = {}

    def way(self, name: str) -> tuple[Relation, ...] | str:
        """From a model up to the source that it takes row by row, both included; or why there is none."""
        if name not in self._ways:
            self._ways[name] = self._way(name)
        return self._ways[name]

    def share(self, source: Relation) -> float | None:
        """The holdout of a source; None where it has none, or none that can be read."""
        value, _ = holdout_of(self.draft.project.spec, self.draft.tables[source.id][1])
        try:
            return parse_share(value) or None
        except ValueError:
            return None

    def _way(self, name: str) -> tuple[Relation, ...] | str:
        model = self.draft.models.get(name)
        if model is None or model.broken or model.schema is None or model.generator is None:
            return "its columns are not known"
        if not isinstance(model.generator, Query):
            return f"the rows of {name!r} are made, not real ones"
        divided = {r: self._above(r) for r in model.sql_relations}
        above = [(r, way) for r, way in divided.items() if way is not None]
        if not above:
            return f"nothing that {name!r} reads has a holdout"
        if len(above) > 1:
            return f"{name!r} reads {' and '.join(r.id.partition(':')[2] for r, _ in above)}, which are divided each"
        ((relation, way),) = above
        why = self._mixes(model, relation)
        return (Relation(name), *way) if why is None else f"the query of {name!r} mixes rows: {why}"

    def _above(self, relation: Relation) -> tuple[Relation, ...] | None:
        if relation.source is not None:
            known = relation.id in self.draft.tables
            return (relation,) if known and self.share(relation) is not None else None
        way = self.way(relation.name)
        return None if isinstance(way, str) else way

    def _mixes(self, model: ModelDraft, relation: Relation) -> str | None:
        import duckdb

        for read in model.sql_relations:
            schema = self.draft.schema_of(read)
            if schema is None:
                return "its columns are not known"
            self._describer.add(read.sql, schema)
        try:
            return mixes(self._describer.connection, model.sql or "", relation.source, relation.name)
        except (duckdb.Error, ValueError):
            return "it cannot be looked into"  # as the fault of the query says
