"""The runner of this machine, as the compiler sees it: light to import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.project.machine import this_machine
from synthkit.project.runners import Runner

if TYPE_CHECKING:
    from synthkit.runners.jobs import Executor


def _start(*, model_threads: int, log: Path) -> Executor:
    from synthkit.runners.local import LocalExecutor

    return LocalExecutor(model_threads, log)


LOCAL = Runner(_start, "processes of this machine", limits=lambda _options: this_machine())
