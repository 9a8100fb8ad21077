"""Run `synth` as a process of its own without paying for its imports each time.

One server per caller at a time has everything imported and forks itself for every command: the fork is what a user's
`synth` is after its imports. What must be seen from the start of Python on (its own variables, signals, a terminal)
has to be started for real, see :meth:`tests.synth.Project.synth`.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import pkgutil
import random
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

SECONDS = 300  # that a command may take; then SIGALRM ends it


class Forks:
    """Servers that wait for commands; threads may run commands at once, each has a server of its own then."""

    def __init__(self) -> None:
        self._idle: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()

    def run(self, arguments: tuple[str, ...], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run ``synth`` with ``arguments``; its output is captured."""
        server = self._take()
        assert server.stdin is not None
        assert server.stdout is not None
        with tempfile.TemporaryDirectory(prefix="synth-") as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            asked = {"arguments": arguments, "cwd": str(cwd), "env": dict(env), "out": str(out), "err": str(err)}
            server.stdin.write(json.dumps(asked) + "\n")
            server.stdin.flush()
            code = int(server.stdout.readline())
            printed = (out.read_text("utf-8"), err.read_text("utf-8"))
        with self._lock:
            self._idle.append(server)
        return subprocess.CompletedProcess(["synth", *arguments], code, *printed)

    def _take(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        # It ends when this process does, as its stdin then closes.
        return subprocess.Popen(
            [sys.executable, "-m", "tests.forking"],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def preload() -> None:
    """Import what most commands import, and what takes long."""
    import duckdb  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import rich.console  # noqa: F401

    import synthkit.building.build
    import synthkit.cli
    import synthkit.planning.plan

    for module in pkgutil.iter_modules(synthkit.cli.__path__, "synthkit.cli."):
        importlib.import_module(module.name)


def printing_to(out: Path, err: Path) -> None:
    """Let this process read nothing, and write into two files (which may be one)."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    first = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    second = first if err == out else os.open(err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for target, file in ((0, nothing), (1, first), (2, second)):
        os.dup2(file, target)


def status_of_main(arguments: list[str]) -> int:
    """Run ``synth`` in this process, to its exit status."""
    from synthkit.cli.main import main

    sys.argv = ["synth", *arguments]
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _serve() -> None:
    preload()
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(wanted)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


def _run(wanted: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        signal.alarm(SECONDS)
        os.environ.clear()
        os.environ.update(wanted["env"])
        os.chdir(wanted["cwd"])
        sys.path[0] = wanted["cwd"]  # as `python -m` has it
        random.seed()  # the server's state would be every fork's
        printing_to(Path(wanted["out"]), Path(wanted["err"]))
        code = status_of_main(wanted["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as the interpreter does at its end
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
