"""Kill `synth` at a chosen file operation or moment, many times over, without paying for its imports each time.

:class:`Killer` runs forks (:mod:`tests.forking`). In the fork, an audit hook of the interpreter (PEP 578) counts whatever touches a file
below the project in Python: opened for writing, renamed, linked, removed, made, whether by synthkit, by DVC or by
SQLite's and DuckDB's wrappers; `os.fsync`, which raises no event, is counted by a wrapper.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import synthkit
from tests.forking import Kill
from tests.synth import FORKS

PACKAGE = (
    f"{Path(synthkit.__file__).parent}{os.sep}"  # by where it lies: a checkout may have any name, the package's too
)
PATHS = {"os.rename": 2, "os.link": 2, "os.symlink": 2, "os.remove": 1, "os.mkdir": 1, "os.rmdir": 1, "os.truncate": 1}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Ended:
    """``code``: exit status, -9 when killed; ``text``: what it printed; ``steps``: of every file operation the event and
    the two lines of synthkit that led to it, empty when killed."""

    code: int
    text: str
    steps: list[str]

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def distinct(self) -> list[int]:
        """One number of a step for each place in the code: by turns its first and its last visit."""
        visits: dict[str, list[int]] = {}
        for number, place in enumerate(self.steps, 1):
            visits.setdefault(place, []).append(number)
        return sorted({numbers[-(turn % 2)] for turn, numbers in enumerate(visits.values())})


class Killer:
    """Runs `synth` in ``root``, and kills it where it is told to."""

    def __init__(self, root: Path, variables: Mapping[str, str] | None = None) -> None:
        """``variables``: the environment of installed packages (:func:`tests.packages.installed`)."""
        self.root, self.variables = root, dict(variables or {})

    def synth(self, *arguments: str, step: int | None = None, seconds: float | None = None) -> Ended:
        """Run one command to its end, or until its file operation number ``step``, or for ``seconds``."""
        log = self.root.parent / f"{self.root.name}.steps"
        log.write_text("", "utf-8")
        env, path = {**os.environ, **self.variables}, self.variables.get("PYTHONPATH", "").split(os.pathsep)
        done = FORKS.run(arguments, self.root, env, [p for p in path if p], Kill(self.root, log, step, seconds))
        return Ended(done.returncode, done.stdout + done.stderr, log.read_text("utf-8").splitlines())

    def ok(self, *arguments: str) -> str:
        done = self.synth(*arguments)
        assert done.code == 0, f"exit {done.code}\n{done.text}"
        return done.text


class Steps:
    """Counts file operations, and ends the process without a word at the one that is wanted."""

    def __init__(self, root: Path, wanted: int | None) -> None:
        self.root, self.wanted = f"{root.resolve()}{os.sep}", wanted
        self.seen: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if flags is None or not flags & WRITES:
                return
            paths: tuple[Any, ...] = (path,)
        elif event in PATHS:
            paths = arguments[: PATHS[event]]
        else:
            return
        if any(self._inside(path) for path in paths):
            self.step(event)

    def step(self, event: str) -> None:
        with self.lock:
            self.seen.append(f"{event} {lines_of_package()}")
            if len(self.seen) == self.wanted:
                os.kill(os.getpid(), signal.SIGKILL)

    def _inside(self, path: Any) -> bool:
        if isinstance(path, int):
            return False
        return os.path.abspath(os.fsdecode(path)).startswith(self.root)  # noqa: PTH100 .resolve() would follow links

    def counted(self, original: Callable[[int], None]) -> Callable[[int], None]:
        def fsync(file: int) -> None:
            self.step("os.fsync")
            original(file)

        return fsync

    def watch(self, log: Path) -> Callable[[], None]:
        """Count from here on. Returns what writes the steps into ``log``."""
        os.fsync = self.counted(os.fsync)
        sys.addaudithook(self)
        return lambda: log.write_text("\n".join(self.seen), "utf-8") and None


def lines_of_package() -> str:
    """The innermost two lines of synthkit on the stack: the file operation, and who asked for it."""
    lines, frame = [], sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(PACKAGE):
            lines.append(f"{name.rpartition(os.sep)[2]}:{frame.f_lineno}")
        frame = frame.f_back
    return " ".join(lines[:2])
