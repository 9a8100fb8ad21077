"""Packages of macros and SQL audits: what ``packages.yml`` asks for, and what of it is installed.

``synth deps`` (:mod:`synthkit.packages`) copies what is taken of each package to ``synth_packages/NAME`` and writes
``package-lock.yml``, which is committed. Here is only read: a package that is not there, or whose files are not those
that were locked, is a fault with its place, and nothing of it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from synthkit.errors import Fault, Location, SynthError
from synthkit.project.addresses import LocalPath, without_password
from synthkit.project.containment import HINT, hidden_way_out
from synthkit.project.faults import parameter_faults
from synthkit.project.load import SqlFile
from synthkit.project.packagefiles import NEEDS, VERSION, Folder, Taken, inside, sql_below, take
from synthkit.project.spec import Origin, Spec
from synthkit.project.yamlfile import Document, parse_file

FILE = NEEDS
LOCK = "package-lock.yml"
FOLDER = "synth_packages"
RUN = "run synth deps"
PROTOCOLS = ("https", "ssh", "file")
PASSWORD = "the URL has a password in it"
USER = "the URL has a user's name in it, which may be a token"
QUERY = "the URL has a part that begins with ? or #"
UNSHOWN = (PASSWORD, USER, QUERY)  # there may be a secret in it, so the line is not shown
HASH = "^[0-9a-f]{40}(?:[0-9a-f]{24})?$"  # of a commit
_SCP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9_][A-Za-z0-9_.-]*:[^:\s][^\s]*")


class PackageSpec(Spec):
    """A package of macros and SQL audits: a git repository at one commit, or a folder.

    Args:
        git: the URL of a repository: https, ssh or file.
        revision: the full hash of a commit; a branch or a tag may be another one tomorrow.
        subdirectory: the package's folder in the repository; default: its top.
        local: the package's folder on this machine, seen from the project.
    """

    git: str | None = None
    revision: str | None = None
    subdirectory: str | None = None
    local: LocalPath | None = None

    def __str__(self) -> str:
        if self.git is None:
            return str(self.local)
        below = f"/{self.subdirectory}" if self.subdirectory else ""
        return f"{without_password(self.git)}{below}"

    @property
    def repository(self) -> tuple[str, str]:
        """What tells packages of git apart, whatever their revision."""
        return (self.git or "").removesuffix("/").removesuffix(".git"), (self.subdirectory or "").rstrip("/")


class PackagesSpec(Spec):
    """The packages of a project, in ``packages.yml``.

    Args:
        packages: of git, or folders.
    """

    packages: tuple[PackageSpec, ...] = ()


class LockedSpec(PackageSpec):
    """A package as it was installed.

    Args:
        name: by which its macros and audits are called.
        sha256: of its files.
    """

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    def is_of(self, asked: PackageSpec) -> bool:
        return all(getattr(self, key) == getattr(asked, key) for key in PackageSpec.model_fields)


class LockSpec(Spec):
    """``package-lock.yml``.

    Args:
        version: of what is taken of a package.
        packages: as they were installed.
    """

    version: int = VERSION
    packages: tuple[LockedSpec, ...] = ()


@dataclass(frozen=True)
class Package:
    """An installed package.

    Args:
        macros: file → text.
        audits: ``package.name`` → file.
        asked: where ``packages.yml`` asks for it.
    """

    name: str
    sha256: str
    macros: Mapping[Path, str]
    audits: Mapping[str, SqlFile]
    asked: Origin


def asked_for(root: Path, faults: list[Fault]) -> tuple[PackageSpec, ...]:
    """What ``packages.yml`` asks for; what is wrong with it goes to ``faults``."""
    if not (root / FILE).is_file():
        return ()
    document = parse_file(root / FILE)
    return of_document(document, faults)


def of_document(document: Document, faults: list[Fault]) -> tuple[PackageSpec, ...]:
    """The packages that a file lists, each with its place; the faulty ones are left out."""
    faults.extend(document.faults)
    raw, origin = document.value, document.origin()
    if raw is None:
        return ()
    listed = raw.get("packages") if isinstance(raw, Mapping) else None
    if not isinstance(listed, list):
        faults.append(Fault("the file must list packages", origin.at(), hint="start with packages:, each with a dash"))
        return ()
    for key in raw.keys() - {"packages"}:
        faults.append(Fault(f"unknown key {key!r} in {FILE}", origin.at(key, key=True), str(key), "drop it"))
    found = []
    for index, item in enumerate(listed):
        before = len(faults)
        spec = _package(item, document.origin(("packages", index)), faults)
        if spec is not None and len(faults) == before:
            found.append(spec)
    return tuple(found)


def _package(item: Any, origin: Origin, faults: list[Fault]) -> PackageSpec | None:
    if not isinstance(item, Mapping):
        hint = "write - {git: URL, revision: HASH}, or - {local: FOLDER}"
        faults.append(Fault("a package must be a mapping", origin.at(), str(item), hint))
        return None
    if "package" in item or "tarball" in item:
        key = "package" if "package" in item else "tarball"
        hint = "name its repository: git: URL, revision: the full hash of a commit"
        faults.append(Fault(f"there is no hub of packages here, so no {key}:", origin.at(key, key=True), key, hint))
        return None
    try:
        spec = PackageSpec.model_validate(dict(item))
    except ValidationError as error:
        faults.extend(parameter_faults(error, PackageSpec, origin, (), "a package"))
        return None
    spec._origin = origin
    faults.extend(wrong(spec))
    return spec


def wrong(spec: PackageSpec) -> list[Fault]:
    """What is wrong with how a package is named; the revision apart (:func:`unpinned`)."""
    where, hint = spec.origin.at(), "write git: URL with revision: HASH, or local: FOLDER"
    if (spec.git is None) == (spec.local is None):
        both = "both git: and local:" if spec.git is not None else "neither git: nor local:"
        return [Fault(f"a package names {both}", where, hint=hint)]
    if spec.local is not None:
        said = [k for k in ("revision", "subdirectory") if getattr(spec, k) is not None]
        return [Fault(f"{k}: is of a package of git", spec.origin.at(k, key=True), k, f"drop {k}") for k in said]
    faults = []
    reason = refused_url(spec.git or "")
    if reason is not None:
        place = spec.origin.at("git")
        if reason[0] in UNSHOWN:
            faults.append(Fault(f"line {place.line}: {reason[0]}", Location(place.file), hint=reason[1]))
        else:
            faults.append(Fault(reason[0], place, spec.git, reason[1]))
    if spec.subdirectory is not None and not inside(spec.subdirectory):
        where = spec.origin.at("subdirectory")
        hint = "a path below its top, as in subdirectory: packages/macros"
        faults.append(Fault("subdirectory: is no folder of the repository", where, spec.subdirectory, hint))
    if spec.revision is not None and spec.revision.startswith("-"):
        where = spec.origin.at("revision")
        faults.append(
            Fault("git would take this revision for an option", where, spec.revision, "write a commit's hash")
        )
    return faults


def refused_url(url: str) -> tuple[str, str] | None:
    """Why a URL of a repository is not taken, and what to write; None where it is."""
    if "{{" in url or "{%" in url:
        return "packages.yml is read without Jinja", "write the URL out; who may read it is known to git's own helpers"
    if url.startswith("-") or re.search(r"[\s\x00-\x1f\x7f]", url):
        return "git would take this URL for something else", "write https://host/path.git"
    if _SCP.fullmatch(url):
        return None
    scheme, separator, rest = url.partition("://")
    if not separator or "::" in scheme:
        hint = "write local: for a folder; https://host/path.git or git@host:path.git for a repository"
        return "this is no URL of a repository", hint
    if scheme not in PROTOCOLS:
        return f"packages do not come by {scheme}:", f"take one of {', '.join(PROTOCOLS)}"
    try:
        parts = urlsplit(url)
        user, password, host = parts.username, parts.password, parts.hostname or ""
    except ValueError:
        return "this is no URL of a repository", "write https://host/path.git"
    if password is not None:
        return PASSWORD, "leave it out: git asks its credential helper, or your ssh key is taken"
    if scheme == "https" and user is not None:
        return USER, "leave it out: git asks its credential helper who you are"
    if scheme == "https" and (parts.query or parts.fragment):
        return QUERY, "leave it out: git asks its credential helper who you are"
    if host.startswith("-") or rest.startswith("-") or (scheme != "file" and not host):
        return "the URL names no host", "write https://host/path.git"
    return None


def unpinned(spec: PackageSpec) -> bool:
    """Whether a package of git names no commit."""
    return spec.git is not None and not re.fullmatch(HASH, spec.revision or "")


def read_lock(root: Path, faults: list[Fault]) -> LockSpec:
    """What ``package-lock.yml`` says; empty where there is none."""
    if not (root / LOCK).is_file():
        return LockSpec()
    document = parse_file(root / LOCK)
    faults.extend(document.faults)
    try:
        return LockSpec.model_validate(document.value)
    except ValidationError:
        faults.append(Fault("this is no lock of packages", Location(root / LOCK, 1, 1), hint=f"remove it, and {RUN}"))
        return LockSpec()


def installed(root: Path, taken: Iterable[str], faults: list[Fault]) -> tuple[Package, ...]:
    """The packages of a project that are installed as they are locked.

    Args:
        taken: names that no package may have, as Jinja or the project has them already.
    """
    asked = asked_for(root, faults)
    if not asked:
        return ()
    lock = read_lock(root, faults)
    if lock.version != VERSION:
        message = f"it was written by another version of synthkit (version {lock.version}, not {VERSION})"
        faults.append(Fault(message, Location(root / LOCK, 1, 1), hint=RUN))
        return ()
    found: dict[str, Package] = {}
    names = {*taken}
    for spec in asked:
        try:
            package = _installed(root, spec, lock)
        except SynthError as error:
            faults.append(Fault(error.message, spec.origin.at(), str(spec), error.hint or RUN))
            continue
        except OSError as error:
            faults.append(Fault(f"{error.filename}: {error.strerror}", spec.origin.at(), str(spec), RUN))
            continue
        if package.name in names:
            hint = "rename the macro, or ask for another package"
            what = "another package" if package.name in found else "a macro, or of what Jinja has here"
            faults.append(Fault(f"{package.name!r} is the name of {what}", spec.origin.at(), str(spec), hint))
            continue
        names.add(package.name)
        found[package.name] = package
    return tuple(found.values())


def _installed(root: Path, spec: PackageSpec, lock: LockSpec) -> Package:
    """Raises SynthError where it is not there as it is locked."""
    if unpinned(spec):
        said = "no revision" if spec.revision is None else f"the revision {spec.revision!r}, which is no full hash"
        raise SynthError(f"the package names {said}", hint=f"{RUN}: it says which commit that is now")
    locked = next((entry for entry in lock.packages if entry.is_of(spec)), None)
    if locked is None:
        raise SynthError(f"the package is not in {LOCK}", hint=f"{RUN}, and commit {LOCK}")
    folder = root / FOLDER / locked.name
    if (root / FOLDER).is_symlink() or folder.is_symlink() or not folder.is_dir():
        raise SynthError(f"the package {locked.name!r} is not installed")
    copied = take(Folder(folder, f"{FOLDER}/{locked.name}"))
    if copied.digest != locked.sha256 or copied.name != locked.name:
        hint = f"{RUN}: it brings back what was locked; what shall change is changed in the package itself"
        raise SynthError(f"the files in {FOLDER}/{locked.name} are not those that {LOCK} has", hint=hint)
    theirs = local_folder(root, spec)
    if theirs is not None and theirs.is_dir() and take(Folder(theirs, spec.local)).digest != copied.digest:
        raise SynthError(
            f"the package {locked.name!r} has changed since it was installed", hint=f"{RUN} to take it over"
        )
    return _read(folder, copied, spec)


def local_folder(root: Path, spec: PackageSpec) -> Path | None:
    """The folder of a ``local:`` package, whether it is there or not; None of one of git.

    Raises SynthError where a link takes it out of the project in which it seems to lie.
    """
    if spec.local is None:
        return None
    way = hidden_way_out(Path(spec.local), root)
    if way is not None:
        raise SynthError(f"{spec.local} is a link to {way}, outside the project", spec.origin.at("local"), HINT)
    return root / spec.local


def _read(folder: Path, copied: Taken, spec: PackageSpec) -> Package:
    """Of the bytes that were held against the lock: what lies in the folder may be more, or another by now."""
    macros = {f.file: f.text for f in _sql(folder, copied, copied.paths.macros)}
    audits = {f.name: f for f in _sql(folder, copied, copied.paths.audits)}
    return Package(copied.name, copied.digest, macros, audits, spec.origin)


def _sql(folder: Path, copied: Taken, folders: Sequence[str]) -> tuple[SqlFile, ...]:
    """The SQL files of some folders of a package. Raises SynthError for two of one name, and for what is no UTF-8."""
    found: dict[str, SqlFile] = {}
    for path in sorted(sql_below(copied.files, folders)):
        name = f"{copied.name}.{PurePosixPath(path).stem}"
        hint = "ask its author, or take another revision"
        if name in found:
            raise SynthError(f"{folder / path}: {name!r} is also in {found[name].file}", hint=hint)
        try:
            text = copied.files[path].decode("utf-8")
        except UnicodeDecodeError:
            raise SynthError(f"{folder / path} is not UTF-8", hint=hint) from None
        found[name] = SqlFile(name, folder / path, text, copied.name)
    return tuple(found.values())
