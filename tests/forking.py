"""Run `synth` as a process of its own without paying for its imports each time.

One server has everything imported and forks itself for every command: the fork is what a user's `synth` is after its
imports. What must be seen from the start of Python on (its own variables, a terminal) has to be started for real, see :meth:`tests.synth.Project.synth`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tests.workers import draw_anew, put_by, storage_fails, variables

SECONDS = 300  # that a command may take; then SIGALRM ends it
IMPORTED = (  # inside of functions
    "anthropic",
    "configobj",
    "duckdb",
    "dvc.cli.parser",
    "dvc.repo",
    "faker",
    "openai",
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
    """A server that runs the commands it is given, many at once where threads ask for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: subprocess.Popen[str] | None = None
        self._pids: dict[str, Future[int]] = {}
        self._ends: dict[str, Future[int]] = {}
        self.cpu_seconds = 0.0  # of the commands so far, and of their workers

    def run(
        self,
        arguments: tuple[str, ...],
        cwd: Path,
        env: Mapping[str, str],
        path: Sequence[str] = (),
        kill: Kill | None = None,
        program: str = "synth",
    ) -> subprocess.CompletedProcess[str]:
        """Run ``synth`` with ``arguments``; its output is captured.

        Args:
            program: or "dvc".
            path: folders in which Python looks for packages first.
            kill: the exit status is -9 then.
        """
        with tempfile.TemporaryDirectory(prefix="synth-") as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            code = self._ask(arguments, cwd, env, out, err, path, kill, program)[1].result()
            printed = (out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))
        return subprocess.CompletedProcess([program, *arguments], code, *printed)

    def start(
        self,
        arguments: tuple[str, ...],
        cwd: Path,
        env: Mapping[str, str],
        path: Sequence[str] = (),
        program: str = "synth",
        out: Path | None = None,
    ) -> Started:
        """Start ``synth`` with ``arguments``, and return while it runs.

        Args:
            program: or "pod", what a pod of Kubernetes does, in a session of its own.
            out: takes what it prints.
        """
        folder = tempfile.TemporaryDirectory(prefix="synth-")
        out = out or Path(folder.name, "out")
        pid, ended = self._ask(arguments, cwd, env, out, out, path, None, program)
        return Started(pid.result(), ended, folder)

    def _ask(
        self,
        arguments: tuple[str, ...],
        cwd: Path,
        env: Mapping[str, str],
        out: Path,
        err: Path,
        path: Sequence[str],
        kill: Kill | None,
        program: str = "synth",
    ) -> tuple[Future[int], Future[int]]:
        asked = {"arguments": arguments, "cwd": str(cwd), "env": dict(env), "out": str(out), "err": str(err)}
        asked["path"], asked["program"] = list(path), program
        asked["kill"] = None if kill is None else {**vars(kill), "root": str(kill.root), "log": str(kill.log)}
        for file in (out, err):
            file.touch()  # a command may be killed before it opens them
        pid, ended = self._pids[str(out)], self._ends[str(out)] = Future[int](), Future[int]()
        with self._lock:
            if self._server is None:
                self._server = self._begin()
            assert self._server.stdin is not None
            self._server.stdin.write(json.dumps(asked) + "\n")
            self._server.stdin.flush()
        return pid, ended

    def _begin(self) -> subprocess.Popen[str]:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.forking"],
            cwd=Path(__file__).parent.parent,
            env=variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._listen, args=(server,), name="forks", daemon=True).start()
        atexit.register(_end, server)
        return server

    def _listen(self, server: subprocess.Popen[str]) -> None:
        assert server.stdout is not None
        for line in server.stdout:
            told = json.loads(line)
            if "pid" in told:
                self._pids.pop(told["name"]).set_result(told["pid"])
            else:
                self.cpu_seconds += told["seconds"]
                self._ends.pop(told["name"]).set_result(told["code"])
        for future in (*self._pids.values(), *self._ends.values()):
            future.set_exception(RuntimeError("the server of the forks is gone"))


def _end(server: subprocess.Popen[str]) -> None:
    """Its stdin closes when this process ends, and it then ends; waited for, it is counted by who times the suite."""
    assert server.stdin is not None
    server.stdin.close()
    server.wait(10)


class Started:
    """As much of :class:`subprocess.Popen` as tests use; what it prints comes at its end."""

    def __init__(self, pid: int, ended: Future[int], folder: tempfile.TemporaryDirectory[str]) -> None:
        self.pid = pid
        self._ended, self._folder = ended, folder  # which goes with this object

    @property
    def returncode(self) -> int | None:
        return self._ended.result() if self._ended.done() else None

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        return self._ended.result(timeout)

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        self.wait(timeout)
        return Path(self._folder.name, "out").read_text("utf-8", "replace"), None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


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


def status_of_dvc(arguments: list[str]) -> int:
    """Run ``dvc`` in this process, to its exit status."""
    from dvc.cli import main

    return int(main(arguments))


def status_of_pod(arguments: list[str]) -> int:
    """Do in this process, in a session of its own, what a pod does, to its exit status."""
    from synthkit.runners.kubernetes.pod import main

    os.setsid()
    storage_fails()
    return main(Path(arguments[0]), arguments[1], int(os.environ["JOB_COMPLETION_INDEX"]), int(arguments[3]))


def _serve() -> None:
    preload()
    children: dict[int, str] = {}
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    lines = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
        _reap(children)
        if 0 in ready:
            read = os.read(0, 1 << 20)
            if not read:
                return
            *whole, lines = (lines + read).split(b"\n")
            for line in whole:
                _begin(json.loads(line), children)


def _begin(wanted: dict[str, Any], children: dict[int, str]) -> None:
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # of a suite in the background it would be ignored
        _run(wanted)
    children[child] = wanted["out"]
    _tell({"name": wanted["out"], "pid": child})
    seconds = (wanted["kill"] or {}).get("seconds")
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)  # nothing happens to one that has ended already: it waits to be waited for


def _reap(children: dict[int, str]) -> None:
    while children:
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            return
        seconds = used.ru_utime + used.ru_stime
        _tell({"name": children.pop(pid), "code": os.waitstatus_to_exitcode(status), "seconds": seconds})


def _tell(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _run(wanted: dict[str, Any]) -> NoReturn:
    code = 1
    finished: Callable[[], None] = _nothing
    try:
        os.environ.clear()
        os.environ.update(wanted["env"])
        signal.alarm(int(os.environ.get("SYNTH_TEST_SECONDS", SECONDS)))
        os.chdir(wanted["cwd"])
        sys.path[:1] = [wanted["cwd"], *wanted["path"]]  # as `python -m` has it
        draw_anew()
        printing_to(Path(wanted["out"]), Path(wanted["err"]))
        if wanted["program"] == "synth":
            put_by(wanted["arguments"], int(os.environ.get("SYNTH_TEST_WORKERS", "2")))
        if wanted["kill"] is not None:
            finished = _watched(Kill(**wanted["kill"]))
        programs = {"synth": status_of_main, "dvc": status_of_dvc, "pod": status_of_pod}
        code = programs[wanted["program"]](wanted["arguments"])
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
