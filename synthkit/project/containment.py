"""What a project may touch: its own folder. Links that lead out of it are refused before anything is read or written.

Whoever runs `synth` on a project that somebody else wrote (a reviewer, a CI machine) gives it the rights of their own
account. A symbolic link in it looks like a part of the project and is none: a build would write through it, an error
would quote what it points to. A path that is written out in the YAML is for the reviewer to see; a link is not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from synthkit.errors import SynthError

# Folders besides the project that links may lead to, and targets lie in; of the machine's owner, so never from `.env`.
VARIABLE = "SYNTH_OUTSIDE"
HINT = f"move what is meant into the project; on a machine of yours, {VARIABLE}=FOLDER allows that folder"


def grounds(root: Path) -> tuple[Path, ...]:
    """The project's folder and those that ``SYNTH_OUTSIDE`` names (several as in ``PATH``), resolved."""
    named = os.environ.get(VARIABLE, "").split(os.pathsep)
    return (root.resolve(), *(Path(n).expanduser().resolve() for n in named if n))


def outside(path: Path, root: Path) -> Path | None:
    """Where ``path`` really is, if that is neither in the project nor where ``SYNTH_OUTSIDE`` allows; else None."""
    real = path.resolve()
    return None if any(real.is_relative_to(ground) for ground in grounds(root)) else real


def hidden_way_out(path: Path, root: Path) -> Path | None:
    """Where a path that reads as one inside the project really leads, if a link takes it out; else None."""
    written = Path(os.path.normpath(root / path))
    return outside(written, root) if written.is_relative_to(root) else None


def links_out(paths: Iterable[Path], root: Path) -> Iterator[tuple[Path, Path]]:
    """Links at, or below, paths that a build writes to, with where they lead out to.

    A link at the path of a published Parquet file is none of them: DVC may make such, to its cache, and nobody writes
    through it, as files are replaced by renaming.
    """
    for path in paths:
        way = hidden_way_out(path, root)
        if way is not None:
            yield path, way
        elif path.is_dir():
            yield from _below(path, root)


def _below(folder: Path, root: Path) -> Iterator[tuple[Path, Path]]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda e: e.name)
    for entry in found:
        if entry.is_symlink():
            way = outside(Path(entry.path), root)
            if way is not None and not (entry.name.endswith(".parquet") and entry.is_file()):
                yield Path(entry.path), way
        elif entry.is_dir(follow_symlinks=False):
            yield from _below(Path(entry.path), root)


def refuse_links_out(paths: Iterable[Path], root: Path) -> None:
    """Raises SynthError, naming the first link, where a path that is written to lies behind one."""
    for link, way in links_out(paths, root):
        raise SynthError(f"{link} is a link to {way}, outside the project", hint=HINT)
