"""The privacy ledger's file: what was spent of whose privacy, one line of JSON per charge, only ever appended to.

A charge is on disk before its training reads a row: :meth:`Writer.append` writes a whole line with one ``write`` and
returns after ``fsync``. So a line that is cut short (the process was killed, or the power went, while it was written)
was never trained on, and the next charge replaces it; a line that is complete but for its newline counts as charged.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synthkit.errors import BuildError, Location
from synthkit.files import explained, sync_directory
from synthkit.privacy.ledger.entries import Charge, Entry, Ledger, LedgerError, line_of, parse_ledger, sealed, sha256

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

FILE = "privacy/ledger.jsonl"  # in the project's root


class Writer:
    """An open, locked ledger. ``ledger`` is what it holds now."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path, self._handle = path, handle
        self.ledger = parse_ledger(_content(handle), path)

    def append(self, charge: Charge) -> Entry:
        """Add one entry; when this returns it is on disk.

        Raises:
            BuildError: it could not be written, so nothing may be trained.
        """
        ledger = self.ledger
        entry = sealed(Entry(charge, ledger.head, "", len(ledger.entries) + 1, ledger.heads[:-1]))
        text = line_of(entry)
        line = (b"\n" if ledger.open_line else b"") + text + b"\n"
        with explained(self.path):
            if ledger.torn:
                os.ftruncate(self._handle, ledger.end)
            written = os.write(self._handle, line)
            if written != len(line):
                os.ftruncate(self._handle, ledger.end)
                raise BuildError(f"cannot write {self.path}: only a part of the entry fitted", hint="free some space")
            os.fsync(self._handle)
            sync_directory(self.path.parent)
            sync_directory(self.path.parent.parent)
        self.ledger = Ledger((*ledger.entries, entry), ledger.end + written, heads=(sha256(text),))
        return entry


def read_ledger(path: Path) -> Ledger:
    """The ledger at ``path``, its chain checked; one without entries where there is no file.

    Raises:
        LedgerError: the chain is broken; its place is the first line that does not fit.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return Ledger()
    except OSError as error:
        raise LedgerError(f"cannot read the privacy ledger: {error.strerror}", Location(path)) from error
    try:
        _lock(handle, shared=True)
        return parse_ledger(_content(handle), path)
    finally:
        os.close(handle)


@contextmanager
def open_ledger(path: Path) -> Iterator[Writer]:
    """The ledger for writing, made if it is not there. Other processes and threads wait until the block ends.

    Raises:
        LedgerError: the chain is broken, so that what is left cannot be known.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _take(path)
    try:
        yield Writer(path, handle)
    finally:
        os.close(handle)  # closing gives the lock back


def _content(handle: int) -> bytes:
    parts = []
    os.lseek(handle, 0, os.SEEK_SET)
    while part := os.read(handle, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _take(path: Path) -> int:
    """Open and lock the file; again where it was replaced meanwhile, as git does."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _lock(handle)
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int, *, shared: bool = False) -> None:
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
