"""Everything that a training loop must bring back to go on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthkit.generators.checkpoint import Checkpoint, Saved

if TYPE_CHECKING:
    import torch

    from synthkit.generators.neural.networks import Weights
    from synthkit.generators.neural.training import Averaged, History


@dataclass
class Snapshot:
    """The parts of a run, by the names under which they are saved.

    Args:
        networks: weights in training, written to in place, as the optimisers hold on to them.
        optimisers: by any names.
        random: the source of every draw of the loop.
        tensors: others that the loop reads back after :meth:`restore`: the order of an epoch's rows, say.
    """

    checkpoint: Checkpoint
    networks: Mapping[str, Weights]
    optimisers: Mapping[str, torch.optim.Optimizer]
    mean: Averaged
    history: History
    random: torch.Generator
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)

    def keep(self, step: int) -> None:
        """Save the state after ``step`` steps, if it is time to."""
        if not self.checkpoint.due():
            return
        history = self.history
        tensors = {f"network.{n}.{k}": w for n, weights in self.networks.items() for k, w in weights.items()}
        tensors |= {f"mean.{k}": w for k, w in self.mean.weights.items()}
        tensors |= {f"best.{k}": w for k, w in history.best.items()}
        tensors |= {f"other.{k}": t for k, t in self.tensors.items()}
        tensors["random"] = self.random.get_state()
        if history.sums is not None:
            tensors["sums"] = history.sums
        for name, optimiser in self.optimisers.items():
            for i, state in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser.{name}.{i}.{k}": t for k, t in state.items()}
        record = {
            "step": step,
            "averaged": self.mean.steps,
            "looks": history.looks,
            "best_look": history.best_look,
            "count": history.count,
        }
        self.checkpoint.save(Saved(tensors, record))

    def restore(self) -> int:
        """Bring the saved state back, if there is any. Returns how many steps it had done."""
        import torch

        saved = self.checkpoint.load()
        if saved is None:
            return 0
        with torch.no_grad():
            for name, weights in self.networks.items():
                for key, values in _under(saved, f"network.{name}.").items():
                    weights[key].copy_(values)
            for key, values in _under(saved, "mean.").items():
                self.mean.weights[key].copy_(values)
        device = self.random.device
        self.tensors |= {k: t.to(device) for k, t in _under(saved, "other.").items()}
        self.random.set_state(saved.tensors["random"])
        for name, optimiser in self.optimisers.items():
            _restore(optimiser, _under(saved, f"optimiser.{name}."))
        history, record = self.history, saved.record
        self.mean.steps = record["averaged"]
        history.looks = [dict(look) for look in record["looks"]]
        history.best_look, history.count = record["best_look"], record["count"]
        history.best = {k: w.to(device) for k, w in _under(saved, "best.").items()}
        history.sums = saved.tensors["sums"].to(device) if "sums" in saved.tensors else None
        return int(record["step"])


def _restore(optimiser: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """The moments of every weight; the rates are set by the loop at each step."""
    state: dict[int, dict[str, Any]] = {}
    for key, values in tensors.items():
        index, _, part = key.partition(".")
        state.setdefault(int(index), {})[part] = values
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def _under(saved: Saved, prefix: str) -> dict[str, torch.Tensor]:
    """The saved tensors whose names begin so, without the beginning."""
    return {k.removeprefix(prefix): t for k, t in saved.tensors.items() if k.startswith(prefix)}
