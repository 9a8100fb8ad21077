"""Memory that nobody holds any more is given back to the system; what will be held is not looked through in vain.

What a training or an audit has let go stays with the process: Arrow's pool and the C library keep it for what comes
next. A worker that trained a million rows so kept some two hundred megabytes through its audits.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def give_back() -> None:
    """Some milliseconds; nothing where the C library has no such call (musl, macOS, Windows)."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        import ctypes

        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)


_IN_A_VERB: list[bool] = []


@contextmanager
def one_verb() -> Iterator[None]:
    """For the command line: what is made under :func:`uncollected` is held until the verb ends."""
    _IN_A_VERB.append(True)
    try:
        yield
    finally:
        _IN_A_VERB.pop()
        gc.unfreeze()


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's search for cycles: for work that makes a million objects and keeps them all.

    The search begins anew as the objects grow in number; of a project of a thousand models it took a quarter of the
    time of every verb and found nothing. In the command line it does not look at them later, either; a notebook, which
    compiles many times, must get them back. No such work may train or draw: what tables leave in cycles is large.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            if _IN_A_VERB:
                gc.freeze()
            gc.enable()
