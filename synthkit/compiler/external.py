"""No row of a protected source goes to a third party: a teacher is one."""

from __future__ import annotations

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.generators.base import Taught


def check_external(draft: Draft) -> None:
    """A generator that asks a teacher may show it neither sensitive rows nor what was learnt from them without ε."""
    for name in draft.order:
        model = draft.models[name]
        if model.generator is None or not isinstance(model.generator, Taught) or model.spec.source is None:
            continue
        whom = None if model.params is None else model.generator.shown_to(model.params)
        if whom is None:
            continue
        for source in sorted(_shown(draft, model)):
            why = _protected(draft, source)
            table = draft.tables.get(source)
            if why is None or table is None or table[1].allow_external:
                continue
            relation = table[0]
            draft.fault(
                f"model {name!r} would send rows of {relation.source}.{relation.name} to {whom}, and {why}",
                model.spec.origin.at("source"),
                str(model.spec.source),
                f"write other seeds; or add allow_external: true to the source {relation.name!r}: its receipts tell it",
            )


def _shown(draft: Draft, model: ModelDraft) -> set[str]:
    """The sources whose rows, or what is learnt from them without ε, are in what the teacher is shown."""
    relation = model.spec.source
    assert relation is not None
    if relation.source is not None:
        return {relation.id}
    upstream = draft.models.get(relation.name)
    if upstream is None:
        return set()
    return {s for g in upstream.guarantees if g.unprotected for s in g.sources}


def _protected(draft: Draft, source: str) -> str | None:
    table = draft.tables.get(source)
    if table is not None and table[1].sensitive:
        return "the source is marked sensitive"
    for account in draft.accounts.values():
        if source in account.sources and account.epsilon is not None:
            return "a privacy budget protects it"
    return None
