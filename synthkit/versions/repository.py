"""The only module that imports DVC, whose Python interface may change: objects in its cache, and on a remote.

An object is a file named by its MD5. That it is tracked follows from the pointers that git keeps
(:mod:`synthkit.versions.pointer`); who holds only those gets the files by ``dvc pull``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import SynthError

if TYPE_CHECKING:
    from dvc.repo import Repo


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
        with _explained("DVC cannot say which objects are used", "run dvc status there"), self._dvc.lock:
            found = self._dvc.used_objs(all_branches=True, all_tags=True, all_commits=history, force=True)
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

    def fetch(self, objects: Iterable[str], remote: str | None = None) -> int:
        """Copy objects from a remote into the cache. Returns how many it lacked. Raises SynthError as ``push`` does."""
        return self._moved("pull", objects, remote)

    def _moved(self, how: str, objects: Iterable[str], remote: str | None) -> int:
        from dvc_data.hashfile.hash_info import HashInfo

        wanted = [HashInfo("md5", md5) for md5 in dict.fromkeys(objects)]
        with _explained(
            f"dvc {how} failed", "name a remote: dvc remote add -d NAME URL; for s3://, pip install dvc-s3"
        ):
            done = getattr(self._dvc.cloud, how)(wanted, remote=remote)
            lacking = [h.value for h in done.failed]
            if how == "pull":
                lacking = [h.value for h in wanted if self.cached(str(h.value)) is None]
        if lacking:
            where = "the cache" if how == "push" else "the remote"
            raise SynthError(
                f"{len(lacking)} of {len(wanted)} tables are not in {where}: {', '.join(map(str, lacking[:3]))}",
                hint="whoever built them runs synth push" if how == "pull" else "run synth pull first",
            )
        return len(done.transferred)

    @cached_property
    def _dvc(self) -> Repo:
        from dvc.repo import Repo

        with _explained(f"DVC cannot open {self.root}", "run dvc doctor there"):
            for name in ("dvc", "dvc_data", "dvc_objects"):
                logging.getLogger(name).setLevel(logging.ERROR)
            repo: Repo = Repo(str(self.root))
            return repo


def find_repository(start: Path) -> Repository | str:
    """The repository that a folder lies in, or in one sentence why versions are off there. Reads no more than paths."""
    git = next((p for p in (start, *start.parents) if (p / ".git").exists()), None)
    if git is None:
        return "versions are off: this is no git repository (git init, dvc init, and build again)"
    for folder in (start, *start.parents):
        if (folder / ".dvc" / "config").is_file():
            return Repository(folder)
        if folder == git:
            break
    return "versions are off: DVC is not set up in this git repository (dvc init, commit, and build again)"


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
