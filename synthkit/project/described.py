"""What each key of the YAML means, read from the docstring of its class: said there once, shown by editors and docs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from inspect import cleandoc
from typing import Any

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DataclassSchema, ModelSchema

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
            found |= said_by(kind)
    names = {name: written_as(name, field)[0] for name, field in model.model_fields.items()}
    return {name: found[name].removeprefix(f"or `{key}`, ") for name, key in names.items() if name in found}


def purpose_of(model: type[BaseModel]) -> str:
    """What the docstring says of the whole, without its sections. Empty where there is none."""
    text = cleandoc(model.__dict__.get("__doc__") or "")
    return _plain(_SECTION.split(text)[0])


def said_by(model: type) -> dict[str, str]:
    """Name → text, of ``Args:`` in the class's own docstring. ``a, b: text`` is said of both."""
    parts = _SECTION.split(cleandoc(model.__dict__.get("__doc__") or ""))
    found: dict[str, str] = {}
    for section, body in zip(parts[1::2], parts[2::2], strict=True):
        if section == "Args":
            indented = re.split(r"\n(?=\S)", body)[0]  # an example may follow
            pieces = _KEYS.split(cleandoc(indented))
            for names, text in zip(pieces[1::2], pieces[2::2], strict=True):
                found |= dict.fromkeys(names.split(", "), _plain(text))
    return found


def _plain(text: str) -> str:
    """A docstring's text as Markdown: one line a paragraph, code in single backticks, a role by its last word."""
    paragraphs = (" ".join(p.split()) for p in text.strip().split("\n\n"))
    return _ROLE.sub(r"`\1`", "\n\n".join(paragraphs)).replace("``", "`")


def written_as(name: str, field: FieldInfo) -> tuple[str, ...]:
    """The keys under which the YAML may give a field: its name, or each of its names."""
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias or name]
    return tuple(key for key in choices if isinstance(key, str))


def can_be_given(field: FieldInfo) -> bool:
    """Not where a class takes a field of its base out again, by allowing no value but None."""
    return field.annotation is not type(None)


class Described(GenerateJsonSchema):
    """Pydantic's JSON Schema with what the docstrings say of each field, and of the whole without its fields.

    A field of several names stands under each of them, as any will do.
    """

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        found.pop("description", None)
        if purpose_of(model):
            found["description"] = purpose_of(model)
        said = keys_of(model)
        written: dict[str, Any] = found.pop("properties", {})
        found["properties"] = {
            key: written[names[0]] | ({"description": said[name]} if name in said else {})
            for name, field in model.model_fields.items()
            for names in [written_as(name, field)]
            for key in names
            if can_be_given(field)
        }
        return found

    def dataclass_schema(self, schema: DataclassSchema) -> JsonSchemaValue:
        found = super().dataclass_schema(schema)
        said = said_by(schema["cls"])
        found["properties"] = {
            name: written | ({"description": said[name]} if name in said else {})
            for name, written in found["properties"].items()
        }
        return found
