"""A build run through in thought: which models are under way at the same time, how long it takes, what memory it holds.

As the scheduler does: in the plan's order, whatever has its parents done and a thread free begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from synthkit.stats.predict import Estimate

Part = Literal["likely", "low", "high"]


@dataclass(frozen=True)
class Task:
    """A model to build; without ``seconds`` nobody knows how long it takes.

    Args:
        after: models that are built before it.
        memory: of one of its processes, of which there are ``side_by_side`` at most.
    """

    model: str
    after: frozenset[str] = frozenset()
    seconds: Estimate | None = None
    memory: Estimate | None = None
    side_by_side: int = 1


@dataclass(frozen=True)
class Run:
    """How long a build takes, and the most memory that its processes hold at once (bytes)."""

    seconds: float
    memory: float


def simulate(tasks: Sequence[Task], threads: int, part: Part = "likely") -> Run:
    """Run the tasks through, taking of each estimate its ``part``.

    >>> ten = Estimate(10, 10, 10, 1)
    >>> simulate([Task("a", seconds=ten), Task("b", seconds=ten), Task("c", frozenset("a"), ten)], 2).seconds
    20.0
    """
    waiting, now, peak = list(tasks), 0.0, 0.0
    running: list[tuple[float, Task]] = []
    done: set[str] = set()
    while waiting or running:
        for task in list(waiting):
            if len(running) < threads and task.after <= done:
                waiting.remove(task)
                running.append((now + (0.0 if task.seconds is None else getattr(task.seconds, part)), task))
        if not running:  # what is waited for is never done: of a graph with a circle, which the compiler refuses
            break
        peak = max(peak, _held([task for _, task in running], threads, part))
        now = min(end for end, _ in running)
        done |= {task.model for end, task in running if end <= now}
        running = [(end, task) for end, task in running if end > now]
    return Run(float(now), float(peak))


def _held(tasks: Sequence[Task], threads: int, part: Part) -> float:
    """Of as many processes as there are threads at most, the largest ones."""
    each = [
        getattr(task.memory, part)
        for task in tasks
        if task.memory is not None
        for _ in range(max(1, task.side_by_side))
    ]
    return float(sum(sorted(each, reverse=True)[:threads]))
