"""Memory that nobody holds any more is given back to the system; what will be held is not looked through in vain.

What a training or an audit has let go stays with the process: Arrow's pool and the C library keep it for what comes
next. A worker that trained a million rows so kept some two hundred megabytes through its audits.
"""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


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
def uncollected(*, held: bool = True) -> Iterator[None]:
    """Without Python's search for cycles: for work that makes a million objects and keeps them all.

    The search begins anew as the objects grow in number; of a project of a thousand models it took a quarter of the
    time of every verb and found nothing. In the command line it does not look at them later, either; a notebook, which
    compiles many times, must get them back. No such work may train or draw: what tables leave in cycles is large.

    Args:
        held: in the command line, until the verb ends. Not of what is made many times, or beside a thread that trains.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            if held and _IN_A_VERB:
                gc.freeze()
            gc.enable()


def held_by(process: int) -> int:
    """Bytes of memory that a process holds (its resident set); 0 where the system does not say so in ``/proc``."""
    try:
        status = Path(f"/proc/{process}/status").read_text("ascii", "replace")
    except OSError:
        return 0
    found = re.search(r"^VmRSS:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
