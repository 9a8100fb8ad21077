"""What one thread makes while another sends what was made before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def made_ahead(values: Iterator[T]) -> Iterator[T]:
    """The values, none of them None, each made while the one before it is in use."""
    with ThreadPoolExecutor(1, thread_name_prefix="synth-ahead") as thread:
        waiting = thread.submit(next, values, None)
        while (value := waiting.result()) is not None:
            waiting = thread.submit(next, values, None)
            yield value
