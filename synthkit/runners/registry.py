"""A runner at work: its executor, with the options that the target gives."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from synthkit.errors import SynthError
from synthkit.project.runners import NoOptions, RunnerSpec, runner_of
from synthkit.runners.jobs import Executor


def started(spec: RunnerSpec, *, model_threads: int, log: Path) -> Executor:
    """An executor of a runner.

    Args:
        model_threads: CPU threads of each job's linear algebra: fixed, as sums of floats depend on it.
        log: file that takes what the jobs' libraries print, and tracebacks.

    Raises:
        SynthError: there is no such runner (the nearest is in the hint), its package does not load, or it does not take
            these options.
    """
    runner = runner_of(spec.name)
    try:
        options = runner.options.model_validate(spec.options)
    except ValidationError as error:  # the compiler says where
        raise SynthError(f"the runner {spec.name!r} does not take its options: {error}") from error
    given = {} if runner.options is NoOptions else {"options": options}
    executor: Executor = runner.start(model_threads=model_threads, log=log, **given)
    return executor
