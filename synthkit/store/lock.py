"""One build at a time: an operating-system lock whose file says who holds it.

The lock is the kernel's (``flock``), so a dead holder's is free at once; the text in the file is only for people.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from synthkit.errors import BuildError, SynthError
from synthkit.files import explained

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

POLL = 0.2  # seconds between two tries
GRACE = 1.0  # seconds within which a holder has written its name
NAMELESS = "a process that has not said its name yet"


@dataclass(frozen=True)
class ProjectLock:
    """The lock of one target of a project. ``wait`` is how many seconds to wait for another holder."""

    path: Path
    wait: float = 0.0

    @contextmanager
    def held(
        self, say: Callable[[str], None] = lambda _text: None, stopped: threading.Event | None = None
    ) -> Iterator[None]:
        """Hold the lock for the block.

        Args:
            say: is told who holds it, where it is waited for.
            stopped: is set by who wants no more of it.

        Raises:
            SynthError: another process holds it still after ``wait`` seconds; the message names it.
            BuildError: it was waited for, and then not wanted any more.
        """
        file = self._take(say, stopped)
        try:
            file.seek(0)
            file.truncate()
            file.write(json.dumps(_me()) + "\n")
            file.flush()
            try:
                yield
            finally:
                file.seek(0)
                file.truncate()
        finally:
            file.close()  # closing gives the lock back

    def holder(self) -> str | None:
        """Who holds the lock now, in words, or None."""
        try:
            with self.path.open("r+", encoding="utf-8") as file:
                return None if _try_lock(file) else _words(file)
        except OSError:
            return None

    def _take(self, say: Callable[[str], None], stopped: threading.Event | None) -> IO[str]:
        start = time.monotonic()
        said = False
        while True:
            with explained(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                file = self.path.open("a+", encoding="utf-8")
                free = _try_lock(file)
            if free and self._is_ours(file):
                return file
            name = "" if free else _words(file)
            file.close()
            if free:
                continue
            if stopped is not None and stopped.is_set():
                raise BuildError("the build was stopped while it waited for another")
            # Someone who only looks who holds the lock has it for an instant, and never writes a name.
            patience = self.wait if name != NAMELESS else max(self.wait, GRACE)
            if time.monotonic() >= start + patience:
                raise SynthError(
                    f"another build runs on this project: {name}",
                    hint="wait for it to end, pass --lock-wait SECONDS, or stop that process",
                )
            if not said and name != NAMELESS:
                say(f"waiting for another build: {name}")
                said = True
            time.sleep(POLL)

    def _is_ours(self, file: IO[str]) -> bool:
        """Whether the locked file is still the one at the path: someone may have removed it meanwhile."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False


@contextmanager
def every_target(scratch: Path) -> Iterator[None]:
    """Hold the locks of all targets of a project: nothing is being built for the block.

    Args:
        scratch: its ``target/``.

    Raises:
        SynthError: a build runs; the message names it.
    """
    with ExitStack() as locks:
        for lock in (scratch / "lock", *sorted(scratch.glob("targets/*/lock"))):
            locks.enter_context(ProjectLock(lock).held())
        yield


def _try_lock(file: IO[str]) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _me() -> dict[str, object]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "command": " ".join(Path(a).name if i == 0 else a for i, a in enumerate(sys.argv)),
    }


def _words(file: IO[str]) -> str:
    # The holder writes its name an instant after it takes the lock.
    for _ in range(10):
        file.seek(0)
        try:
            data = json.loads(file.read())
            return f"process {data['pid']} on {data['host']}, since {data['since']} ({data['command']})"
        except (ValueError, KeyError):
            time.sleep(0.02)
    return NAMELESS
