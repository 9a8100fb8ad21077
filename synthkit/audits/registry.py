"""Find audits by name, and see which of their parameters name columns, tables and conditions.

A family is a module whose functions carry ``@audit``; the entry-point group ``synthkit.audits`` lists the
families, the built-in ones and those of third parties alike. Adding an audit to a family is one decorated
function; adding a family is one line of ``pyproject.toml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from synthkit.audits.contract import Audit, HoldsCondition, NamesColumn, NamesRelation, declared
from synthkit.errors import SynthError, did_you_mean

GROUP = "synthkit.audits"


def names() -> tuple[str, ...]:
    """Every audit's name, sorted. Raises SynthError where a family cannot be loaded."""
    _load()
    return tuple(sorted(declared()))


def get(name: str) -> Audit:
    """The audit of that name. Raises SynthError, with the nearest name, where there is none."""
    _load()
    found = declared().get(name)
    if found is None:
        raise SynthError(f"there is no audit {name!r}", hint=did_you_mean(name, declared(), "an audit"))
    return found


def families() -> Mapping[str, tuple[Audit, ...]]:
    """Audits by family, both in order of name, for help and for docs/audits."""
    grouped: dict[str, list[Audit]] = {}
    for name in names():
        grouped.setdefault(get(name).family, []).append(get(name))
    return {family: tuple(grouped[family]) for family in sorted(grouped)}


@cache
def _load() -> None:
    """Import the families, once. They import nothing heavy, so all of them take milliseconds."""
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        try:
            entry.load()
        except Exception as error:
            reason = error.message if isinstance(error, SynthError) else f"{type(error).__name__}: {error}"
            owner = _owner(entry)
            # Passing over it would let a project build without a gate that it asks for.
            raise SynthError(
                f"the audit family {entry.name!r} ({entry.value}) of {owner} cannot be loaded: {reason}",
                hint=f"upgrade or uninstall {owner}",
            ) from error


def _owner(entry: EntryPoint) -> str:
    dist = entry.dist
    return "an unknown package" if dist is None else f"{dist.name} {dist.version}"


# -- what parameters name ------------------------------------------------------------------------------


def column_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """The parameters that hold column names, at any depth of their types."""
    return tuple(n for n, f in model.model_fields.items() if _marked((f.annotation, *f.metadata), NamesColumn))


def columns_named(params: BaseModel) -> list[tuple[str, str]]:
    """Each column that the parameters name, with the path of its field: ``("columns.0", "age")``."""
    return [(path, v) for path, v in _named(params, NamesColumn) if isinstance(v, str)]


def relations_named(params: BaseModel) -> list[tuple[str, Any]]:
    """Each table that the parameters refer to, as a ``Relation``, with the path of its field."""
    return list(_named(params, NamesRelation))


def conditions_named(params: BaseModel) -> list[tuple[str, str]]:
    """Each SQL condition among the parameters, with the path of its field."""
    return [(path, v) for path, v in _named(params, HoldsCondition) if isinstance(v, str)]


def _marked(parts: tuple[Any, ...], marker: type) -> bool:
    """Whether a type (taken apart into its arguments and metadata) carries the marker anywhere."""
    for part in parts:
        if isinstance(part, marker):
            return True
        inner = (*get_args(part), *getattr(part, "__metadata__", ()))
        if inner and _marked(inner, marker):
            return True
    return False


def _named(params: BaseModel, marker: type, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, annotation, direct in _places(type(params), marker):
        value, here = getattr(params, name), f"{path}{name}"
        if direct:
            yield from _leaves(value, here)
        else:
            yield from _walk(annotation, value, here, marker)


@cache
def _places(model: type[BaseModel], marker: type) -> tuple[tuple[str, Any, bool], ...]:
    """The fields in which the marker may be, by their types: name, type, whether the field itself has it."""
    found = []
    for name, field in model.model_fields.items():
        direct = any(isinstance(m, marker) for m in field.metadata)
        if direct or _marked((field.annotation,), marker) or _holds_model(field.annotation):
            found.append((name, field.annotation, direct))
    return tuple(found)


def _holds_model(annotation: Any) -> bool:
    """Whether a value of this type may have parameters of its own."""
    if annotation is Any or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return True
    return any(_holds_model(part) for part in get_args(annotation))


def _walk(annotation: Any, value: Any, path: str, marker: type) -> Iterator[tuple[str, Any]]:
    """Follow a type and its value side by side down to what the marker marks."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(value, BaseModel):
        yield from _named(value, marker, f"{path}.")
    elif origin is Annotated:
        if any(isinstance(m, marker) for m in annotation.__metadata__):
            yield from _leaves(value, path)
        else:
            yield from _walk(arguments[0], value, path, marker)
    elif origin in (Union, UnionType):
        found = {item: None for argument in arguments for item in _walk(argument, value, path, marker)}
        yield from found
    elif isinstance(value, Mapping) and len(arguments) == 2:
        for key, inner in value.items():
            yield from _walk(arguments[0], key, f"{path}.{key}", marker)
            yield from _walk(arguments[1], inner, f"{path}.{key}", marker)
    elif isinstance(value, list | tuple | set | frozenset) and arguments:
        for index, inner in enumerate(value):
            kind = arguments[index] if index < len(arguments) and arguments[index] is not Ellipsis else arguments[0]
            yield from _walk(kind, inner, f"{path}.{index}", marker)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if value is None:
        return
    if isinstance(value, list | tuple | set | frozenset):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{index}")
    else:
        yield path, value
