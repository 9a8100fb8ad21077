"""The only module that imports DVC, whose Python interface may change: objects in its cache, and on a remote.

An object is a file named by its MD5. That it is tracked follows from the pointers that git keeps
(:mod:`.pointer`); who holds only those gets the files by ``dvc pull``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import Location, SynthError
from synthkit.extras import refuse_absent
from synthkit.project.containment import VARIABLE, outside
from synthkit.store.versions.gitdir import git_directory

if TYPE_CHECKING:
    from dvc.repo import Repo

# The files of a project that configure DVC; the second is not committed, but comes with a folder that was packed.
CONFIGS = ("config", "config.local")
# Of their keys, those that say where DVC writes: the cache (by a path, or as a remote) and its own notes on files.
PLACES = (("cache", "dir"), ("cache", "local"), ("core", "site_cache_dir"))


@dataclass(frozen=True)
class Repository:
    """A git repository that DVC was initialised in.

    Args:
        root: its folder.
    """

    root: Path

    def store(self, file: Path, md5: str) -> None:
        """Put a file into the cache: a second name for the same bytes where the file system can, a copy where not.

        The file becomes read-only, as a change to it would change the version that it is.

        Raises:
            SynthError: the cache cannot be written.
        """
        with _explained("DVC cannot store the table", "look at .dvc/config and at the space on its disk"):
            cache = self._dvc.cache.local
            self._hold_back(Path(cache.oid_to_path(md5)))
            cache.add(str(file), cache.fs, md5, hardlink=True)

    def cached(self, md5: str) -> Path | None:
        """The object's file in the cache, or None. An object that is not what its name says is none."""
        from synthkit.files import md5_file

        path = Path(self._dvc.cache.local.oid_to_path(md5))
        return path if path.is_file() and md5_file(path) == md5 else None

    @property
    def shares_its_cache(self) -> bool:
        """Whether the cache lies outside the repository, where others may have put what no pointer here names."""
        return not Path(self._dvc.cache.local.path).resolve().is_relative_to(self.root.resolve())

    def used(self, *, history: bool) -> set[str]:
        """MD5s of the objects that pointers name: in the work tree and at every branch and tag, or in every commit.

        Raises:
            SynthError: DVC cannot read a pointer.
        """
        with _explained("DVC cannot say which objects are used", "run dvc status there"):
            repository = self._opened(no_scm=False)
            with repository.lock:
                found = repository.used_objs(all_branches=True, all_tags=True, all_commits=history, force=True)
        return {str(info.value) for infos in found.values() for info in infos}

    def stored(self) -> dict[str, tuple[int, float]]:
        """MD5 → size in bytes and time of last change (seconds since 1970) of the objects in the cache."""
        cache = self._dvc.cache.local
        found = {}
        for md5 in cache.all():
            status = Path(cache.oid_to_path(md5)).stat()
            found[str(md5)] = (status.st_size, status.st_mtime)
        return found

    def keep_only(self, used: Iterable[str]) -> None:
        """Remove every other object from the cache. Raises SynthError where that cannot be written."""
        self.refuse_absent()
        from dvc_data.hashfile.gc import gc
        from dvc_data.hashfile.hash_info import HashInfo

        with _explained("DVC cannot clear its cache", "look at the rights of .dvc/cache"), self._dvc.lock:
            gc(self._dvc.cache.local, [HashInfo("md5", md5) for md5 in used])

    def push(self, objects: Iterable[str], remote: str | None = None) -> int:
        """Copy objects to a remote, the default one if none is named. Returns how many it lacked.

        Raises:
            SynthError: there is no such remote, it does not answer, or an object is not in the cache.
        """
        return self._moved("push", objects, remote)

    def fetch(self, objects: Iterable[str], remote: str | None = None, pushed_by: str = "synth push") -> int:
        """Copy objects from a remote into the cache. Returns how many it lacked. Raises SynthError as ``push`` does.

        Args:
            pushed_by: the command that brings them to the remote, for whoever has them.
        """
        return self._moved("pull", objects, remote, pushed_by)

    def _moved(self, how: str, objects: Iterable[str], remote: str | None, pushed_by: str = "") -> int:
        self.refuse_absent()
        from dvc_data.hashfile.hash_info import HashInfo

        wanted = [HashInfo("md5", md5) for md5 in dict.fromkeys(objects)]
        with _explained(
            f"dvc {how} failed", "name a remote: dvc remote add -d NAME URL; for s3://, pip install dvc-s3"
        ):
            self._refuse_programs()
            for info in wanted if how == "pull" else ():
                self._hold_back(Path(self._dvc.cache.local.oid_to_path(info.value)))
            done = getattr(self._dvc.cloud, how)(wanted, remote=remote)
            lacking = [h.value for h in done.failed]
            if how == "pull":
                lacking = [h.value for h in wanted if self.cached(str(h.value)) is None]
        if lacking:
            where = "the cache" if how == "push" else "the remote"
            raise SynthError(
                f"{len(lacking)} of {len(wanted)} tables are not in {where}: {', '.join(map(str, lacking[:3]))}",
                hint=f"whoever built them runs {pushed_by}" if how == "pull" else "run synth pull first",
            )
        return len(done.transferred)

    def refuse_absent(self) -> None:
        """Raises SynthError where DVC is not installed."""
        refuse_absent("what keeps versions of tables", "dvc", where=Location(self.root / ".dvc" / CONFIGS[0]))

    def refuse_places_outside(self) -> None:
        """Raises SynthError where the project's configuration of DVC has it write outside the repository.

        What the user's own configuration says (``dvc config --global``) is the user's to say.
        """
        for file, section, key, value in self._placed():
            own = Path(value).expanduser()
            if "://" in value or (section, key) == ("cache", "local"):
                raise SynthError(f"DVC's {section}.{key} is {value}, no folder of this repository", file, _PLACE_HINT)
            way = outside(self.root / ".dvc" / own, self.root)
            if way is not None:
                raise SynthError(f"DVC's {section}.{key} is {way}, outside this repository", file, _PLACE_HINT)

    def _placed(self) -> Iterator[tuple[Location, str, str, str]]:
        for name in CONFIGS:
            for section, key, value in _settings(self.root / ".dvc" / name):
                if (section, key) in PLACES:
                    yield Location(self.root / ".dvc" / name), section, key, value

    def _refuse_programs(self) -> None:
        """Raises SynthError where the project's configuration of a remote names a program, which DVC would run."""
        for name in CONFIGS:
            for section, key, _ in _settings(self.root / ".dvc" / name):
                if section.startswith("remote") and key.endswith("_command"):
                    where = Location(self.root / ".dvc" / name)
                    hint = "whoever trusts that program names it in their own: dvc config --global"
                    raise SynthError(f"DVC's {section} names a program in {key}", where, hint)

    def _hold_back(self, file: Path) -> None:
        """Raises SynthError where a file of the cache would be written outside the repository, behind a link.

        A cache that the user's own configuration places is where it should be.
        """
        cache = Path(self._dvc.cache.local_cache_dir).resolve()
        usual = self.root / ".dvc" / "cache"
        theirs = not any(self._placed()) and cache != usual.resolve()
        way = outside(file.parent, cache if theirs else self.root)
        if way is not None:
            raise SynthError(f"DVC's cache has a link to {way}, outside this repository", hint=_PLACE_HINT)

    @cached_property
    def _dvc(self) -> Repo:
        return self._opened(no_scm=True)

    def _opened(self, *, no_scm: bool) -> Repo:
        """DVC's repository; without git (whose configuration nobody has looked at) wherever it can do without."""
        self.refuse_absent()
        from dvc.repo import Repo

        self.refuse_places_outside()
        with _explained(f"DVC cannot open {self.root}", "run dvc doctor there"):
            for name in ("dvc", "dvc_data", "dvc_objects"):
                logging.getLogger(name).setLevel(logging.ERROR)
            repo: Repo = Repo(str(self.root), config={"core": {"no_scm": no_scm}})
            return repo


