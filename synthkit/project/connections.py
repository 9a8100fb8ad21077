"""Kinds of connections by name, from the entry-point group ``synthkit.sources``; nothing of them is loaded here."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

GROUP = "synthkit.sources"


@cache
def _entries() -> dict[str, EntryPoint]:
    found = list(entry_points(group=GROUP))
    # Ours come last and so win: a package cannot quietly take the name of a built-in kind.
    found.sort(key=lambda e: (e.value.startswith("synthkit."), e.value))
    return {entry.name: entry for entry in found}


def entry_of(name: str) -> EntryPoint:
    """Where the reader of a known kind is to be loaded from."""
    return _entries()[name]


def _known(name: str) -> str:
    if name not in _entries():
        known = sorted(_entries())
        raise PydanticCustomError("enum", "there is no such kind", {"options": known, "expected": ", ".join(known)})
    return name


Kind = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema({"type": "string", "examples": ["duckdb", "sqlite", "postgres"], "title": "Type"}),
]
