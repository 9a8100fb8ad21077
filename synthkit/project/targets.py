"""Kinds of targets by name, from the entry-point group ``synthkit.targets``; nothing of them is loaded here."""

from __future__ import annotations

from typing import Annotated

from pydantic import WithJsonSchema

from synthkit.project.registered import registered

GROUP = "synthkit.targets"
LOCAL = "local"
OBJECTS = "objects"
POSTGRES, MYSQL = "postgres", "mysql"
DELTA, ICEBERG = "delta", "iceberg"
LAKES = (DELTA, ICEBERG)
# The scheme of a URL, or the type of a connection → the kind of target.
SERVERS = {"postgres": POSTGRES, "postgresql": POSTGRES, "mysql": MYSQL, "mariadb": MYSQL}


def kind_at(scheme: str | None) -> str:
    """The kind of target that publishes to an address of a scheme; None: to a folder."""
    return LOCAL if scheme is None else SERVERS.get(scheme, OBJECTS)


TargetKind = Annotated[
    str,
    registered(GROUP, "kind", LOCAL, OBJECTS, *LAKES, *SERVERS.values()),
    WithJsonSchema({"type": "string", "examples": [LOCAL, OBJECTS, POSTGRES, MYSQL, *LAKES], "title": "Type"}),
]
