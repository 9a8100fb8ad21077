"""Readers of databases by the ``type:`` of a connection: the built-in ones come by an entry point, as anybody's do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from synthkit.errors import SynthError, did_you_mean
from synthkit.project.connections import entry_of
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.place import place
from synthkit.sources.reader import Reader


def connection_of(spec: SourceTableSpec, connections: Mapping[str, ConnectionSpec]) -> ConnectionSpec:
    """The connection that a source table names. Raises SynthError, with the nearest name."""
    name = spec.connection or ""
    if name not in connections:
        hint = did_you_mean(name, connections, "a connection")
        hint += "; connections are declared under connections: in synth_project.yml"
        raise SynthError(f"there is no connection {name!r}", place(spec, "connection"), hint)
    return connections[name]


def reader_of(chosen: ConnectionSpec) -> Reader:
    """What reads a connection. Raises SynthError where its package does not load."""
    return _loaded(chosen.type)


@cache
def _loaded(name: str) -> Reader:
    entry = entry_of(name)
    package = entry.dist.name if entry.dist is not None else entry.value
    try:
        found = entry.load()
    except Exception as error:
        raise SynthError(
            f"connections of type {name!r} are read by the package {package!r}, which does not load: {error}",
            hint=f"update or remove {package}",
        ) from error
    if not isinstance(found, Reader):
        raise SynthError(f"{entry.value} of {package!r} is no synthkit Reader", hint=f"update or remove {package}")
    return found
