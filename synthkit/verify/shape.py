"""Where a value does not fit a JSON Schema, for the few keywords that ours are made of.

A thousand receipts take a fraction of a second so, where a whole validator takes seconds. A test holds the two against
each other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
KNOWN = frozenset(
    {
        "$schema",
        "title",
        "description",
        "format",
        "type",
        "enum",
        "anyOf",
        "pattern",
        "minimum",
        "required",
        "properties",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
    }
)


def fitting(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether a value, as JSON is read, has no misfit: a third of the time of looking for one."""
    tests = list(_tests(schema))
    if "type" not in schema:
        return lambda value: all(fits(value) for fits in tests)
    names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    types = frozenset(t for name in names for t in _TYPES[name])

    def of_type(value: Any) -> bool:
        return type(value) in types or ("integer" in names and isinstance(value, float) and value.is_integer())

    if not tests:
        return of_type
    return lambda value: of_type(value) and all(fits(value) for fits in tests)


def _tests(schema: Mapping[str, Any]) -> Iterator[Callable[[Any], bool]]:
    """Of all that a schema demands but the type."""
    if "enum" in schema:
        yield lambda value: value in schema["enum"]
    if "anyOf" in schema:
        forms = [fitting(one) for one in schema["anyOf"]]
        yield lambda value: any(fits(value) for fits in forms)
    if "pattern" in schema:
        matches = re.compile(schema["pattern"]).search
        yield lambda value: not isinstance(value, str) or matches(value) is not None
    if "minimum" in schema:  # what is no number is above and below nothing
        yield lambda value: type(value) not in (int, float) or not value < schema["minimum"]
    if not schema.keys().isdisjoint({"required", "properties", "additionalProperties"}):
        yield _fitting_object(schema)
    if not schema.keys().isdisjoint({"items", "minItems", "maxItems"}):
        yield _fitting_array(schema)


def _fitting_object(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    required = frozenset(schema.get("required", ()))
    properties = {key: fitting(part) for key, part in schema.get("properties", {}).items()}
    others = fitting(schema.get("additionalProperties", {}))

    def fits(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        return required <= value.keys() and all(properties.get(key, others)(part) for key, part in value.items())

    return fits


def _fitting_array(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    least, most, item = schema.get("minItems", 0), schema.get("maxItems", math.inf), fitting(schema.get("items", {}))
    return lambda value: not isinstance(value, list) or (least <= len(value) <= most and all(map(item, value)))


def misfits(value: Any, schema: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Each place that does not fit, with why. ``format`` is no demand, as in JSON Schema itself."""
    if "type" in schema and not _is_of(value, schema["type"]):
        wanted = schema["type"] if isinstance(schema["type"], str) else " or ".join(schema["type"])
        yield f"{place or 'it'} is not of type {wanted}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} is none of {', '.join(map(str, schema['enum']))}"
    if "anyOf" in schema and all(any(misfits(value, one, place)) for one in schema["anyOf"]):
        yield f"{place} fits none of its forms"
    if isinstance(value, dict):
        yield from _object(value, schema, place)
    elif isinstance(value, list):
        yield from _array(value, schema, place)
    elif isinstance(value, str):
        if "pattern" in schema and re.search(schema["pattern"], value) is None:
            yield f"{place} does not match {schema['pattern']}"
    elif isinstance(value, int | float) and not isinstance(value, bool) and value < schema.get("minimum", value):
        yield f"{place} is below {schema['minimum']}"


def _object(value: Mapping[str, Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
    yield from (f"{place or 'it'} lacks {key}" for key in schema.get("required", ()) if key not in value)
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for key, part in value.items():
        yield from misfits(part, properties.get(key, others), f"{place}.{key}" if place else key)


def _array(value: list[Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{place} has {len(value)} items"
    for index, part in enumerate(value):
        yield from misfits(part, schema.get("items", {}), f"{place}[{index}]")


def _is_of(value: Any, types: str | list[str]) -> bool:
    names = [types] if isinstance(types, str) else types
    if isinstance(value, bool):
        return "boolean" in names
    if isinstance(value, float) and value.is_integer() and "integer" in names:
        return True
    return any(isinstance(value, _TYPES[name]) for name in names)
