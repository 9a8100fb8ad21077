"""Runners by name, from the entry-point group ``synthkit.runners``: the local one comes the same way as anybody's."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from synthkit.errors import SynthError, did_you_mean
from synthkit.runners.jobs import Executor

GROUP = "synthkit.runners"
LOCAL = "local"


@cache
def _entries() -> dict[str, EntryPoint]:
    found = list(entry_points(group=GROUP))
    # Ours come last and so win: a package cannot quietly take the name of a built-in runner.
    found.sort(key=lambda e: (e.value.startswith("synthkit."), e.value))
    return {entry.name: entry for entry in found}


def started(name: str, *, model_threads: int, log: Path) -> Executor:
    """An executor of the runner ``name``, which is called with both arguments.

    Args:
        model_threads: CPU threads of each job's linear algebra: fixed, as sums of floats depend on it.
        log: file that takes what the jobs' libraries print, and tracebacks.

    Raises:
        SynthError: there is no such runner (the nearest is in the hint), or its package does not load.
    """
    entry = _entries().get(name)
    if entry is None:
        raise SynthError(f"there is no runner {name!r}", hint=did_you_mean(name, _entries(), "a runner"))
    package = entry.dist.name if entry.dist is not None else entry.value
    try:
        runner = entry.load()
    except Exception as error:
        raise SynthError(
            f"runner {name!r} of the package {package!r} does not load: {error}", hint=f"update or remove {package}"
        ) from error
    executor: Executor = runner(model_threads=model_threads, log=log)
    return executor
