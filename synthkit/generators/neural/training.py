"""What every training loop needs: a schedule, averaged weights, a record, early stopping."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.files import Json
from synthkit.generators.neural.judge import Verdict

if TYPE_CHECKING:
    import torch

    from synthkit.generators.neural.networks import Weights
    from synthkit.generators.neural.params import NeuralParams

Report = Callable[[int, int, str], None]  # steps done, steps in all, a note


@dataclass(frozen=True)
class Plan:
    """How long a run is: ``steps`` in all, ``per_epoch`` of them, and the steps after which the judge looks."""

    steps: int
    per_epoch: int
    every: int

    @staticmethod
    def of(rows: int, params: NeuralParams) -> Plan:
        per_epoch = max(1, rows // params.batch_size)
        steps = min(params.max_steps, max(params.min_steps, params.epochs * per_epoch))
        epochs = max(1, math.ceil(steps / per_epoch / params.looks))
        return Plan(steps, per_epoch, min(steps, epochs * per_epoch))

    def rate(self, step: int, schedule: str) -> float:
        """Factor of the learning rates at a step."""
        return rate_of(step, self.steps, schedule)


def rate_of(step: int, steps: int, schedule: str) -> float:
    """Factor of the learning rates at one of ``steps`` steps."""
    return 1.0 if schedule == "constant" else max(0.01, 0.5 * (1 + math.cos(math.pi * step / steps)))


@dataclass
class Averaged:
    """The moving average of weights over the steps; it follows closely at first (decay at most (1 + t) / (10 + t))."""

    decay: float
    weights: Weights
    steps: int = 0

    @staticmethod
    def of(weights: Weights, decay: float) -> Averaged:
        return Averaged(decay, {k: w.detach().clone() for k, w in weights.items()})

    def update(self, weights: Weights) -> None:
        import torch

        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            mean, new = list(self.weights.values()), [weights[k] for k in self.weights]
            if decay == 0:
                torch._foreach_copy_(mean, new)
            else:
                torch._foreach_lerp_(mean, new, 1 - decay)


@dataclass
class History:
    """Losses and judgements of a run, one entry per look; the best weights seen, and whether to stop.

    ``sums`` gathers the losses, in the order of ``names``, on the device, so that the loop never waits for it.
    """

    names: tuple[str, ...]
    patience: int | None
    looks: list[dict[str, float]] = field(default_factory=list)
    best: Weights = field(default_factory=dict)
    best_look: int = -1
    sums: Any = None
    count: int = 0

    def add(self, losses: tuple[torch.Tensor, ...]) -> None:
        """Add one step's losses."""
        import torch

        found = torch.stack([x.detach().float() for x in losses])
        self.sums = found if self.sums is None else self.sums + found
        self.count += 1

    def look(self, step: int, epoch: float, weights: Weights, verdict: Verdict) -> bool:
        """Note a judgement of the weights; keep them if they are the best. Returns whether to go on."""
        means = (self.sums / self.count).tolist()
        self.sums, self.count = None, 0
        losses = dict(zip(self.names, means, strict=True))
        if not all(math.isfinite(x) for x in means):
            raise BuildError(
                f"training diverged at step {step:,}: a loss is no longer finite",
                hint="lower the learning rates, or turn amp off",
            )
        self.looks.append({"step": step, "epoch": round(epoch, 2), **losses, **asdict(verdict)})
        best = self.looks[self.best_look]["pairs"] if self.best else math.inf
        if verdict.pairs < best:
            self.best_look = len(self.looks) - 1
            self.best = {k: w.detach().clone() for k, w in weights.items()}
        return self.patience is None or len(self.looks) - 1 - self.best_look < self.patience

    @property
    def note(self) -> str:
        """The last look in a few words."""
        last = self.looks[-1]
        return f"pairs {last['pairs']:.5f}, coverage {last['coverage']:.0%}"

    def record(self) -> Json:
        """What is kept with the model, JSON-able."""
        return {"kept": self.best_look, "looks": self.looks}


def optimiser(
    weights: list[torch.Tensor], lr: float, decay: float, betas: tuple[float, float] = (0.9, 0.999)
) -> torch.optim.Adam:
    """Adam in one fused call per step."""
    import torch

    return torch.optim.Adam(weights, lr=lr, betas=betas, weight_decay=decay, fused=True)


def set_rate(optimiser: torch.optim.Adam, lr: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = lr


def autocast(amp: bool, device: torch.device) -> AbstractContextManager[Any]:
    """bfloat16 where it is asked for."""
    import torch

    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=amp)


def compiled(wanted: bool, function: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    return torch.compile(function) if wanted else function
