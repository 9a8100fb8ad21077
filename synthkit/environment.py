"""Environment variables that synthkit reads beside those of the command line: one prefix, SYNTH_."""

from __future__ import annotations

import os
import warnings

PREFIX, EARLIER = "SYNTH_", "SYNTHKIT_"


def threads_to_use() -> int:
    """How many threads a library of this process takes: OMP_NUM_THREADS, or all processors."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def variable(name: str) -> str | None:
    """The value of ``name``, which begins with SYNTH_; None where it is not set.

    A variable that has its earlier name, with SYNTHKIT_, counts where the other is not set, with a FutureWarning.
    """
    earlier = EARLIER + name.removeprefix(PREFIX)
    if name not in os.environ and earlier in os.environ:
        warnings.warn(f"the environment variable {earlier} is now called {name}", FutureWarning, stacklevel=2)
        return os.environ[earlier]
    return os.environ.get(name)
