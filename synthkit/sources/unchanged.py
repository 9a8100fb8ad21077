"""What is read of a source is what was hashed: it is looked at again when it has been read.

A build is planned, keyed, charged and published under the hash of a source's content. Whoever writes to the source
between that hash and the last row read would have other rows published under it, and kept under it for ever after. So
the files are hashed again after reading, whatever the cache says, and must stand as they did before it: one that was
changed and changed back in between has another time. A server digests the rows in the snapshot that it hands out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from synthkit.errors import BuildError, SynthError
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.fingerprint import content_hash, server_hash
from synthkit.sources.found import Snapshot
from synthkit.sources.location import location
from synthkit.sources.readers import connection_of, reader_of
from synthkit.sources.standing import Standing, standing


@dataclass
class Watch:
    """One reading of a source that was planned under a hash; ``snapshot`` is for whoever reads it from a server."""

    spec: SourceTableSpec
    root: Path
    connections: Mapping[str, ConnectionSpec]
    planned: str
    snapshot: Snapshot = field(default_factory=Snapshot)

    def __post_init__(self) -> None:
        self._before = self._standing()

    def changed(self) -> bool:
        """Whether what was read is not known to be what was hashed."""
        if self.spec.path is None and reader_of(connection_of(self.spec, self.connections)).files is None:
            return self.snapshot.digest is not None and server_hash(self.snapshot.digest) != self.planned
        try:
            now = content_hash(self.spec, root=self.root, connections=self.connections, cache=None)
            return now != self.planned or self._standing() != self._before
        except (SynthError, OSError):  # it is gone
            return True

    def _standing(self) -> Standing | None:
        """Of files; a database counts its own changes in its bytes, and reading it may touch its files' times."""
        return standing(self.spec, self.root, self.connections) if self.spec.path is not None else None


@contextmanager
def unchanged(
    spec: SourceTableSpec, *, root: Path, connections: Mapping[str, ConnectionSpec], source_hash: str
) -> Iterator[Watch]:
    """Around the reading of a source: raises BuildError at its end where the source was not what ``source_hash`` says.

    An error of the reader is that of the change where there was one: half a file reads as a broken one.
    """
    watch = Watch(spec, root, connections, source_hash)
    try:
        yield watch
    except Exception as error:
        if watch.changed():
            raise _changed(spec) from error
        raise
    if watch.changed():
        raise _changed(spec)


def _changed(spec: SourceTableSpec) -> BuildError:
    where = location(spec, "path" if spec.path is not None else "connection")
    hint = "wait until nobody writes to it: nothing of what was read is kept or published"
    return BuildError(f"source table {spec.name!r} changed while it was read: run the build again", where, hint)
