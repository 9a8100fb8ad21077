"""What may be told of each table: by whose real rows reach it, or its audits, outside a budget."""

from __future__ import annotations

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.privacy.disclosure import Disclosure
from synthkit.project.types import Relation


def decide_disclosure(draft: Draft) -> None:
    """Set each model's disclosure: by its own ε, and by whether those are protected whose rows it could tell of."""
    promised = _under_epsilon(draft)
    for model in draft.models.values():
        model.disclosure = _of(draft, model, promised)


def _of(draft: Draft, model: ModelDraft, promised: set[str]) -> Disclosure:
    if model.spec.epsilon is not None:
        return "private"
    if model.family is not None and draft.families[model.family].spec.epsilon is not None:
        return "private"  # a public table, whose audits hold it beside rows that name it
    sources = {s for g in model.guarantees if g.unprotected for s in g.sources}
    relations = (model.spec.source, *model.audit_relations)
    sources |= {s for r in relations if r is not None for s in _real_rows_of(draft, r)}
    if sources & promised:
        return "private"
    tables = [draft.tables[s][1] for s in sources if s in draft.tables]
    return "guarded" if any(t.sensitive for t in tables) else "open"


def _real_rows_of(draft: Draft, relation: Relation) -> set[str]:
    """The sources whose rows are in a relation as they are, or without a bound on what it reveals of them."""
    if relation.source is not None:
        return {relation.id}
    upstream = draft.models.get(relation.name)
    return set() if upstream is None else {s for g in upstream.guarantees if g.unprotected for s in g.sources}


def _under_epsilon(draft: Draft) -> set[str]:
    """The sources of accounts that a budget is declared for, or that some model is trained on under ε."""
    private = {m.spec.source.id for m in draft.models.values() if m.spec.epsilon is not None and m.spec.source}
    found: set[str] = set()
    for account in draft.accounts.values():
        if account.epsilon is not None or private & set(account.sources):
            found |= set(account.sources)
    return found
