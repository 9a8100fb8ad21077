"""Pydantic's errors in the project's own words: where, what was written, and the way out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from synthkit.errors import Fault, Location, did_you_mean, shortened
from synthkit.project.types import Origin

# What other tools call it → the key here.
ELSEWHERE = {
    "tests": "audits",
    "data_tests": "audits",
    "constraint": "constraints",
    "relationships": "foreign_keys",
    "data_type": "type",
}
_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping (key: value)",
    "mapping_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "dataclass_type": "a mapping (key: value)",
    "none_required": "nothing",
}


def key_hint(name: str, known: Collection[str]) -> str:
    """What to write in the place of a key that nobody knows."""
    here = ELSEWHERE.get(name)
    if here == "audits" and here not in known:
        return "it is called audits here, and stands on the model: audits: [{not_null: {columns: [NAME]}}]"
    return f"it is called {here} here" if here in known else did_you_mean(name, known, "a key")


def parameter_faults(
    error: ValidationError,
    model: type[BaseModel],
    origin: Origin,
    prefix: Sequence[str | int] = (),
    what: str = "",
    fallback: Location | None = None,
) -> list[Fault]:
    """Faults for what pydantic found wrong in ``what`` (a phrase such as "generator sdv.ctgan").

    Several complaints about one key (the members of a union) become one.
    """
    faults: dict[Any, Fault] = {}
    for item in error.errors(include_url=False):
        loc = tuple(item["loc"])
        where = _location(origin, (*prefix, *loc), item["type"], fallback)
        key = (where, loc[:1])
        fault = _fault(item, model, loc, where, what)
        faults[key] = _merged(faults[key], fault) if key in faults else fault
    return list(faults.values())


def _location(origin: Origin, path: tuple[Any, ...], kind: str, fallback: Location | None) -> Location:
    where = origin.at(*path, key=kind == "extra_forbidden")
    return fallback if fallback is not None and where == origin.at() and str(where.file) == "?" else where


def _fault(item: Any, model: type[BaseModel], loc: tuple[Any, ...], where: Location, what: str) -> Fault:
    kind, value = item["type"], item.get("input")
    name = str(loc[-1]) if loc else ""
    owner = _owner(model, loc)
    inside = f" in {what}" if what else ""
    if kind == "extra_forbidden":
        known = _field_names(owner)
        return Fault(f"unknown key {name!r}{inside}", where, name, key_hint(name, known))
    if kind == "missing":
        return Fault(f"{name!r} is missing{inside}", where, None, f"add {name}: …")
    shown = _shown(value)
    named = f"{_path(loc)}{inside}" if loc else (what or "the value")
    if kind in _EXPECTED:
        return Fault(f"{named} must be {_EXPECTED[kind]}", where, shown, f"write {_EXPECTED[kind]}")
    if kind in ("literal_error", "enum"):
        said = item.get("ctx", {})
        options = _options(owner, loc) or said.get("options") or [str(said.get("expected", ""))]
        return Fault(f"{named} cannot be {shown}", where, shown, did_you_mean(str(value), options, "one"))
    message = str(item["msg"]).removeprefix("Value error, ")
    message = message[0].lower() + message[1:] if message else "is not valid"
    hint = message.removeprefix("input should ") if message.startswith("input should ") else None
    text = f"{named} should {hint}" if hint else f"{named}: {message}"
    fix = item.get("ctx", {}).get("hint", "correct the value")
    return Fault(text, where, shown, f"it should {hint}" if hint else fix)


def _merged(first: Fault, second: Fault) -> Fault:
    """One fault for two complaints about one value: a choice of what would do."""
    if first.hint == second.hint or not first.hint or not second.hint:
        return first
    return Fault(first.message, first.where, first.value, f"{first.hint}, or {second.hint}")


def _path(loc: tuple[Any, ...]) -> str:
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        elif str(part).isidentifier() and part not in ("str", "int", "float", "bool", "tuple"):
            text += f".{part}" if text else str(part)
    return text


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, str) else f"'{value}'"
    return shortened(text, 80)


def _field_names(model: type[BaseModel]) -> list[str]:
    return [f.alias or n for n, f in model.model_fields.items()]


def _owner(model: type[BaseModel], loc: tuple[Any, ...]) -> type[BaseModel]:
    """The model that the last key of ``loc`` belongs to, as far as it can be followed."""
    current = model
    for part in loc[:-1]:
        if isinstance(part, int):
            continue
        found = current.model_fields.get(str(part))
        inner = None if found is None else _model_in(found.annotation)
        if inner is not None:
            current = inner
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None


def _options(owner: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    field = owner.model_fields.get(str(loc[-1])) if loc else None
    return [] if field is None else sorted({str(o) for o in _literals(field.annotation)})


def _literals(annotation: Any) -> list[Any]:
    arguments = get_args(annotation)
    if not arguments:
        return []
    if all(isinstance(a, str | int | bool) for a in arguments):
        return list(arguments)
    return [value for argument in arguments for value in _literals(argument)]
