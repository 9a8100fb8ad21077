"""Files that are whole or not there: written beside, flushed to disk, renamed over."""

from __future__ import annotations

import errno
import glob
import json
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from synthkit.errors import BuildError

TEMPORARY = ".tmp-"
_SCRATCH = "synthkit"  # what folders of the system's scratch are named after, beside
RETENTION = 24 * 3600.0  # seconds that what another machine left unfinished is kept
_OWNED = re.compile(rf"{re.escape(TEMPORARY)}(?:(?P<host>[^-]+)-)?(?P<pid>[0-9]+)-")

_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space (synth clean removes scratch) and build again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and build again"),
    errno.EACCES: ("permission denied", "give yourself the right to write there, or choose another target"),
    errno.EPERM: ("permission denied", "give yourself the right to write there, or choose another target"),
    errno.EROFS: ("the file system is read-only", "choose a target on another file system"),
    errno.ENOTDIR: ("part of the path is a file, not a folder", "move that file out of the way"),
    errno.EEXIST: ("a file stands where a folder should be", "move that file out of the way"),
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an OSError about ``path`` into a BuildError that says what to do."""
    try:
        yield
    except OSError as error:
        reason, hint = _REASONS.get(error.errno or 0, (error.strerror or str(error), "look at the path"))
        raise BuildError(f"cannot write {path}: {reason}", hint=hint) from error


def host() -> str:
    """What this machine, or container, is called in the names of temporaries; ``SYNTH_HOST`` says it otherwise."""
    return re.sub(r"[^A-Za-z0-9.]", "_", os.environ.get("SYNTH_HOST") or socket.gethostname())


def temporary_beside(path: Path) -> Path:
    """A name in the same folder (so on the same file system) that no reader takes for data.

    It is of this machine, this process and this attempt: folders may be shared, and process numbers are not.
    """
    return path.with_name(f"{TEMPORARY}{host()}-{os.getpid()}-{secrets.token_hex(4)}-{path.name}")


@contextmanager
def temporary_folder(beside: Path) -> Iterator[Path]:
    """A folder for its owner alone, of such a name, that is gone when the block ends."""
    folder = temporary_beside(beside)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def scratch(name: str) -> tempfile.TemporaryDirectory[str]:
    """A folder of the system's scratch for rows that are read again while a job runs, for its owner alone.

    Those that killed processes of this machine left go first: real rows may lie in them.
    """
    with suppress(OSError):  # somebody else's, whom the system's scratch is for as well
        clean_temporaries(Path(tempfile.gettempdir()), f"{_SCRATCH}-*")
    return tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}{host()}-{os.getpid()}-{_SCRATCH}-{name}-")


def put_first(temporary: Path, final: Path) -> bool:
    """Make a folder that is whole ``final``, unless there is one already; whether it was the first. Else it is gone."""
    first = _renamed(temporary, final)
    if first:
        sync_directory(final.parent)
    else:
        shutil.rmtree(temporary, ignore_errors=True)
    return first


def put_over(temporary: Path, final: Path) -> None:
    """Make a folder that is whole ``final``; whoever looks meanwhile finds the earlier one, none, or this one."""
    while not _renamed(temporary, final):
        old = temporary_beside(final)
        with suppress(FileNotFoundError):  # somebody else was faster
            final.rename(old)
        shutil.rmtree(old, ignore_errors=True)
    sync_directory(final.parent)


def _renamed(temporary: Path, final: Path) -> bool:
    try:
        temporary.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; when the block ends well, it becomes ``path`` at once and for good."""
    temporary = temporary_beside(path)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)  # a link that lay in wait there would be written through
        try:
            yield temporary
            sync_file(temporary)
            temporary.replace(path)
            sync_directory(path.parent)
        except BaseException:
            with suppress(OSError):
                # With what a database keeps beside it: its log, and where it spilled to.
                for left in temporary.parent.glob(f"{glob.escape(temporary.name)}*"):
                    remove(left)
            raise


def write_text_atomic(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def write_json_atomic(path: Path, value: Mapping[str, Any]) -> None:
    write_text_atomic(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


Json = Mapping[str, Any]  # a JSON object, as :func:`parsed_json` gives it


def parsed_json(text: str | bytes) -> Any:
    """What JSON says. Raises ValueError for what is none, and for what is nested too deeply to be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def own_folder(folder: Path) -> None:
    """Make a folder, or an existing one, that its owner alone can look into; where the system or its owner lets us."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)


def keep_private(folder: Path) -> None:
    """Give all below a folder, and itself, to its owner alone: folders 0700, files 0600.

    A file that has a second name elsewhere keeps its rights, as that may be a published table. So do links.
    """
    if os.name != "posix":
        return
    with suppress(OSError), os.scandir(folder) as entries:
        own_folder(folder)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                keep_private(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                if status.st_nlink == 1 and status.st_mode & 0o077:
                    with suppress(OSError):  # it may be gone, or somebody else's
                        Path(entry.path).chmod(0o600)


def append_line(path: Path, line: str) -> None:
    """Append one line and flush it to disk."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())


def sync_file(path: Path) -> None:
    """Flush a file to disk, also one that may only be read, as a link to a protected file is."""
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_directory(path: Path) -> None:
    """Make a rename survive a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_file(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(path: Path) -> tuple[str, str]:
    """SHA-256 and MD5 of a file, at the same time: neither holds the interpreter's lock."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as aside:
        md5 = aside.submit(md5_file, path)
        return sha256_file(path), md5.result()


def md5_file(path: Path) -> str:
    """By which DVC names files; it says which file is meant, and protects against nobody."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def bytes_of(path: Path) -> int:
    """What a file, or all files below a folder, take; links count for themselves."""
    found = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    return sum(p.lstat().st_size for p in found if p.is_symlink() or not p.is_dir())


def remove(path: Path) -> None:
    """Remove a file, a link (not what it points to) or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def clean_temporaries(directory: Path, name: str = "*") -> int:
    """Remove what killed processes left in a folder; files of a living process stay. Returns how many.

    Args:
        name: of the one file whose unfinished copies are meant.
    """
    removed = 0
    for path in directory.glob(f"{TEMPORARY}*-{name}") if directory.is_dir() else []:
        if has_living_owner(path):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)  # where DuckDB spilled to
        else:
            path.unlink(missing_ok=True)
        removed += 1
    return removed


def has_living_owner(temporary: Path) -> bool:
    """Whether the process that a temporary is named after may still write to it.

    One of this machine is asked for. Nobody here can ask for another machine's: its temporaries are given
    :data:`RETENTION` seconds after they were last written to.
    """
    named = _OWNED.match(temporary.name)
    if named is None:
        return False
    try:
        written = temporary.lstat().st_mtime
    except FileNotFoundError:
        return False
    if named["host"] is not None and named["host"] != host():
        return time.time() - written < RETENTION
    return _alive(int(named["pid"]), written)


def _alive(pid: int, written: float) -> bool:
    """Whether a process runs that can have written something then: numbers of processes are given out again."""
    import psutil

    try:
        return bool(psutil.Process(pid).create_time() <= written + 1)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
