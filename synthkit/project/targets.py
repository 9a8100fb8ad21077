"""Kinds of targets by name, from the entry-point group ``synthkit.targets``; nothing of them is loaded here."""

from __future__ import annotations

from typing import Annotated

from pydantic import WithJsonSchema

from synthkit.project.registered import registered

GROUP = "synthkit.targets"
LOCAL = "local"
OBJECTS = "objects"

TargetKind = Annotated[
    str,
    registered(GROUP, "kind", LOCAL, OBJECTS),
    WithJsonSchema({"type": "string", "examples": [LOCAL, OBJECTS], "title": "Type"}),
]
