"""Worker processes of forked commands: forks as well, with the imports behind them.

A command that :mod:`tests.forking` or :mod:`tests.killing` forks puts a few of them by before it does anything else, as
nothing can be forked safely from a process with threads. What makes a worker what it is on a user's machine is the
same: its variables, its session, its pipes, what it does when they close. The server that all are forked from has been
started with the variables that Python and the libraries read only when they start (:data:`AT_START`); a build that
wants others gets a worker of its own, started for real.
"""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TextIO

from synthkit.runners.environment import HELD, THREADS, held_fixed

VERBS = ("build", "audit", "retry")  # that work in workers
AT_START = ("PYTHONHASHSEED", *THREADS, *HELD)


def variables() -> dict[str, str]:
    """With which the server has to be started."""
    return {**os.environ, **held_fixed(1, os.environ), "PYTHONHASHSEED": "0"}


def put_by(arguments: list[str], number: int = 2) -> None:
    """Fork workers that wait for the executor of this process to start them. Call it before there are threads."""
    from synthkit.runners.local import LocalExecutor

    if not arguments or arguments[0] not in VERBS:
        return
    waiting: list[_Worker] = []
    waiting.extend(_Worker(waiting) for _ in range(number))
    begun = {name: os.environ.get(name) for name in AT_START}
    start = LocalExecutor._start

    def forked(executor: LocalExecutor, log: TextIO, wanted: dict[str, str]) -> Any:
        if not waiting or any(wanted.get(name) != _BEGUN.get(name) for name in begun):
            return start(executor, log, wanted)
        return waiting.pop().started(wanted, log)

    LocalExecutor._start = forked  # type: ignore[method-assign, assignment]


_BEGUN = {name: os.environ[name] for name in AT_START if name in os.environ}  # of the server, as it is imported there


class _Worker:
    """As much of :class:`subprocess.Popen` as the executor uses."""

    def __init__(self, others: list[_Worker]) -> None:
        reads, told = os.pipe()
        heard, writes = os.pipe()
        self.returncode: int | None = None
        self._waiting = threading.Lock()  # a process is waited for once, by whichever thread asks first
        self.pid = os.fork()
        if self.pid == 0:
            _wait(reads, writes)
        os.close(reads)
        os.close(writes)
        self.stdin = os.fdopen(told, "w", encoding="utf-8")
        self.stdout = os.fdopen(heard, encoding="utf-8")

    def started(self, environment: Mapping[str, str], log: TextIO) -> _Worker:
        self.stdin.write(json.dumps({"environment": environment, "log": str(Path(log.name).absolute())}) + "\n")
        self.stdin.flush()
        return self

    def poll(self) -> int | None:
        with self._waiting:
            if self.returncode is None:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
                if ended:
                    self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("worker", timeout or 0)
            time.sleep(0.002)
        assert self.returncode is not None
        return self.returncode

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _wait(reads: int, writes: int) -> NoReturn:
    """Become a worker when told to; end when the coordinator ends."""
    try:
        os.setsid()
        signal.alarm(0)
        os.dup2(reads, 0)
        os.dup2(writes, 1)
        os.closerange(3, 4096)
        stdin = os.fdopen(0, encoding="utf-8")
        line = stdin.readline()
        if line:
            _become(json.loads(line), stdin)
    finally:
        os._exit(1 if sys.exc_info()[0] else 0)


def _become(told: dict[str, Any], stdin: TextIO) -> None:
    from synthkit.runners import worker

    os.environ.clear()
    os.environ.update(told["environment"])
    log = os.open(told["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    os.close(log)
    sys.stdin = stdin
    sys.stdout, sys.stderr = (os.fdopen(n, "w", 1, encoding="utf-8") for n in (1, 2))
    del sys.path[0]  # a worker's Python has no folder of its own there (PYTHONSAFEPATH)
    sys.argv = [worker.__file__]
    draw_anew()
    storage_fails()
    worker.main()


def storage_fails() -> None:
    """From here on, flushing a partition or a staged file fails now and then: ``SYNTH_TEST_FAULTS`` is its share."""
    share = float(os.environ.get("SYNTH_TEST_FAULTS", "0"))
    if not share:
        return
    flush = os.fsync

    def fsync(file: int) -> None:
        path = str(Path(f"/proc/self/fd/{file}").readlink())
        if ("/cache/partitions/" in path or "/staging/" in path) and random.random() < share:
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        flush(file)

    os.fsync = fsync


def draw_anew() -> None:
    """The states of a server's global generators would be those of every fork of it."""
    import numpy as np

    random.seed()
    np.random.seed()
