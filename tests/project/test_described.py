"""Every key of the YAML says what it means, in the docstring of its class, and editors show it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import AliasChoices, BaseModel, Field

from synthkit.audits import registry as audits
from synthkit.generators import registry as generators
from synthkit.project.described import Described, keys_of, purpose_of, said_by
from synthkit.project.projectfile import ProjectSpec
from synthkit.project.types import ModelSpec, SourceSpec
from synthkit.project.unittests import UnitTestSpec
from synthkit.scaffold.schemas import SCHEMAS, schema


def models() -> list[type[BaseModel]]:
    """The classes of all keys, those inside them and those that they inherit from."""
    waiting: list[Any] = [SourceSpec, ModelSpec, UnitTestSpec, ProjectSpec]
    waiting += [generators.get(n).params for n in generators.names()] + [audits.get(n).params for n in audits.names()]
    found: dict[type[BaseModel], None] = {}
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not BaseModel and kind not in found:
            found[kind] = None
            waiting += [field.annotation for field in kind.model_fields.values()]
            waiting += [m for field in kind.model_fields.values() for m in field.metadata] + list(kind.__mro__)
    return list(found)


def properties(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every property of a JSON Schema with its path."""
    if isinstance(node, dict):
        for name, found in node.get("properties", {}).items():
            yield f"{path}.{name}", found
        for key, inner in node.items():
            yield from properties(inner, f"{path}.{key}")
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from properties(inner, f"{path}.{index}")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_that_an_editor_shows_says_what_it_means(name: str) -> None:
    silent = {
        path for path, found in properties(schema(name)) if not (isinstance(found, dict) and found.get("description"))
    }
    assert silent == set(), "say it under Args: in the docstring of its class, or in the schema of the results"


def test_docstrings_speak_of_keys_that_are_there() -> None:
    found = {f"{m.__qualname__}.{name}" for m in models() for name in said_by(m) if name not in m.model_fields}
    assert found == set()


def test_docstrings_become_plain_text() -> None:
    said = {f"{m.__qualname__}.{k}": v for m in models() for k, v in {**keys_of(m), "": purpose_of(m)}.items()}
    assert {k: v for k, v in said.items() if re.search(r"``|  |:\w+:`", v)} == {}


class Base(BaseModel):
    """What all have.

    Args:
        low, high: in :class:`synthkit.schema.Column`'s units,
            or ``none``.
    """

    low: int = 0
    high: int | None = None


class Limited(Base):
    """A limit.

    Raises:
        error: not a key.
    """

    limit: int = Field(default=1, validation_alias=AliasChoices("most", "limit"))
    high: None = None


Limited.__doc__ = (
    (Limited.__doc__ or "")
    + """
    Args:
        limit: or ``most``, how many.
    """
)


def test_what_is_said_of_a_key_is_said_by_its_class_or_a_base() -> None:
    assert keys_of(Limited) == {
        "low": "in `Column`'s units, or `none`.",
        "high": "in `Column`'s units, or `none`.",
        "limit": "how many.",
    }
    assert purpose_of(Limited) == "A limit."


def test_a_key_of_two_names_stands_under_both_and_one_taken_out_under_none() -> None:
    found = Limited.model_json_schema(schema_generator=Described)["properties"]
    assert list(found) == ["low", "most", "limit"]
    assert found["most"] == found["limit"]
    assert found["most"]["description"] == "how many."
