"""One job as it travels, carried out in this process: what it came to, or why it came to nothing."""

from __future__ import annotations

import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError
from synthkit.files import Json
from synthkit.runners.actions import execute
from synthkit.runners.done import Failure
from synthkit.runners.jobs import JobProgress, done_to_json, job_from_json


def attempt(sent: Json, progress: JobProgress, root: Path | None = None) -> dict[str, Any]:
    """``{"result": …}``, or ``{"error": …}`` with a :class:`Failure`. Raises nothing, not for ``sys.exit`` either.

    Args:
        sent: what :func:`job_to_json` wrote.
        root: where the project lies here; default: where it lay for whom wrote the job.
    """
    try:
        job = job_from_json(sent, root)
        return {"result": done_to_json(job, execute(job, progress))}
    except SynthError as error:
        where = None if error.where is None else str(error.where)
        return _failed(Failure(error.message, error.hint, where))
    except MemoryError:
        return _failed(Failure("out of memory", "train on fewer rows, or give the machine more memory"))
    except SystemExit as error:
        return _failed(Failure(f"the job ended its process with status {error.code!r}", trace=traceback.format_exc()))
    except Exception as error:
        return _failed(Failure(f"{type(error).__name__}: {error}", trace=traceback.format_exc()))


def _failed(failure: Failure) -> dict[str, Any]:
    return {"error": asdict(failure)}
