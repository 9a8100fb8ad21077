"""Readers of databases by the ``type:`` of a connection: the built-in ones come by an entry point, as anybody's do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cache

from synthkit.errors import SynthError, did_you_mean
from synthkit.plugins import entries, loaded, no_kind
from synthkit.project.connections import GROUP
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.location import location
from synthkit.sources.reader import Reader, Urls


def connection_of(spec: SourceTableSpec, connections: Mapping[str, ConnectionSpec]) -> ConnectionSpec:
    """The connection that a source table names. Raises SynthError, with the nearest name."""
    name = spec.connection or ""
    if name not in connections:
        hint = did_you_mean(name, connections, "a connection")
        hint += "; connections are declared under connections: in synth_project.yml"
        raise SynthError(f"there is no connection {name!r}", location(spec, "connection"), hint)
    return connections[name]


def reader_of(chosen: ConnectionSpec) -> Reader:
    """What reads a connection. Raises SynthError where its package does not load."""
    return _loaded(chosen.type)


def by_scheme(scheme: str) -> tuple[str, Urls] | None:
    """The kind of connection whose urls begin with a scheme; None where there is none."""
    for name in entries(GROUP):
        with suppress(SynthError):  # a package that does not load
            urls = _loaded(name).urls
            if urls is not None and scheme in urls.schemes:
                return (scheme if scheme in entries(GROUP) else name), urls
    return None


@cache
def _loaded(name: str) -> Reader:
    entry = entries(GROUP)[name]
    found = loaded(entry, "connections of type {name!r} are read by the package {package!r}, which does not load")
    if not isinstance(found, Reader):
        raise no_kind(entry, "Reader")
    return found
