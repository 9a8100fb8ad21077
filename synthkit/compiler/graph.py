"""Resolve ``ref`` and ``source``, and order the models."""

from __future__ import annotations

from synthkit.compiler.draft import Draft
from synthkit.compiler.sqlmodels import query_location, render_query
from synthkit.errors import Location, did_you_mean
from synthkit.generators.base import Query
from synthkit.graph.dag import Dag
from synthkit.graph.selection import Selectable
from synthkit.project.types import Relation


def resolve_relations(draft: Draft) -> None:
    """Every ref and source that a model's ``source:`` or query names must exist; queries are rendered."""
    for model in draft.models.values():
        if model.generator is not None and isinstance(model.generator, Query) and not model.broken:
            render_query(draft, model)
        if model.spec.source is not None and not check_relation(
            draft, model.spec.source, model.spec.origin.at("source")
        ):
            model.broken = True
        for relation in model.sql_relations:
            if not check_relation(draft, relation, query_location(model)):
                model.broken = True


def check_relation(draft: Draft, relation: Relation, where: Location) -> bool:
    """Whether the relation exists; if not, a fault names the nearest one that does."""
    if relation.source is None:
        if relation.name in draft.models:
            return True
        if relation.name in draft.families:
            first = next(iter(draft.families[relation.name].members))
            hint = f"name one of its tables: ref({relation.name!r}, {first!r})"
            draft.fault(f"{relation} names a family of tables", where, relation, hint)
        elif any(m.name == relation.name for m in draft.project.disabled):
            draft.fault(
                f"{relation} names a model that is disabled",
                where,
                relation,
                "enable it, or drop the reference",
            )
        elif not draft.is_unmade(relation.name):
            hint = did_you_mean(relation.name, draft.models, "a model")
            draft.fault(f"there is no model {relation.name!r}", where, relation, hint)
        return False
    if relation.id in draft.tables:
        return True
    groups = {r.source for r, _ in draft.tables.values() if r.source is not None}
    if relation.source not in groups:
        hint = did_you_mean(relation.source, groups, "a source")
        draft.fault(f"there is no source {relation.source!r}", where, relation, hint)
    else:
        names = [r.name for r, _ in draft.tables.values() if r.source == relation.source]
        hint = did_you_mean(relation.name, names, "a table")
        draft.fault(f"source {relation.source!r} has no table {relation.name!r}", where, relation, hint)
    return False


def order_models(draft: Draft) -> None:
    """Put models in topological order; each cycle is a fault that shows the way round."""
    known = _known(draft)
    parents = {
        f"model:{name}": frozenset(r.id for r in model.parents if r.id in known) for name, model in draft.models.items()
    }
    _order(draft, parents)


def build_graph(draft: Draft) -> None:
    """The final graph: models, sources, exposures; audits' references are edges too."""
    known = _known(draft)
    parents: dict[str, frozenset[str]] = {id_: frozenset() for id_ in draft.tables}
    for name, model in draft.models.items():
        parents[f"model:{name}"] = frozenset(r.id for r in model.parents if r.id in known)
    for exposure in draft.project.exposures:
        parents[f"exposure:{exposure.name}"] = frozenset(r.id for r in exposure.depends_on if r.id in known)
    _order(draft, parents)
    _add_selectables(draft)


def _known(draft: Draft) -> set[str]:
    return {*draft.tables, *(f"model:{name}" for name in draft.models)}


def _order(draft: Draft, parents: dict[str, frozenset[str]]) -> None:
    for nodes in list(parents.values()):
        for node in nodes:
            parents.setdefault(node, frozenset())
    dag = Dag(parents)
    cycles = dag.cycles()
    reported = {f.message for f in draft.faults}
    for cycle in cycles:
        names = [node.partition(":")[2] for node in cycle]
        path = " → ".join([*names, names[0]] if names[0] != names[-1] else names)
        message = f"models depend on each other in a circle: {path}"
        if message not in reported:
            where = draft.models[names[0]].spec.origin.at("name")
            draft.fault(message, where, hint="drop one of these references")
        for name in names:
            draft.models[name].broken = True
    draft.dag = dag
    if not cycles:
        draft.order = [n.removeprefix("model:") for n in dag.order() if n.startswith("model:")]


def _add_selectables(draft: Draft) -> None:
    for id_, (relation, table) in draft.tables.items():
        draft.selectables[id_] = Selectable(
            id=id_,
            name=f"{relation.source}.{relation.name}",
            path=draft.relative(table),
            tags=table.tags,
            sources=(f"{relation.source}.{relation.name}",),
            kind="source",
        )
    for name, model in draft.models.items():
        sources = [f"{r.source}.{r.name}" for r in model.parents if r.source is not None]
        draft.selectables[f"model:{name}"] = Selectable(
            id=f"model:{name}",
            name=name,
            path=draft.relative(model.spec),
            tags=model.spec.tags,
            sources=tuple(sources),
            generator=model.generator.name if model.generator else None,
            materialized=model.spec.materialized,
            family=model.family,
            kind="model",
        )
    for exposure in draft.project.exposures:
        id_ = f"exposure:{exposure.name}"
        draft.selectables[id_] = Selectable(id=id_, name=exposure.name, tags=exposure.tags, kind="exposure")
