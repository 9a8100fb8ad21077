"""The networks as plain tensors by name: what is trained, averaged, saved and loaded is one dictionary.

CTGAN's generator and critic follow Xu et al. 2019, section 4.4 (residual blocks that hand their input on; a critic over
``pac`` rows at once, after PacGAN). The critic's gradient penalty is written out, which saves the second-order graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    Weights = dict[str, torch.Tensor]

SLOPE = 0.2  # of the critic's LeakyReLU
DROPOUT = 0.5  # of the critic
MOMENTUM = 0.1  # of the running statistics of the batch norms


def linear(weights: Weights, name: str, inputs: int, outputs: int, generator: torch.Generator) -> None:
    """Add a linear layer to ``weights``, initialised uniformly in ± 1 / sqrt(inputs) as torch's own is."""
    import torch

    bound = 1 / math.sqrt(inputs)
    for part, shape in (("weight", (outputs, inputs)), ("bias", (outputs,))):
        values = torch.rand(shape, generator=generator, device=generator.device)
        weights[f"{name}.{part}"] = values.mul_(2 * bound).sub_(bound)


def linears(weights: Weights, prefix: str, inputs: int, widths: Sequence[int], generator: torch.Generator) -> None:
    """Add a stack of linear layers, ``<prefix>0`` onwards, to ``weights``."""
    for i, width in enumerate(widths):
        linear(weights, f"{prefix}{i}", inputs, width, generator)
        inputs = width


def new_generator(inputs: int, hidden: Sequence[int], outputs: int, generator: torch.Generator) -> Weights:
    """CTGAN's generator: blocks of linear, batch norm and ReLU whose input is appended to their output."""
    import torch

    weights: Weights = {}
    for i, width in enumerate(hidden):
        linear(weights, f"{i}", inputs, width, generator)
        for part, value in (("gain", 1.0), ("shift", 0.0), ("mean", 0.0), ("variance", 1.0)):
            weights[f"{i}.{part}"] = torch.full((width,), value, device=generator.device)
        inputs += width
    linear(weights, "out", inputs, outputs, generator)
    return weights


def trained(weights: Weights) -> list[torch.Tensor]:
    """The tensors that gradients move: all but the running statistics."""
    return [w for name, w in weights.items() if not name.endswith((".mean", ".variance"))]


def generate(weights: Weights, x: torch.Tensor, *, training: bool, momentum: float = MOMENTUM) -> torch.Tensor:
    """The generator's output before its activations, shape (rows, outputs). Training updates the running statistics."""
    import torch
    from torch.nn import functional

    for i in range(sum(name.endswith(".gain") for name in weights)):
        h = functional.linear(x, weights[f"{i}.weight"], weights[f"{i}.bias"])
        mean, variance = weights[f"{i}.mean"], weights[f"{i}.variance"]
        # One row has no variance: it is normalised as at drawing time.
        batch = training and len(h) > 1
        h = functional.batch_norm(h, mean, variance, weights[f"{i}.gain"], weights[f"{i}.shift"], batch, momentum)
        x = torch.cat([h.relu_(), x], dim=1)
    return functional.linear(x, weights["out.weight"], weights["out.bias"])


def new_critic(inputs: int, hidden: Sequence[int], generator: torch.Generator) -> Weights:
    """CTGAN's critic: linear layers with LeakyReLU and dropout, and one output."""
    weights: Weights = {}
    linears(weights, "", inputs, [*hidden, 1], generator)
    return weights


def slopes(z: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The factor that LeakyReLU and dropout together put on each ``z``: no gradient flows through it."""
    import torch

    with torch.no_grad():
        keep = torch.rand(z.shape, generator=generator, device=z.device) >= DROPOUT
        return torch.where(z > 0, 1.0, SLOPE) * keep * (1 / (1 - DROPOUT))


def criticise(weights: Weights, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The critic's value of each pack of rows: shape (packs, 1)."""
    from torch.nn import functional

    last = len(weights) // 2 - 1
    for i in range(last):
        z = functional.linear(x, weights[f"{i}.weight"], weights[f"{i}.bias"])
        x = z * slopes(z, generator)
    return functional.linear(x, weights[f"{last}.weight"], weights[f"{last}.bias"])


def critic_loss(
    weights: Weights, real: torch.Tensor, fake: torch.Tensor, generator: torch.Generator, penalty: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The Wasserstein distance that the critic sees, and its gradient penalty (Gulrajani et al. 2017), both scalars.

    Real and fake rows go through in one pass. The first layer is linear, so that its value at the points in between is
    the same mixture of its values at the ends and costs no product. The critic is piecewise linear: its gradient at x
    is the product of its weights with the slopes at x between them, an ordinary differentiable expression.
    """
    import torch
    from torch.nn import functional

    packs = len(real)
    last = len(weights) // 2 - 1
    x = torch.cat([real, fake])
    z = functional.linear(x, weights["0.weight"], weights["0.bias"])
    share = torch.rand(packs, 1, generator=generator, device=x.device)
    between = torch.lerp(z[packs:].detach().float(), z[:packs].detach().float(), share)
    masks = []
    for i in range(last):
        if i:
            z = functional.linear(x, weights[f"{i}.weight"], weights[f"{i}.bias"])
            with torch.no_grad():
                between = functional.linear(between, weights[f"{i}.weight"], weights[f"{i}.bias"])
        x = z * slopes(z, generator)
        masks.append(slopes(between, generator))
        between = between * masks[-1]
    values = functional.linear(x, weights[f"{last}.weight"], weights[f"{last}.bias"])
    distance = values[:packs].mean() - values[packs:].mean()
    gradient = weights[f"{last}.weight"]
    for i in reversed(range(last)):
        gradient = (gradient * masks[i]) @ weights[f"{i}.weight"]
    return distance, penalty * (gradient.norm(dim=1) - 1).square().mean()
