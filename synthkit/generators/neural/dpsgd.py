"""The one door through which gradients of private rows leave: sampled, clipped, summed, and noisy (DP-SGD).

Abadi et al. 2016, "Deep learning with differential privacy", with what is easily got wrong made explicit:

- each row is in a step's sample by a coin of its own (Poisson sampling), for the coins of the actual rows;
- sums are divided by the *declared* expected size of a sample, never by the size of this one, and an empty sample is a
  step of noise alone;
- whatever else a row's loss draws (the noise of its encoding, where it is mixed with a made-up row) comes from the same
  secret source as the noise. From the build's seed, which is public, it would be dealt out in the order of the sample,
  and one row more would change the gradients of all rows behind it.

Noise and samples are drawn on the host, where the secret source is, and sent to the device; nothing comes back.

The noise is floating-point noise, from :meth:`.Noise.normal`: not hardened against an attacker
who sees the last bits of the weights (Mironov 2012), unlike the integers of the histograms.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from synthkit.generators.devices import sent
from synthkit.generators.neural.clipping import clipped_sum
from synthkit.generators.neural.spending import Spending, gradient_mechanism
from synthkit.privacy.accounting.mechanisms import SubsampledGaussian

if TYPE_CHECKING:
    import torch

    from synthkit.generators.neural.networks import Weights
    from synthkit.generators.neural.watching import RowGradients, Watcher
    from synthkit.privacy.accounting.noise import Noise

CHUNK = 8_192  # rows whose gradients are held at once, at most
NUMBERS = 4_000_000  # in the inputs of a layer of so many rows: fewer rows of a wide table at once


class PrivateGradients:
    """Answers with noisy mean gradients over samples of the rows, and counts its answers.

    Args:
        cells: of every row, int32, shape (rows, columns), on the device; private, and seen by nobody else.
        plan: rate, noise and the expected size of a sample.
        norm: that every row's gradient is clipped to.
        noise: of samples, of gradients, and of what the rows' losses draw.
        watcher: is shown what leaves.
    """

    def __init__(
        self, cells: torch.Tensor, plan: Spending, norm: float, noise: Noise, watcher: Watcher | None = None
    ) -> None:
        self._cells, self.plan, self.norm, self.noise, self.watcher = cells, plan, norm, noise, watcher
        self.device = cells.device
        self.steps = 0

    def mean(self, gradients: RowGradients, shapes: Weights) -> Weights:
        """One step's noisy mean gradient, by weight name.

        Args:
            gradients: those of some rows, by their cells: each of its own row and of no other.
            shapes: tensors of the shapes that gradients have; a weight that is not among them is not moved.
        """
        import torch

        self.steps += 1
        sums = {name: torch.zeros_like(w) for name, w in shapes.items()}
        widest = max(w.shape[-1] for w in shapes.values())
        for part in self._sample(max(1, min(CHUNK, NUMBERS // widest))):
            for name, value in clipped_sum(gradients(part), self.norm).items():
                sums[name] += value
        deviation = self.plan.noise_multiplier * self.norm
        released = {n: (s + deviation * self.normal(*s.shape)) / self.plan.batch for n, s in sums.items()}
        if self.watcher is not None:
            self.watcher.step(gradients, released)
        return released

    def normal(self, *shape: int) -> torch.Tensor:
        """Secret standard normal numbers, float32."""
        import math

        import torch

        values = torch.from_numpy(self.noise.normal(math.prod(shape)))
        return sent(values.float(), self.device).view(shape)

    def uniform(self, count: int) -> torch.Tensor:
        """Secret numbers in [0, 1], float32, shape (count,)."""
        import torch

        found: torch.Tensor = torch.special.ndtr(self.normal(count))
        return found

    @property
    def spent(self) -> SubsampledGaussian | None:
        """What the steps so far compose to; None before the first."""
        plan = self.plan
        return gradient_mechanism(plan.noise_multiplier, plan.rate, self.steps, plan.unit) if self.steps else None

    def _sample(self, most: int) -> Iterator[torch.Tensor]:
        """The cells of the rows in a new sample, ``most`` rows at a time."""
        import numpy as np
        import torch

        chosen = np.flatnonzero(self.noise.poisson_sample(len(self._cells), self.plan.rate))
        for part in torch.split(torch.from_numpy(chosen), most):
            if len(part):
                yield self._cells[sent(part, self.device)]
