"""A failure that a worker reports, as the error that the user sees: the same words whoever ran the job."""

from __future__ import annotations

from pathlib import Path

from synthkit.errors import BuildError
from synthkit.runners.done import Failure, Measured


class JobError(BuildError):
    """A job failed, after it took what was ``measured``."""

    def __init__(self, message: str, hint: str | None, measured: tuple[Measured, ...]) -> None:
        super().__init__(message, hint=hint)
        self.measured = measured


def error_of(failure: Failure, log: Path) -> BuildError:
    """The error, whose traceback, if nobody foresaw it, is appended to the run's log."""
    message = failure.message if failure.where is None else f"{failure.where}: {failure.message}"
    hint = failure.hint
    if failure.trace is not None:
        with log.open("a", encoding="utf-8") as out:
            out.write(failure.trace)
        hint = hint or f"the traceback is in {log}"
    return JobError(message, hint, failure.measured)
