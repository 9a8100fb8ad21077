"""Keys of tables that are put together: asked only of what makes keys up, and only for what can be known of them."""

from __future__ import annotations

from synthkit.compiler.draft import Draft, FamilyDraft
from synthkit.compiler.private import declared_types
from synthkit.encoding.taken import unknowable
from synthkit.generators.base import Trained


def check_keys(draft: Draft) -> None:
    """``keys: fresh`` and ``keys: continue`` need made-up keys, and under epsilon room for random ones."""
    for model in draft.models.values():
        spec, schema = model.spec, model.schema
        if spec.keys in (None, "own") or model.generator is None or schema is None or model.family is not None:
            continue
        where = spec.origin.at("keys")
        if not isinstance(model.generator, Trained):
            message = f"generator {model.generator.name!r} makes no keys up: its rows have those that it gives them"
            draft.fault(message, where, spec.keys, "drop keys, or set it on the model that draws the rows")
            continue
        schema = schema if spec.epsilon is None else declared_types(schema, draft, model)
        alone = {schema.primary_key[0]} if len(schema.primary_key) == 1 else set()
        made_up = [c for c in schema.columns if c.type == "id" or (c.name in alone and c.type != "text")]
        if not made_up:
            draft.fault(
                f"keys: {spec.keys} asks for other keys than the real ones, but no column of {spec.name!r} is a key",
                where,
                spec.keys,
                "declare it at the source (primary_key: or type: id), or drop keys",
            )
        elif spec.epsilon is not None:
            problems = [p for column in made_up if (p := unknowable(spec.keys, column)) is not None]
            for message, hint in problems:
                draft.fault(message, where, spec.keys, hint)
    for name, family in draft.families.items():
        if family.spec.keys not in (None, "own") and family.spec.epsilon is not None:
            message = f"keys: {family.spec.keys} looks at the keys of the real rows, which epsilon protects"
            draft.fault(message, family.spec.origin.at("keys"), family.spec.keys, "drop keys: drawn rows count from 1")
        elif family.spec.keys not in (None, "own"):
            _check_family(draft, name, family)


def _check_family(draft: Draft, name: str, family: FamilyDraft) -> None:
    """A table's key is made up where it is one column that names no row, or a part of it names a row by such a key."""
    where, keys = family.spec.origin.at("keys"), family.spec.keys
    drawn = [t for t in family.members if t not in family.kept]
    schemas = {t: model.schema for t in drawn if (model := draft.models.get(family.members[t])) is not None}
    new: set[tuple[str, str]] = set()
    for table, schema in schemas.items():
        primary = () if schema is None else schema.primary_key
        ways = [k for k in family.keys if k.table == table and k.references in schemas]
        for key in ways:
            there = schemas[key.references]
            named = () if there is None else there.primary_key
            pairs = zip(key.columns, named, strict=True) if len(named) == len(key.columns) else ()
            new |= {(table, mine) for mine, other in pairs if (key.references, other) in new}
        if len(primary) == 1 and not any(primary[0] in k.columns for k in family.keys if k.table == table):
            new.add((table, primary[0]))
        if primary and not any((table, column) in new for column in primary):
            draft.fault(
                f"keys: {keys} asks for other keys than the real ones, but that of {table!r} ({', '.join(primary)}) is "
                "not made up: no part of it is a key of its own, or names a row by one",
                where,
                keys,
                "give the table a primary_key of one column, or drop keys",
            )
    if schemas and all(s is not None for s in schemas.values()) and not new:
        message = f"keys: {keys} asks for other keys than the real ones, but no table of {name!r} has a primary_key"
        draft.fault(message, where, keys, "declare it at the source (primary_key:), or drop keys")
