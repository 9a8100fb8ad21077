"""Memory that nobody holds any more, given back to the system.

What a training or an audit has let go stays with the process: Arrow's pool and the C library keep it for what comes
next. A worker that trained a million rows so kept some two hundred megabytes through its audits.
"""

from __future__ import annotations

import sys
from contextlib import suppress


def give_back() -> None:
    """Some milliseconds; nothing where the C library has no such call (musl, macOS, Windows)."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        import ctypes

        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)
