"""Kinds of connections by name, from the entry-point group ``synthkit.sources``; nothing of them is loaded here."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from synthkit.plugins import entries

GROUP = "synthkit.sources"


def _known(name: str) -> str:
    if name not in entries(GROUP):
        known = sorted(entries(GROUP))
        raise PydanticCustomError("enum", "there is no such kind", {"options": known, "expected": ", ".join(known)})
    return name


Kind = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema({"type": "string", "examples": ["duckdb", "sqlite", "postgres"], "title": "Type"}),
]
