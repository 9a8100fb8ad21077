"""Which trainings are charged to a ledger, and which real tables each is about."""

from __future__ import annotations

from synthkit.compiler.manifest import Manifest, ModelNode


def charges(manifest: Manifest, model: ModelNode) -> bool:
    """Whether training the model is what the ledger is charged for: of a family that is its root's."""
    family = manifest.families.get(model.family or "")
    return model.budget is not None and (family is None or family.members[family.root] == model.name)


def learnt_from(manifest: Manifest, model: ModelNode) -> tuple[str, ...]:
    """The real tables that a training is about, as ``group.table``: of a family all, its root's first."""
    family = manifest.families.get(model.family or "")
    if family is None:
        return () if model.source is None else (model.source.id.removeprefix("source:"),)
    names = [family.root, *(t for t in family.members if t != family.root and t not in family.kept)]
    return tuple(family.source_of(t).removeprefix("source:") for t in names)
