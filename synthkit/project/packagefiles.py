"""What is taken of a package: its name, its macros and its SQL audits, and nothing that could run by itself.

A package is a folder with a ``synth_project.yml``, as a project is. Of that its name and its ``paths:`` count; of its
files the SQL below ``macros/`` and ``audits/``, with what its licence asks to go along. Models, data and Python stay
behind: a package of Python is installed by pip and found by entry points.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol

from synthkit.errors import SynthError
from synthkit.project.projectfile import PathsSpec
from synthkit.project.yamlfile import Document, parse_text

DESCRIPTION = "synth_project.yml"
NEEDS = "packages.yml"
VERSION = 1  # of what is taken: raise it when the same package comes to other files
MOST_FILES = 1_000
MOST_BYTES = 8_388_608
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*")
_BESIDE = re.compile(r"(?:LICEN[CS]E|COPYING|NOTICE|README)(?:\.(?:md|txt|rst))?")
_SMALLER = "a package of macros and audits is small: ask its author to leave out what is none"


@dataclass(frozen=True)
class Entry:
    """A name in a tree of files; ``size`` in bytes."""

    kind: Literal["file", "link", "submodule"]
    size: int = 0


class Tree(Protocol):
    """Files by their path from the top, with ``/`` between its parts: a folder, or a commit."""

    @property
    def label(self) -> str: ...

    @property
    def entries(self) -> Mapping[str, Entry]: ...

    def read(self, paths: Sequence[str]) -> dict[str, bytes]: ...


@dataclass(frozen=True)
class Taken:
    """What is taken of a package.

    Args:
        name: of the package, by which its macros and audits are called.
        files: path → content.
        paths: its folders of macros and audits.
        left: what else it has, in words.
        needs: the text of its own ``packages.yml``.
    """

    name: str
    files: Mapping[str, bytes]
    paths: PathsSpec
    left: tuple[str, ...] = ()
    needs: bytes | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of what ``sha256sum`` prints of the files, in the order of their names."""
        lines = (f"{hashlib.sha256(self.files[p]).hexdigest()}  {p}\n" for p in sorted(self.files))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


class Folder:
    """The files below a folder; links are told, and not followed."""

    def __init__(self, root: Path, label: str | None = None) -> None:
        self.root, self._label = root, label

    @property
    def label(self) -> str:
        return self._label or str(self.root)

    @property
    def entries(self) -> Mapping[str, Entry]:
        return dict(_walk(self.root, ""))

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        return {path: (self.root / path).read_bytes() for path in paths}


def _walk(folder: Path, before: str) -> Iterator[tuple[str, Entry]]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda e: e.name)
    for entry in entries:
        path = f"{before}{entry.name}"
        if entry.is_symlink():
            yield path, Entry("link")
        elif entry.is_dir(follow_symlinks=False):
            if entry.name not in (".git", "synth_packages", "target"):
                yield from _walk(Path(entry.path), f"{path}/")
        elif entry.is_file(follow_symlinks=False):
            yield path, Entry("file", entry.stat(follow_symlinks=False).st_size)


