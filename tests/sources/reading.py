"""Make a source in a folder and read it, in one call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.schema import Schema
from synthkit.sources import standing
from synthkit.sources.describe import describe
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.ingest import Split, ingest


def source(**given: Any) -> SourceTableSpec:
    """A source table; ``columns`` may be ``{name: type}`` or ``{name: {type: …, …}}``."""
    columns = given.pop("columns", {})
    listed = [{"name": n, **({"type": c} if isinstance(c, str) else c)} for n, c in columns.items()]
    return SourceTableSpec.model_validate({"name": "t", "columns": listed, **given})


class Reader:
    """Sources below ``root``, described and read without caches."""

    def __init__(self, root: Path, **connections: Mapping[str, Any]) -> None:
        self.root = root
        self.connections = {k: ConnectionSpec.model_validate(v) for k, v in connections.items()}

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def describe(self, cache: Path | None = None, **given: Any) -> Schema:
        return describe(source(**given), root=self.root, connections=self.connections, cache=cache)

    def hash(self, cache: Path | None = None, **given: Any) -> str:
        return content_hash(source(**given), root=self.root, connections=self.connections, cache=cache)

    def read(self, holdout: float = 0.0, **given: Any) -> Split:
        """Describe and read; both must agree on names and SQL types."""
        spec = source(**given)
        described = describe(spec, root=self.root, connections=self.connections, cache=None)
        hashed = content_hash(spec, root=self.root, connections=self.connections, cache=None)
        split = ingest(
            spec,
            root=self.root,
            connections=self.connections,
            holdout=holdout,
            directory=self.root / "splits",
            source_hash=hashed,
        )
        types = [(c.name, c.sql_type) for c in split.schema.columns]
        assert types == [(c.name, c.sql_type) for c in described.columns]
        return split

    def csv(self, content: str | bytes, **given: Any) -> Split:
        self.write("t.csv", content)
        return self.read(path="t.csv", **given)


def types(split: Split) -> dict[str, str]:
    return {c.name: c.sql_type for c in split.schema.columns}


def kinds(split: Split) -> dict[str, str]:
    return {c.name: c.type for c in split.schema.columns}


def rows(split: Split) -> list[dict[str, Any]]:
    """The training rows."""
    return split.train.to_arrow().to_pylist()


def values(split: Split, column: str = "a") -> list[Any]:
    return [r[column] for r in rows(split)]


def settle(file: Path) -> None:
    """Wait until another write would show in the file's times."""
    while not time.time_ns() > file.stat().st_ctime_ns + standing.TICK:
        time.sleep(0.01)
