"""Follow what each table descends from along the graph, from the declarations alone."""

from __future__ import annotations

from collections.abc import Iterable

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.manifest import Lineage
from synthkit.generators.base import Query
from synthkit.privacy.descent import Descent, Way, read, released
from synthkit.project.types import Relation


def trace_descent(draft: Draft) -> None:
    """Which real sources each table descends from and how, and whether real rows reach it unchanged.

    An SQL model that reads a source hands real rows on, and so does a family's public table; a generator draws new
    rows, so what is trained on a table with real rows in it does not contain them itself.
    """
    for name in draft.order:
        model = draft.models[name]
        if model.generator is not None:
            model.descent = _descent(draft, model)
            model.lineage = Lineage(frozenset(model.descent.ways), bool(model.descent.copied), model.descent.copied)


def read_by(draft: Draft, relations: Iterable[Relation]) -> Descent:
    """What descends from the tables as they are."""

    def upstream(node: str) -> Descent:
        model = draft.models.get(node.removeprefix("model:")) if node.startswith("model:") else None
        return Descent() if model is None else model.descent

    return read((r.id for r in relations), upstream)


def _descent(draft: Draft, model: ModelDraft) -> Descent:
    assert model.generator is not None
    spec = model.spec
    if isinstance(model.generator, Query) or model.kept:
        return read_by(draft, model.reads)
    protected = model.budget is not None and model.budget.insecure_seed is None
    if protected and model.family is not None:  # all its tables are released together
        release = frozenset({release_name(draft, model)})
        return Descent({r.id: Way(frozenset({r.id}), release) for r in _learnt(draft, model)})
    if protected and spec.source is not None and spec.source.source is not None:
        return released(spec.source.id, spec.name, spec.source.id)
    return Descent(read_by(draft, _learnt(draft, model)).ways)


def release_name(draft: Draft, model: ModelDraft) -> str:
    """The model whose training it is: of a family that of the root, whichever table it is of."""
    if model.family is None:
        return model.spec.name
    family = draft.families[model.family]
    return family.members[family.root]


def _learnt(draft: Draft, model: ModelDraft) -> tuple[Relation, ...]:
    """What its generator learns from: of a family's table, the rows of all its tables, but of those that are public.

    A drawn order tells of the customer that it was drawn for, whose columns its own were learnt beside.
    """
    if model.family is None or model.spec.source is None:
        return model.reads
    family, group = draft.families[model.family], model.spec.source.source
    return tuple(Relation(table, group) for table in family.members if table not in family.kept)
