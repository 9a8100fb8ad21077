"""Install packages: copy what is taken of each to ``synth_packages/``, and lock its content.

A package that is there as it is locked is left alone, without a network. One of git has the same files whenever its
commit is the same; if not, nothing is installed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from synthkit.errors import ConfigurationError, Fault, SynthError
from synthkit.files import put_over, remove, temporary_folder, write_text_atomic
from synthkit.packages.git import fetched, pin_for
from synthkit.project.containment import refuse_links_out
from synthkit.project.packagefiles import NEEDS, VERSION, Folder, Taken, Tree, take
from synthkit.project.packages import (
    FILE,
    FOLDER,
    LOCK,
    LockedSpec,
    LockSpec,
    PackageSpec,
    asked_for,
    local_folder,
    of_document,
    read_lock,
    unpinned,
)
from synthkit.project.render import NAMES
from synthkit.project.yamlfile import Document, parse_text

_HEAD = "# Written by synth deps; commit it. A package whose files are not these is not used.\n"
Change = Literal["installed", "updated", "kept", "removed"]


@dataclass(frozen=True)
class Installed:
    """A package, and what was done with it.

    Args:
        source: the repository, or the folder.
        revision: of the repository.
        sha256: of its files.
        files: how many.
        left: what else the package has, and nobody takes.
    """

    name: str
    source: str
    revision: str | None
    sha256: str
    change: Change
    files: int = 0
    left: tuple[str, ...] = ()


def install(root: Path, *, locked: bool = False) -> tuple[Installed, ...]:
    """Install what ``packages.yml`` of a project asks for.

    Args:
        locked: raise where ``package-lock.yml`` would have to change.

    Raises:
        ConfigurationError: what is asked for is not written as it must be.
        SynthError: a package cannot be had, is none, or is not what was locked.
    """
    refuse_links_out([root / FOLDER, root / LOCK], root)
    if (root / FOLDER).is_symlink():
        raise SynthError(f"{FOLDER} is a link, and nothing is installed through one", hint="remove it")
    faults: list[Fault] = []
    asked = asked_for(root, faults)
    faults += [_pin(spec) for spec in asked if unpinned(spec)]
    before = read_lock(root, faults)
    if faults:
        raise ConfigurationError(faults)
    if not asked and not before.packages:
        return ()
    known = (
        {} if before.version != VERSION else {i: e for i, s in enumerate(asked) for e in before.packages if e.is_of(s)}
    )
    found = [_found(root, spec, known.get(index), asked) for index, spec in enumerate(asked)]
    _check_names(found)
    entries = [_entry(spec, taken) for spec, taken in found]
    if locked and (entries != [*before.packages] or before.version != VERSION):
        hint = f"run synth deps without --locked, and commit {LOCK}"
        raise SynthError(f"{LOCK} is not what {FILE} comes to", hint=hint)
    done = tuple(_put(root, spec, taken, before) for spec, taken in found)
    gone = [e for e in before.packages if e.name not in {d.name for d in done}]
    for entry in gone:
        remove(root / FOLDER / entry.name)
    if entries != [*before.packages] or before.version != VERSION:
        write_text_atomic(root / LOCK, _lock_text(entries))
    return (*done, *(Installed(e.name, str(e), e.revision, e.sha256, "removed") for e in gone))


def _pin(spec: PackageSpec) -> Fault:
    """What to write in place of a branch, a tag, or nothing."""
    where = spec.origin.at() if spec.revision is None else spec.origin.at("revision")
    said = "no revision is given" if spec.revision is None else f"the revision {spec.revision!r} is no full hash"
    try:
        sha = pin_for(spec)
    except SynthError as error:
        return Fault(f"{said}, and {error.message}", where, spec.revision, error.hint)
    if sha is None:
        return Fault(
            f"{said}, and {spec} has no such branch or tag", where, spec.revision, "write a commit's full hash"
        )
    return Fault(
        f"{said}: what it is now may be something else tomorrow", where, spec.revision, f"write revision: {sha}"
    )


def _found(
    root: Path, spec: PackageSpec, entry: LockedSpec | None, asked: Sequence[PackageSpec]
) -> tuple[PackageSpec, Taken]:
    """What is taken of a package. One of git that is here as it is locked is not fetched again."""
    if entry is not None and spec.git is not None:
        here = _copied(root / FOLDER / entry.name)
        if here is not None and here.digest == entry.sha256:
            return spec, here
    try:
        with _tree(root, spec) as tree:
            taken = take(tree)
    except SynthError as error:
        raise SynthError(error.message, error.where or spec.origin.at(), error.hint) from None
    if entry is not None and spec.git is not None and taken.digest != entry.sha256:
        message = f"{spec} has other files at {spec.revision} than {LOCK} has"
        raise SynthError(message, spec.origin.at(), f"find out why; where it is well, remove its entry from {LOCK}")
    _check_needs(root, spec, taken, asked)
    return spec, taken


@contextmanager
def _tree(root: Path, spec: PackageSpec) -> Iterator[Tree]:
    folder = local_folder(root, spec)
    if folder is None:
        with fetched(spec) as commit:
            yield commit
        return
    if not folder.is_dir():
        raise SynthError(f"there is no folder {spec.local}", spec.origin.at("local"), "correct local:")
    yield Folder(folder.resolve(), spec.local)


def _copied(folder: Path) -> Taken | None:
    """What is installed there; None where that is no package any more."""
    try:
        return None if folder.is_symlink() or not folder.is_dir() else take(Folder(folder))
    except SynthError:
        return None


def _check_needs(root: Path, spec: PackageSpec, taken: Taken, asked: Sequence[PackageSpec]) -> None:
    """A package may need others; each is listed by the project itself, so that one file says all that is used."""
    if taken.needs is None:
        return
    document = parse_text(taken.needs.decode("utf-8", "replace"), Document(Path(str(spec)) / NEEDS))
    faults: list[Fault] = []
    needed = of_document(document, faults)
    if faults:
        raise SynthError(f"the package {taken.name!r}: {faults[0].message}", faults[0].where, "ask its author")
    listed = {other.repository for other in asked if other.git is not None}
    folders = {(root / other.local).resolve() for other in asked if other.local is not None}
    lines = []
    for other in needed:
        if other.git is not None:
            if other.repository not in listed:
                at = f", revision: {other.revision}" if other.revision else ""
                below = f", subdirectory: {other.subdirectory}" if other.subdirectory else ""
                lines.append(f'- {{git: "{other.git}"{at}{below}}}')
        elif spec.local is None:
            message = f"the package {taken.name!r} needs {other.local}, a folder that its repository does not give"
            raise SynthError(message, spec.origin.at(), "ask its author to name a repository")
        elif (root / spec.local / str(other.local)).resolve() not in folders:
            lines.append(f"- {{local: {PurePosixPath(spec.local) / str(other.local)}}}")
    if lines:
        message = f"the package {taken.name!r} needs what {FILE} does not list"
        raise SynthError(message, spec.origin.at(), f"add to {FILE}: {' '.join(lines)}")


def _check_names(found: Sequence[tuple[PackageSpec, Taken]]) -> None:
    first: dict[str, PackageSpec] = {}
    faults = []
    for spec, taken in found:
        if taken.name in first:
            message = f"two packages have the name {taken.name!r}: {first[taken.name]} and {spec}"
            faults.append(Fault(message, spec.origin.at(), str(spec), "drop one of them"))
        elif taken.name in NAMES:
            message = f"a package cannot have the name {taken.name!r}, which is Jinja's"
            faults.append(Fault(message, spec.origin.at(), str(spec), "ask its author for another name"))
        first.setdefault(taken.name, spec)
    if faults:
        raise ConfigurationError(faults)


def _entry(spec: PackageSpec, taken: Taken) -> LockedSpec:
    return LockedSpec(name=taken.name, sha256=taken.digest, **spec.model_dump())


def _put(root: Path, spec: PackageSpec, taken: Taken, before: LockSpec) -> Installed:
    """Make the folder of a package what is taken of it: whole, or as it was."""
    final = root / FOLDER / taken.name
    here = _copied(final)
    files = len(taken.files)
    if here is not None and here.digest == taken.digest and here.name == taken.name:
        return Installed(taken.name, str(spec), spec.revision, taken.digest, "kept", files, taken.left)
    (root / FOLDER).mkdir(exist_ok=True)
    write_text_atomic(root / FOLDER / ".gitignore", "*\n")
    with temporary_folder(final) as made:
        for path, content in taken.files.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).write_bytes(content)
        made.chmod(0o755)
        if final.is_symlink() or final.is_file():
            final.unlink()
        put_over(made, final)
    known = any(entry.name == taken.name for entry in before.packages)
    change: Change = "updated" if known and here is not None else "installed"
    return Installed(taken.name, str(spec), spec.revision, taken.digest, change, files, taken.left)


def _lock_text(entries: Sequence[LockedSpec]) -> str:
    """Each value in quotes: of a hash of digits YAML would make a number."""
    lines = [f"version: {VERSION}", "packages:" if entries else "packages: []"]
    for entry in entries:
        said = {"name": entry.name, **entry.model_dump(exclude_none=True, exclude={"name"})}
        written = (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in said.items())
        lines.append("  - " + "\n    ".join(written))
    return _HEAD + "\n".join(lines) + "\n"
