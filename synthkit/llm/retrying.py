"""Asking again until there is an answer or patience ends."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from synthkit.errors import BuildError
from synthkit.llm.transport import Transient

_T = TypeVar("_T")

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0


async def persist(
    attempt: Callable[[], Awaitable[_T]], patience: float, on_failure: Callable[[Transient], None] | None = None
) -> _T:
    """The result of the first attempt that succeeds.

    Waits as long as the server asks, or by exponential back-off with full jitter
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

    Args:
        attempt: raises :class:`Transient` when it is worth another try; other errors pass through.
        patience: seconds for all attempts and the waits between them.
        on_failure: called before each wait; may raise to end it.

    Raises:
        BuildError: patience ended.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in itertools.count(1):
        try:
            return await attempt()
        except Transient as failure:
            if on_failure is not None:
                on_failure(failure)
            # Jitter only spreads load: no result depends on it, so it needs no seed.
            ceiling = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(number - 1, 10))
            wait = failure.wait if failure.wait is not None else ceiling * random.uniform(0.1, 1)
            if loop.time() - started + wait > patience:
                raise BuildError(
                    f"the teacher gave no answer in {number} attempts within teacher.patience ({patience:g} s); "
                    f"the last one: {failure}",
                    hint="build again when it is back: all that was answered is kept and paid, and the build goes on "
                    "from there",
                ) from failure
            await asyncio.sleep(wait)
    raise AssertionError("unreachable")
