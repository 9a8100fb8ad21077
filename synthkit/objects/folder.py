"""Objects in a folder of this machine, or of a file system that several share: files, each whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from synthkit.errors import BuildError
from synthkit.files import TEMPORARY, explained, replacing, sync_directory, sync_file, temporary_beside
from synthkit.objects.objects import Object

_LINKLESS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP)
_HOW = "publish to a folder on another one: by a link it is known which of several builds was first"


@dataclass(frozen=True)
class Folder:
    """The files below a folder, as :class:`~synthkit.objects.objects.Objects`."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def url(self, key: str) -> str:
        return str(self.path / key)

    def get(self, key: str) -> bytes | None:
        with self._read(key):
            try:
                return (self.path / key).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def head(self, key: str) -> Object | None:
        with self._read(key):
            try:
                found = (self.path / key).stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return Object(key, found.st_size, None, datetime.fromtimestamp(found.st_mtime, UTC))

    def list(self, folder: str) -> Iterator[Object]:
        with self._read(folder):
            names = sorted(self._names(self.path / folder))
        for name in names:
            found = self.head(name)
            if found is not None:  # removed meanwhile
                yield found

    def _names(self, folder: Path) -> Iterator[str]:
        for root, _, files in os.walk(folder, onerror=_unless_gone):
            here = Path(root).relative_to(self.path)
            yield from ((here / name).as_posix() for name in files if not name.startswith(TEMPORARY))

    def first(self, folder: str) -> Object | None:
        return next(self.list(folder), None)

    def put(self, key: str, data: bytes) -> None:
        with replacing(self.path / key) as temporary:
            temporary.write_bytes(data)

    def upload(self, key: str, file: Path) -> None:
        with replacing(self.path / key) as temporary:
            shutil.copyfile(file, temporary)

    def create(self, key: str, data: bytes) -> bool:
        """As a bucket does: an answer may be lost, so what lies there is looked at; ``data`` is this writer's alone."""
        return self._linked(key, data) or self.get(key) == data

    def creates_twice(self, key: str, data: bytes) -> bool:
        return self._linked(key, data)

    def _linked(self, key: str, data: bytes) -> bool:
        """A file gets its name by a link, which only the first of several makes."""
        path = self.path / key
        temporary = temporary_beside(path)
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(data)
                sync_file(temporary)
                os.link(temporary, path)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _LINKLESS:
                    raise
                raise BuildError(f"the file system of {path.parent} has no hard links", hint=_HOW) from None
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
            sync_directory(path.parent)
        return True

    def download(self, key: str, to: Path) -> None:
        with self._read(key):
            shutil.copyfile(self.path / key, to)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            with explained(self.path / key):
                (self.path / key).unlink(missing_ok=True)

    @contextmanager
    def _read(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = "look at the path"
            raise BuildError(f"cannot read {self.path / key}: {error.strerror or error}", hint=hint) from error


def _unless_gone(error: OSError) -> None:
    """A folder that cannot be read is none that is empty."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