def find_repository(start: Path) -> Repository | str:
    """The repository that a folder lies in, or in one sentence why versions are off there.

    Raises:
        SynthError: its ``.git`` leads elsewhere, or DVC would write outside it.
    """
    git = git_directory(start)
    if git is None:
        return "versions are off: this is no git repository (git init, dvc init, and build again)"
    for folder in (start, *start.parents):
        if (folder / ".dvc" / "config").is_file():
            found = Repository(folder)
            found.refuse_places_outside()
            return found
        if folder == git.top:
            break
    return "versions are off: DVC is not set up in this git repository (dvc init, commit, and build again)"


_PLACE_HINT = f"keep it in the repository; on a machine of yours, {VARIABLE}=FOLDER or dvc config --global allows it"


def _settings(file: Path) -> list[tuple[str, str, str]]:
    """Section, key and value of all that one of DVC's files says. Raises SynthError where it cannot be read."""
    if not file.is_file():
        return []
    from configobj import ConfigObj, ConfigObjError  # by which DVC reads them

    try:
        content = ConfigObj(str(file), encoding="utf-8", file_error=True).dict()
    except (ConfigObjError, OSError, UnicodeDecodeError) as error:
        raise SynthError(f"DVC's configuration cannot be read: {error}", Location(file), "mend it") from None
    sections = [(name.lower(), values) for name, values in content.items() if isinstance(values, Mapping)]
    return [(section, key.lower(), str(value)) for section, values in sections for key, value in values.items()]


@contextmanager
def _explained(what: str, hint: str) -> Iterator[None]:
    """DVC raises many kinds of errors, of its own and of the libraries below it."""
    try:
        yield
    except SynthError:
        raise
    except Exception as error:
        reason = _innermost(error)
        raise SynthError(f"{what}: {reason}", hint=hint) from error


def _innermost(error: BaseException) -> str:
    text: Any = str(error).splitlines()[0] if str(error) else type(error).__name__
    cause = error.__cause__
    return f"{text} ({_innermost(cause)})" if cause is not None and str(cause) and str(cause) not in str(text) else text
