"""What the next build is expected to take, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synthkit.stats.predict import Estimate


@dataclass(frozen=True)
class ModelForecast:
    """A model in the next build.

    Args:
        action: what is to be done for it.
        seconds: from its beginning to its end.
        memory: the most that one process of it holds; None where no run measured it.
        side_by_side: how many such processes it has at once, at most.
        cost: USD of machines; None where no price is declared.
        resting: what it rests on, in words, where that is not earlier runs of just this.
    """

    model: str
    action: str
    seconds: Estimate
    cpu_seconds: Estimate | None
    memory: Estimate | None
    side_by_side: int
    cost: Estimate | None
    resting: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "seconds": _said(self.seconds),
            "cpu_seconds": _said(self.cpu_seconds),
            "memory": _said(self.memory),
            "cost": _said(self.cost),
            "resting": self.resting or None,
        }


@dataclass(frozen=True)
class Forecast:
    """The next build.

    Args:
        seconds: of the whole, with as many models at a time as there are threads; None where nothing is known.
        memory: of all its processes on one machine together, or of the largest where they are on many.
        unknown: models of which no earlier run tells, so that figures of the whole are at the least.
        warnings: what will not fit.
    """

    models: tuple[ModelForecast, ...]
    unknown: tuple[str, ...]
    seconds: Estimate | None
    memory: Estimate | None
    cost: Estimate | None
    threads: int
    warnings: tuple[str, ...] = ()

    def of(self, model: str) -> ModelForecast | None:
        return next((m for m in self.models if m.model == model), None)

    def to_json(self) -> dict[str, Any]:
        whole = {"seconds": _said(self.seconds), "memory": _said(self.memory), "cost": _said(self.cost)}
        models = [m.to_json() for m in self.models]
        return {**whole, "threads": self.threads, "unknown": list(self.unknown), "models": models}


def _said(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else estimate.json
