"""Run `synth` as a process of its own without paying for its imports each time.

One server per caller at a time has everything imported and forks itself for every command: the fork is what a user's
`synth` is after its imports. What must be seen from the start of Python on (its own variables, signals, a terminal)
has to be started for real, see :meth:`tests.synth.Project.synth`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tests.workers import draw_anew, put_by, variables

SECONDS = 300  # that a command may take; then SIGALRM ends it
IMPORTED = (  # inside of functions
    "anthropic",
    "configobj",
    "duckdb",
    "dvc.repo",
    "faker",
    "pandas",
    "plotly.graph_objects",
    "psycopg",
    "py3langid.langid",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "rapidfuzz.process",
    "rich.console",
    "rich.progress",
    "safetensors.numpy",
    "safetensors.torch",
    "scipy.optimize",
    "scipy.stats",
    "sdv.single_table",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.feature_extraction.text",
    "sklearn.impute",
    "sklearn.mixture",
    "threadpoolctl",
    "torch._dynamo",  # an optimizer of torch does
    "torch.optim",
)


@dataclass(frozen=True)
class Kill:
    """Kills a command at its ``step``-th operation on a file below ``root``, or after ``seconds``, or not at all.

    What :class:`tests.killing.Steps` saw of a command that was not killed is in ``log``, one line a step.
    """

    root: Path
    log: Path
    step: int | None = None
    seconds: float | None = None


class Forks:
    """Servers that wait for commands; threads may run commands at once, each has a server of its own then."""

    def __init__(self) -> None:
        self._idle: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()
        self.cpu_seconds = 0.0  # of the commands so far, and of their workers

    def run(
        self,
        arguments: tuple[str, ...],
        cwd: Path,
        env: Mapping[str, str],
        path: Sequence[str] = (),
        kill: Kill | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``synth`` with ``arguments``; its output is captured.

        Args:
            path: folders in which Python looks for packages first.
            kill: the exit status is -9 then.
        """
        server = self._take()
        assert server.stdin is not None
        assert server.stdout is not None
        with tempfile.TemporaryDirectory(prefix="synth-") as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            asked = {"arguments": arguments, "cwd": str(cwd), "env": dict(env), "out": str(out), "err": str(err)}
            asked["path"] = list(path)
            asked["kill"] = None if kill is None else {**vars(kill), "root": str(kill.root), "log": str(kill.log)}
            server.stdin.write(json.dumps(asked) + "\n")
            server.stdin.flush()
            code, seconds = server.stdout.readline().split()
            printed = (out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))
        with self._lock:
            self._idle.append(server)
            self.cpu_seconds += float(seconds)
        return subprocess.CompletedProcess(["synth", *arguments], int(code), *printed)

    def _take(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        # It ends when this process does, as its stdin then closes.
        return subprocess.Popen(
            [sys.executable, "-m", "tests.forking"],
            cwd=Path(__file__).parent.parent,
            env=variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def preload() -> None:
    """Import what commands and their workers import, most of all what takes long."""
    import synthkit

    for module in pkgutil.walk_packages(synthkit.__path__, "synthkit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or each fork would copy, when it collects, the pages of all these objects


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
        seconds = (wanted["kill"] or {}).get("seconds")
        if seconds is not None:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)  # nothing happens to one that has ended already: it waits to be waited for
        _, status, used = os.wait4(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {used.ru_utime + used.ru_stime}\n")
        sys.stdout.flush()


def _run(wanted: dict[str, Any]) -> NoReturn:
    code = 1
    finished: Callable[[], None] = _nothing
    try:
        signal.alarm(SECONDS)
        os.environ.clear()
        os.environ.update(wanted["env"])
        os.chdir(wanted["cwd"])
        sys.path[:1] = [wanted["cwd"], *wanted["path"]]  # as `python -m` has it
        draw_anew()
        printing_to(Path(wanted["out"]), Path(wanted["err"]))
        put_by(wanted["arguments"])
        if wanted["kill"] is not None:
            finished = _watched(Kill(**wanted["kill"]))
        code = status_of_main(wanted["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as the interpreter does at its end
        atexit._run_exitfuncs()
        finished()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _watched(kill: Kill) -> Callable[[], None]:
    from tests.killing import Steps

    return Steps(Path(kill.root), kill.step).watch(Path(kill.log))


def _nothing() -> None:
    """Nobody watches."""


if __name__ == "__main__":
    _serve()
