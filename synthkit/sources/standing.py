"""How a source's files look from outside: what a remembered result of them is good for, and for how long.

Size and time of modification can be put back by whoever writes a file (``cp -p``, ``touch -r``, rsync), the time of its
inode's last change cannot. And a file that was written a moment ago may be written again within the same tick of the
clock that such times are taken from: of it nothing is remembered (git calls such an entry racily clean:
https://git-scm.com/docs/racy-git).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.files import find_files, state_of
from synthkit.sources.readers import connection_of, reader_of

TICK = 100_000_000  # ns: kernels take the time of files every 1 to 10 ms
COARSE_TICK = 2_500_000_000  # ns, of file systems that keep whole seconds, or every second one


@dataclass(frozen=True)
class Standing:
    """``key``: a digest of the files' paths, sizes, inodes and times; ``settled_at``: when no write can hide (ns)."""

    key: str
    settled_at: int

    @property
    def settled(self) -> bool:
        """Whether a later write would show in the times."""
        return time.time_ns() > self.settled_at


def standing(spec: SourceTableSpec, root: Path, connections: Mapping[str, ConnectionSpec]) -> Standing | None:
    """Of the source's files; None for a server. Raises SynthError where a file is missing."""
    files = source_files(spec, root, connections)
    if files is None:
        return None
    looks: list[object] = [] if spec.path is None else [state_of(spec, root)]
    settled_at = 0
    for file in files:
        s = file.stat()
        looks.append((str(file), s.st_size, s.st_ino, s.st_mtime_ns, s.st_ctime_ns))
        for moment in (s.st_mtime_ns, s.st_ctime_ns):
            settled_at = max(settled_at, moment + (COARSE_TICK if moment % 1_000_000_000 == 0 else TICK))
    return Standing(hashlib.sha256(json.dumps(looks).encode()).hexdigest(), settled_at)


def source_files(spec: SourceTableSpec, root: Path, connections: Mapping[str, ConnectionSpec]) -> list[Path] | None:
    """The files that hold the source's rows, in their order; None for a server. Raises SynthError."""
    if spec.path is not None:
        return find_files(spec, root)
    chosen = connection_of(spec, connections)
    files = reader_of(chosen).files
    return None if files is None else files(spec, chosen, root)
