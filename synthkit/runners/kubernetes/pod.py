"""What a pod does: the jobs of its part, from a folder of the project's storage.

``python -m synthkit.runners.kubernetes.pod ROOT FOLDER THREADS PARTS``; which part it is says ``JOB_COMPLETION_INDEX``.

Progress goes to stdout, a JSON line each, which is the pod's log; the end goes into the folder. The exit status is 0
for a result, :data:`OWN_FAULT` for a reason of the job's own; a pod that is killed has another, and is replaced.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import synthkit
from synthkit.runners.attempt import attempt
from synthkit.runners.environment import worker_variables
from synthkit.runners.kubernetes.handed import Handed
from synthkit.runners.kubernetes.manifests import OWN_FAULT, POD
from synthkit.runners.telling import Events
from synthkit.runners.throttled import Throttled


def main(root: Path, folder: str, number: int, of: int = 1) -> int:
    """Carry out the jobs of a part, those that are done aside; the exit status.

    Args:
        number: of the part, from 0.
        of: parts; where there are more jobs, each part has every so-many-th.
    """
    events = Events()
    handed = Handed(root / folder)
    jobs, version = handed.jobs() or (0, "")
    for job in range(number, jobs, of):
        end = handed.ended(job)
        if end is None:
            told = Throttled(lambda step: events.say({"progress": step}))
            end = _refused(version) or attempt(handed.job(job), told, root)
            handed.end(job, end)
        if "error" in end:
            return OWN_FAULT
    return 0


def _refused(version: str) -> dict[str, Any] | None:
    if version != synthkit.__version__:
        message = f"the image has synthkit {synthkit.__version__}, and this build is of {version}"
        return {"error": {"message": message, "hint": "name an image of the same version: image: of the runner"}}
    return None


def _held(threads: int) -> None:
    """Begin again as a worker is to run, if this Python does not: its variables are a matter of this very machine."""
    wanted = worker_variables(threads, os.environ)
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        command = [sys.executable, "-m", POD, *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **wanted})


if __name__ == "__main__":
    _held(int(sys.argv[3]))
    part = int(os.environ.get("JOB_COMPLETION_INDEX", "0"))
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], part, int(sys.argv[4])))
