"""Storage that fails for a moment, as what many machines share does: parts of a table are then written again.

Nobody sees of a part, or of the table that parts are put together to, before it is whole; so a second try does no harm.
Nor does it of audits: the folder of failing rows is emptied first, and what else they find goes back to the build.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from synthkit.errors import BuildError
from synthkit.runners.jobs import AssembleJob, AuditJob, PartitionJob, RepeatJob

R = TypeVar("R")

AGAIN = (PartitionJob, AssembleJob, RepeatJob, AuditJob)  # jobs that are done again, where their worker is lost, too
PAUSES = (0.2, 1.0, 5.0, 25.0)  # seconds before another try
_NAMES = """
    EIO EAGAIN EBUSY ESTALE ETIMEDOUT ECONNRESET ECONNABORTED ENOTCONN ENETDOWN ENETUNREACH EHOSTDOWN
    EHOSTUNREACH EREMOTEIO
"""
MOMENTARY = frozenset(getattr(errno, name) for name in _NAMES.split() if hasattr(errno, name))


def repeated(call: Callable[[], R], pauses: Sequence[float] = PAUSES) -> R:
    """What the call gives, once more after each pause as long as it is the storage that fails.

    Raises what the last call raised; what is no such failure, as a full disk, at once.
    """
    for pause in pauses:
        try:
            return call()
        except (OSError, BuildError) as error:
            if not _momentary(error):
                raise
        time.sleep(pause)
    return call()


def _momentary(error: BaseException | None) -> bool:
    """Whether storage failed, or what explains such a failure was raised because of one."""
    while error is not None:
        if isinstance(error, OSError):
            return error.errno in MOMENTARY
        error = error.__cause__
    return False
