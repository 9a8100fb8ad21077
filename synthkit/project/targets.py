"""Kinds of targets by name, from the entry-point group ``synthkit.targets``; nothing of them is loaded here."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from synthkit.plugins import entries

GROUP = "synthkit.targets"
LOCAL = "local"
OBJECTS = "objects"


def _known(name: str) -> str:
    if name not in (LOCAL, OBJECTS) and name not in entries(GROUP):
        known = sorted({LOCAL, OBJECTS, *entries(GROUP)})
        raise PydanticCustomError("enum", "there is no such kind", {"options": known, "expected": ", ".join(known)})
    return name


TargetKind = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "examples": [LOCAL, OBJECTS], "title": "Type"})
]
