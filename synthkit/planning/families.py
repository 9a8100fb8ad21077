"""Families in a plan: whose tables are selected, made and published together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from synthkit.compiler import Manifest, ModelNode
from synthkit.compiler.familynode import FamilyNode
from synthkit.planning.action import FULL_REFRESH, Action
from synthkit.planning.lending import Lending
from synthkit.results import ActionKind
from synthkit.store.staging import Staging


def whole_families(manifest: Manifest, chosen: Collection[str]) -> tuple[frozenset[str], list[str]]:
    """The models that are selected, with the other tables of their families; and what is to be said of these."""
    found, said = set(chosen), []
    for family in manifest.families.values():
        members = list(family.members.values())
        here = [name for name in members if name in found]
        more = [name for name in members if name not in found]
        if here and more:
            found |= {*more}
            verb = "is" if len(here) == 1 else "are"
            said.append(f"{_listed(here)} {verb} made together with {_listed(more)} ({family.name}): all are selected")
    return frozenset(found), said


def made_together(manifest: Manifest, actions: Sequence[Action], staging: Staging, lending: Lending) -> list[Action]:
    """The actions, where those for a family's tables are one: rows of one table belong to the rows of the others.

    Where only audits changed, each table is judged by itself.
    """
    by_model = {action.model: action for action in actions}
    for family in manifest.families.values():
        here = [by_model[name] for name in family.members.values() if name in by_model]
        by_model |= {action.model: action for action in _together(family, here, staging, lending)}
    return [by_model[action.model] for action in actions]


def size_of(manifest: Manifest, model: ModelNode) -> str:
    """How many rows a model has, in words: of a family's table, by the one that the size is of, where that tells it."""
    if model.family is None or model.source is None:
        return str(model.size)
    family, table = manifest.families[model.family], model.source.name
    if model.kept:
        return "as it is"
    above = table
    owners = {key.table: key.references for key in family.keys if key.owner}
    while above in owners and above != family.root:
        above = owners[above]
    if table == family.root:
        return str(model.size)
    return f"follows {family.root}" if above == family.root else "as many as are trained on"


def _together(family: FamilyNode, actions: Sequence[Action], staging: Staging, lending: Lending) -> list[Action]:
    moved = [a for a in actions if a.standing in ("none", "stale") or a.reason == FULL_REFRESH]
    if not moved:
        return list(actions)
    first, how = moved[0], ""
    root = lending.manifest.models[family.members[family.root]]
    if any(a.reason == FULL_REFRESH for a in moved):
        kind: ActionKind = "train"
    elif all(staging.staged(a.model, a.fingerprint.sample) is not None for a in actions):
        kind, how = "audit", "; their rows are staged from an earlier build"
    elif staging.has_model(first.fingerprint.train):
        kind, how = "sample", "; the trained model is cached"
    elif (other := lending.find(root, first.fingerprint.train)) is not None:
        kind, how = "sample", f"; the target {other.target!r} has trained it"
    else:
        kind = "train"
    why = {a.model: a.reason for a in moved}
    with_others = f"made together with {_listed([a.model for a in moved])}"
    return [
        replace(a, kind=kind, reason=_without(why.get(a.model, with_others)) + how, together=family.name)
        for a in actions
    ]


def _without(reason: str) -> str:
    """A reason without what was said of one table's own staged rows or model."""
    return reason.partition("; ")[0]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
