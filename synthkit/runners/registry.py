"""Runners by name, from the entry-point group ``synthkit.runners``: the local one comes the same way as anybody's."""

from __future__ import annotations

from pathlib import Path

from synthkit.errors import SynthError, did_you_mean
from synthkit.plugins import entries, loaded
from synthkit.runners.jobs import Executor

GROUP = "synthkit.runners"
LOCAL = "local"


def started(name: str, *, model_threads: int, log: Path) -> Executor:
    """An executor of the runner ``name``, which is called with both arguments.

    Args:
        model_threads: CPU threads of each job's linear algebra: fixed, as sums of floats depend on it.
        log: file that takes what the jobs' libraries print, and tracebacks.

    Raises:
        SynthError: there is no such runner (the nearest is in the hint), or its package does not load.
    """
    entry = entries(GROUP).get(name)
    if entry is None:
        raise SynthError(f"there is no runner {name!r}", hint=did_you_mean(name, entries(GROUP), "a runner"))
    runner = loaded(entry, "runner {name!r} of the package {package!r} does not load")
    executor: Executor = runner(model_threads=model_threads, log=log)
    return executor
