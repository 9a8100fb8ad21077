"""Wait, in a pod, for what another leaves in the project's storage: ``… jobs|ends SECONDS ROOT FOLDER MODEL…``.

``jobs``: until the models' jobs are written down. ``ends``: until each of them has ended. The exit status is 0, or
:data:`OWN_FAULT` where what is waited for will not come.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from synthkit.runners.kubernetes.handed import FAILED, Handed
from synthkit.runners.kubernetes.manifests import OWN_FAULT

EVERY = 1.0  # seconds between two looks


def wait(what: str, seconds: float, run: Path, models: Sequence[str]) -> int:
    """The exit status, when it is known."""
    until = time.monotonic() + seconds
    folders = [Handed(run / model) for model in models]
    while True:
        if (run / FAILED).exists():
            return _given_up(f"the first stage failed: {(run / FAILED).read_text('utf-8')}")
        ready = [folder.jobs() for folder in folders]
        if what == "jobs" and None not in ready:
            return 0
        ends = [f.ended(n) for f, found in zip(folders, ready, strict=True) for n in range(found[0] if found else 0)]
        failed = next((end["error"]["message"] for end in ends if end is not None and "error" in end), None)
        if failed is not None:
            return _given_up(f"a partition failed: {failed}")
        if what == "ends" and None not in ready and None not in ends:
            return 0
        if time.monotonic() > until:
            return _given_up(f"it did not come within {seconds:g} s")
        time.sleep(EVERY)


def _given_up(why: str) -> int:
    print(why, file=sys.stderr)
    return OWN_FAULT


if __name__ == "__main__":
    sys.exit(wait(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3], sys.argv[4]), sys.argv[5:]))
