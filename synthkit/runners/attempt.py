"""One job as it travels, carried out in this process: what it came to, or why it came to nothing."""

from __future__ import annotations

import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError
from synthkit.files import Json
from synthkit.runners.actions import execute, first_phase
from synthkit.runners.done import Failure
from synthkit.runners.jobs import JobProgress, done_to_json, job_from_json
from synthkit.runners.metering import Meter, metering
from synthkit.runners.momentary import AGAIN, PAUSES, repeated


def attempt(sent: Json, progress: JobProgress, root: Path | None = None) -> dict[str, Any]:
    """``{"result": …}``, or ``{"error": …}`` with a :class:`Failure`. Raises nothing, not for ``sys.exit`` either.

    Args:
        sent: what :func:`job_to_json` wrote.
        root: where the project lies here; default: where it lay for whom wrote the job.
    """
    meter: Meter | None = None

    def failed(message: str, hint: str | None = None, **more: Any) -> dict[str, Any]:
        return {"error": asdict(Failure(message, hint, measured=() if meter is None else meter.measured(), **more))}

    try:
        job = job_from_json(sent, root)
        pauses = PAUSES if isinstance(job, AGAIN) else ()
        with metering(first_phase(job)) as meter:
            return {"result": done_to_json(job, repeated(lambda: execute(job, progress), pauses))}
    except SynthError as error:
        where = None if error.where is None else str(error.where)
        return failed(error.message, error.hint, where=where)
    except MemoryError:
        return failed("out of memory", "train on fewer rows, or give the machine more memory")
    except SystemExit as error:
        return failed(f"the job ended its process with status {error.code!r}", trace=traceback.format_exc())
    except Exception as error:
        return failed(f"{type(error).__name__}: {error}", trace=traceback.format_exc())