def take(tree: Tree) -> Taken:
    """What is taken of a package. Raises SynthError where it is none, or would bring what no package may."""
    entries = tree.entries
    if entries.get(DESCRIPTION) is None:
        hint = f"name its folder by subdirectory:, or write a {DESCRIPTION} with a name: into it"
        raise SynthError(f"{tree.label} is no package: it has no {DESCRIPTION}", hint=hint)
    _refuse_others(tree, entries, (DESCRIPTION, NEEDS))
    for path in (DESCRIPTION, NEEDS):
        if path in entries and entries[path].size > MOST_BYTES:
            raise SynthError(f"{tree.label}: {path} has more than {MOST_BYTES:,} bytes", hint=_SMALLER)
    name, paths = _description(tree)
    both = (*paths.macros, *paths.audits)
    folders = _folders(both)
    chosen = [p for p in entries if p == DESCRIPTION or _BESIDE.fullmatch(p)]
    sql = sql_below(entries, both)
    _refuse_others(tree, entries, (*chosen, *(p for p in entries if p.startswith(folders)), *(f[:-1] for f in folders)))
    for path in sql:
        if not all(_PART.fullmatch(part) for part in path.split("/")):
            raise SynthError(
                f"{tree.label} has a file of the name {path!r}, which is not taken", hint="rename it there"
            )
    if not sql:
        hint = "packages bring macros/*.sql and audits/*.sql; generators, audits and readers in Python come by pip"
        raise SynthError(f"{tree.label} has neither macros nor SQL audits", hint=hint)
    if len(chosen) + len(sql) > MOST_FILES or sum(entries[p].size for p in (*chosen, *sql)) > MOST_BYTES:
        most = f"more than {MOST_FILES:,} files, or than {MOST_BYTES:,} bytes of them"
        raise SynthError(f"{tree.label} brings {most}", hint=_SMALLER)
    needs = tree.read([NEEDS])[NEEDS] if NEEDS in entries else None
    return Taken(name, tree.read([*chosen, *sql]), paths, _left(entries, {*chosen, *sql}), needs)


def sql_below(paths: Iterable[str], folders: Sequence[str]) -> list[str]:
    """The SQL files below some folders of a package."""
    return [p for p in paths if p.endswith(".sql") and p.startswith(_folders(folders))]


def _folders(written: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{PurePosixPath(folder)}/" for folder in written)


def _refuse_others(tree: Tree, entries: Mapping[str, Entry], paths: Sequence[str]) -> None:
    """A link stands for something else, perhaps outside the package; a submodule is another repository."""
    for path in paths:
        for found in (path, *(str(p) for p in PurePosixPath(path).parents)):
            kind = entries[found].kind if found in entries else "file"
            if kind != "file":
                raise SynthError(f"{tree.label}: {found} is a {kind}, and none is followed", hint="put the files there")


def _description(tree: Tree) -> tuple[str, PathsSpec]:
    document = Document(Path(tree.label) / DESCRIPTION)
    text = tree.read([DESCRIPTION])[DESCRIPTION].decode("utf-8", "replace")
    parse_text(text, document)
    for fault in document.faults:
        raise SynthError(fault.message, fault.where, fault.hint)
    raw: Mapping[str, Any] = document.value if isinstance(document.value, Mapping) else {}
    origin = document.origin()
    name = raw.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        hint = "letters, digits and _, as in name: acme_utils"
        raise SynthError(f"the package's name is {name!r}, by which nothing can be called", origin.at("name"), hint)
    written = raw.get("paths")
    folders: dict[str, tuple[str, ...]] = {}
    for key in ("macros", "audits"):
        given = written.get(key) if isinstance(written, Mapping) else None
        listed = [given] if isinstance(given, str) else given
        if listed is None:
            continue
        if not isinstance(listed, list) or not all(isinstance(f, str) and inside(f) for f in listed):
            where = origin.at("paths", key)
            raise SynthError(f"paths: {key}: of a package are folders in it", where, f"write {key}: [{key}]")
        folders[key] = tuple(listed)
    return name, PathsSpec(**folders)


def inside(folder: str) -> bool:
    """Whether a path reads as one of a folder below, which no part of it leaves."""
    return bool(folder) and all(_PART.fullmatch(part) for part in folder.rstrip("/").split("/"))


def _left(entries: Mapping[str, Entry], taken: set[str]) -> tuple[str, ...]:
    """What a reader of its page may expect to come along, and does not."""
    others = [p for p in entries if p not in taken]
    found = (
        ("Python files", sum(p.endswith(".py") for p in others)),
        ("files of models", sum(p.startswith("models/") for p in others)),
    )
    return tuple(f"{what} ({count})" for what, count in found if count)
