"""What a source's content is: a SHA-256 of its files, cached as long as their size and time stand still."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from synthkit.sources.cache import recall, remember
from synthkit.sources.describe import stat_key
from synthkit.sources.files import find_files
from synthkit.sources.relation import connection_of
from synthkit.spec.types import ConnectionSpec, SourceTableSpec


def content_hash(
    spec: SourceTableSpec,
    *,
    root: Path,
    connections: Mapping[str, ConnectionSpec],
    cache: Path | None,
) -> str:
    """SHA-256 (hex) of the source's content.

    Files are hashed whole, unless the cache knows them by size and time. A PostgreSQL table is digested by its server
    at every call, whatever the order of its rows.

    Raises:
        SynthError: the source is missing or cannot be reached.
    """
    stat = stat_key(spec, root, connections)
    if stat is None:
        from synthkit.sources.postgres import server_digest

        digest = server_digest(spec, connection_of(spec, connections))
        return hashlib.sha256(digest.encode()).hexdigest()
    file = None if cache is None else cache / f"{stat[:32]}.json"
    if file is not None and (found := recall(file)) is not None and "sha256" in found:
        return str(found["sha256"])
    digest = _hash(spec, root, connections)
    if file is not None:
        remember(file, {"sha256": digest})
    return digest


def _hash(spec: SourceTableSpec, root: Path, connections: Mapping[str, ConnectionSpec]) -> str:
    if spec.path is not None:
        files = find_files(spec, root)
    else:
        from synthkit.sources.duckdbfile import database_files

        files = database_files(spec, connection_of(spec, connections), root)
    parts = []
    for path in files:
        with path.open("rb") as file:
            parts.append(hashlib.file_digest(file, "sha256").hexdigest())
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()
