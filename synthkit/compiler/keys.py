"""Keys of tables that are put together: asked only of what makes keys up, and only for what can be known of them."""

from __future__ import annotations

from synthkit.compiler.draft import Draft
from synthkit.compiler.private import declared_types
from synthkit.encoding.taken import unknowable
from synthkit.generators.base import Trained


def check_keys(draft: Draft) -> None:
    """``keys: fresh`` and ``keys: continue`` need made-up keys, and under epsilon room for random ones."""
    for model in draft.models.values():
        spec, schema = model.spec, model.schema
        if spec.keys in (None, "own") or model.generator is None or schema is None:
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
