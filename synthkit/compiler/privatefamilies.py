"""Families under ``epsilon``: what is learnt of their tables, and what of them has no proof and is refused."""

from __future__ import annotations

from dataclasses import replace

from synthkit.compiler.declared import learnt_under
from synthkit.compiler.draft import Draft, FamilyDraft, ModelDraft
from synthkit.compiler.foreignkeys import kind_of
from synthkit.compiler.private import keys_in, with_keys
from synthkit.errors import Location
from synthkit.generators.tables import Key, Shape
from synthkit.generators.units.levels import refused
from synthkit.project.types import Relation, SourceTableSpec
from synthkit.schema import Schema


def check_private_families(draft: Draft) -> None:
    """Whatever of a family under ``epsilon`` has no proof is a fault, at the key or table that it is about."""
    for family in draft.families.values():
        if family.spec.epsilon is None:
            continue
        _check_unit(draft, family)
        for what, hint, about in refused(_outline(draft, family)):
            draft.fault(what, _location(draft, family, about), hint=hint)
        _check_kinds(draft, family)


def bind_shapes(draft: Draft) -> None:
    """What each family's training under a budget is planned by."""
    for name, family in draft.families.items():
        if family.spec.epsilon is None:
            continue
        for member in family.members.values():
            for constraint in draft.models[member].constraints if member in draft.models else ():
                what = f"'{constraint.rule}' ({constraint.location}) is a comparison, which is kept by drawing again"
                hint = "drop it, or leave the rows out in an SQL model"
                draft.fault(
                    f"{what}; the rows of a family under epsilon are not", family.spec.origin.at("epsilon"), hint=hint
                )
        if (shape := _shape(draft, name)) is not None:
            draft.shapes[name] = shape


def _shape(draft: Draft, name: str) -> Shape | None:
    """None where something of the tables is not known."""
    family = draft.families[name]
    schemas: dict[str, Schema] = {}
    for table, member in family.members.items():
        model = draft.models.get(member)
        if model is None:
            return None
        learnt = model.schema if table in family.kept else _learnt(draft, model)
        if learnt is None:
            return None
        schemas[table] = learnt
    return Shape(schemas, family.keys, family.root, frozenset(family.kept))


def _learnt(draft: Draft, model: ModelDraft) -> Schema | None:
    """The keys of a member, and the columns that are learnt of it."""
    if model.declared is None:
        return None
    keys = keys_in(draft, model)
    whole = with_keys(model.declared, keys)
    named = tuple(c for c in whole.columns if c.name in keys)
    inner = learnt_under(replace(whole, primary_key=()), model.rules)
    return replace(whole, columns=(*named, *(c for c in inner.columns if c.name not in keys)))


def _outline(draft: Draft, family: FamilyDraft) -> Shape:
    """The tables with their primary keys, which is what they may be refused by."""
    schemas = {t: Schema((), _table(draft, family, t).primary_key) for t in family.members}
    return Shape(schemas, family.keys, family.root, frozenset(family.kept))


def _table(draft: Draft, family: FamilyDraft, name: str) -> SourceTableSpec:
    return draft.tables[Relation(name, family.spec.group).id][1]


def _location(draft: Draft, family: FamilyDraft, about: Key | str) -> Location:
    if isinstance(about, str):
        return _table(draft, family, about).origin.at("name")
    table = _table(draft, family, about.table)
    index = next(i for i, k in enumerate(table.foreign_keys or ()) if k.names == about.columns)
    return table.origin.at("foreign_keys", index)


def _check_unit(draft: Draft, family: FamilyDraft) -> None:
    """The unit is a row of the root."""
    root = _table(draft, family, family.root)
    if root.privacy_unit is not None and root.primary_key != (root.privacy_unit,):
        message = (
            f"under epsilon the unit of a family is a row of its root, and {root.name!r} says {root.privacy_unit!r}"
        )
        hint = f"add a table of {root.privacy_unit} that owns {root.name}, or drop privacy_unit"
        draft.fault(message, root.origin.at("privacy_unit"), root.privacy_unit, hint)


def _check_kinds(draft: Draft, family: FamilyDraft) -> None:
    """Keys are given out in the types that are declared: both sides of one must be of a kind."""
    for key in family.keys:
        one, other = (draft.models.get(family.members[t]) for t in (key.table, key.references))
        ours = None if one is None else one.declared or one.schema
        theirs = None if other is None else other.declared or other.schema
        if ours is None or theirs is None or key.table in family.kept:
            continue
        for column, named in zip(key.columns, theirs.primary_key, strict=False):
            a, b = ours.by_name.get(column), theirs.by_name.get(named)
            if a is not None and b is not None and kind_of(replace(a, format=None)) != kind_of(replace(b, format=None)):
                message = f"under epsilon {key.table}.{column} is given out as {a.sql_type}, and what it names "
                message += f"({key.references}.{named}) as {b.sql_type}"
                hint = "declare one type on both: text where they are not whole numbers"
                draft.fault(message, _location(draft, family, key), column, hint)
