"""Ray as the compiler sees it; light to import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.project.resources import Limits
from synthkit.project.runners import Runner
from synthkit.runners.ray.options import RayOptions

if TYPE_CHECKING:
    from synthkit.runners.jobs import Executor


def _start(*, model_threads: int, log: Path, options: RayOptions) -> Executor:
    from synthkit.runners.ray.executor import RayExecutor

    return RayExecutor(model_threads, log, options)


def _limits(options: RayOptions) -> Limits:
    return options.limits


RAY = Runner(_start, "tasks of a Ray cluster", RayOptions, needs="ray", extra="ray", limits=_limits)
