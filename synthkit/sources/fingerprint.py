"""What a source's content is: a SHA-256 of its files, cached as long as they stand as they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.cache import recall, remember
from synthkit.sources.files import file_format, located, state_of
from synthkit.sources.lineends import Text, file_digest
from synthkit.sources.readers import connection_of, reader_of
from synthkit.sources.standing import source_files, standing

VERSION = 3  # of what is hashed, as the cache knows it


def content_hash(
    spec: SourceTableSpec,
    *,
    root: Path,
    connections: Mapping[str, ConnectionSpec],
    cache: Path | None,
) -> str:
    """SHA-256 (hex) of the source's content.

    Files are hashed whole, text without regard to how its lines end (:mod:`.lineends`), unless the
    cache knows them (:mod:`.standing`). A PostgreSQL table is digested by its server at every call,
    whatever the order of its rows.

    Raises:
        SynthError: the source is missing or cannot be reached.
    """
    found = standing(spec, root, connections)
    files = source_files(spec, root, connections)
    if found is None or files is None:
        chosen = connection_of(spec, connections)
        digested = reader_of(chosen).digest
        assert digested is not None, f"a reader of {chosen.type} has neither files nor a digest"
        return server_hash(digested(spec, chosen))
    text = None if spec.path is None else Text.of(file_format(spec, located(spec, root)), dict(spec.options))
    key = hashlib.sha256(json.dumps([VERSION, found.key, repr(text)]).encode()).hexdigest()
    file = None if cache is None else cache / f"{key[:32]}.json"
    if file is not None and (known := recall(file)) is not None and "sha256" in known:
        return str(known["sha256"])
    parts = [file_digest(path, text) for path in files]
    state = None if spec.path is None else state_of(spec, root)
    parts += [] if state is None else [hashlib.sha256(state.encode()).hexdigest()]
    digest = parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()
    if file is not None and found.settled and standing(spec, root, connections) == found:
        remember(file, {"sha256": digest})
    return digest


def server_hash(digest: str) -> str:
    """The content hash of what a server digested."""
    return hashlib.sha256(digest.encode()).hexdigest()
