"""What each key of the YAML means, read from the docstring of its class: said there once, shown by editors and docs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns):\n", re.MULTILINE)
_KEYS = re.compile(r"^([a-z_]\w*(?:, [a-z_]\w*)*): ", re.MULTILINE)
_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")


@cache
def keys_of(model: type[BaseModel]) -> Mapping[str, str]:
    """What each field means: of the nearest class whose docstring says it under ``Args:``, else the field's own words.

    A field of which nothing is said is missing (a test allows none).
    """
    found = {name: field.description for name, field in model.model_fields.items() if field.description}
    for kind in reversed(model.__mro__):
        if issubclass(kind, BaseModel):
            found |= _said(kind.__dict__.get("__doc__"))
    return {name: found[name] for name in model.model_fields if name in found}


def purpose_of(model: type[BaseModel]) -> str:
    """What the docstring says of the whole, without its sections. Empty where there is none."""
    text = cleandoc(model.__dict__.get("__doc__") or "")
    return _plain(_SECTION.split(text)[0])


def _said(docstring: str | None) -> dict[str, str]:
    """``Args:`` or ``Attributes:`` of a docstring: name → its text. ``a, b: text`` is said of both."""
    parts = _SECTION.split(cleandoc(docstring or ""))
    found: dict[str, str] = {}
    for section, body in zip(parts[1::2], parts[2::2], strict=True):
        if section in ("Args", "Attributes"):
            pieces = _KEYS.split(cleandoc(body))
            for names, text in zip(pieces[1::2], pieces[2::2], strict=True):
                found |= dict.fromkeys(names.split(", "), _plain(text))
    return found


def _plain(text: str) -> str:
    """A docstring's text as Markdown: one line a paragraph, code in single backticks, a role by its last word."""
    paragraphs = (" ".join(p.split()) for p in text.strip().split("\n\n"))
    return _ROLE.sub(r"`\1`", "\n\n".join(paragraphs)).replace("``", "`")


class Described(GenerateJsonSchema):
    """Pydantic's JSON Schema with what the docstrings say of each field, and of the whole without its fields."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        model: Any = schema["cls"]
        found.pop("description", None)
        if purpose_of(model):
            found["description"] = purpose_of(model)
        for name, text in keys_of(model).items():
            if name in found.get("properties", {}):
                found["properties"][name]["description"] = text
        return found
