"""TVAE's training by DP-SGD: encoder and decoder both see rows, so both are trained by noisy gradients.

What the noisy histograms know is put in beforehand, where it costs nothing: rows enter the encoder less the mean row,
and the decoder's last bias is the logarithm of the cells' shares and stays so. The gradients are left to say how
columns depend on each other. The decoder alone is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthkit.generators.neural.clipping import Gradients, Products
from synthkit.generators.neural.networks import linear, linears
from synthkit.generators.neural.private_model import RAREST, Training
from synthkit.generators.neural.training import Averaged, optimiser, rate_of, set_rate

if TYPE_CHECKING:
    import torch

    from synthkit.generators.neural.layout import Layout
    from synthkit.generators.neural.networks import Weights
    from synthkit.generators.neural.private_params import PrivateTvaeParams


def new_networks(layout: Layout, shares: torch.Tensor, params: PrivateTvaeParams, seed: int) -> Weights:
    """First weights: ``in.*``, ``mean.*``, ``log_variance.*``, ``out.*``."""
    import torch

    random = torch.Generator(shares.device).manual_seed(seed)
    weights: Weights = {}
    linears(weights, "in.", layout.width, params.compress_dims, random)
    for name in ("mean", "log_variance"):
        linear(weights, name, params.compress_dims[-1], params.embedding_dim, random)
    linears(weights, "out.", params.embedding_dim, (*params.decompress_dims, layout.width), random)
    weights[f"out.{len(params.decompress_dims)}.bias"] = shares.clamp(min=RAREST).log()
    return weights


def gradients_of(
    weights: Weights,
    layout: Layout,
    shares: torch.Tensor,
    cells: torch.Tensor,
    noise: torch.Tensor,
    factor: float,
) -> Gradients:
    """Each row's gradient of ``factor`` · reconstruction + divergence, the negative evidence bound of Kingma & Welling.

    Args:
        cells: int32, shape (rows, columns).
        noise: standard normal, shape (rows, embedding_dim).
    """
    import torch

    with torch.enable_grad():
        cells = cells.long()
        rows = layout.expand(cells, shares.new_zeros(len(cells), 0))
        layers: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}

        def through(name: str, x: torch.Tensor) -> torch.Tensor:
            z = torch.nn.functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
            z = z if z.requires_grad else z.requires_grad_()
            layers[name] = z, x.detach()
            return z

        h = rows - shares
        for i in range(depth(weights, "in")):
            h = through(f"in.{i}", h).relu()
        mean, log_variance = through("mean", h), through("log_variance", h)
        h = mean + noise * (0.5 * log_variance).exp()
        last = depth(weights, "out") - 1
        for i in range(last):
            h = through(f"out.{i}", h).relu()
        logits = through(f"out.{last}", h)
        wrong = layout.log_normaliser(logits).sum(1) - logits.gather(1, cells).sum(1)
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)
        loss = (factor * wrong + divergence).sum()
        outputs = torch.autograd.grad(loss, [z for z, _ in layers.values()])
    return {
        name: Products.single(g, x, bias=name != f"out.{last}")
        for (name, (_, x)), g in zip(layers.items(), outputs, strict=True)
    }


def depth(weights: Weights, name: str) -> int:
    """How many layers a stack has."""
    return sum(key.startswith(f"{name}.") and key.endswith(".weight") for key in weights)


def train(given: Training, params: PrivateTvaeParams) -> Weights:
    """Train by noisy gradients. Returns the averaged weights of the decoder."""
    layout, shares, source = given.layout, given.shares, given.gradients
    weights = new_networks(layout, shares, params, given.seed)
    fixed = f"out.{len(params.decompress_dims)}.bias"
    moved = {k: w for k, w in weights.items() if k != fixed}
    mean = Averaged.of(weights, params.averaging)
    step = optimiser(list(moved.values()), params.lr, params.l2scale)

    def gradients(cells: torch.Tensor) -> Gradients:
        noise = source.normal(len(cells), params.embedding_dim)
        return gradients_of(weights, layout, shares, cells, noise, params.loss_factor)

    every = max(1, given.steps // params.looks)
    for number in range(given.steps):
        set_rate(step, params.lr * rate_of(number, given.steps, params.schedule))
        for name, gradient in source.mean(gradients, moved).items():
            moved[name].grad = gradient
        step.step()
        mean.update(weights)
        if (number + 1) % every == 0 or number + 1 == given.steps:
            given.report(number + 1, given.steps)
    return {k: w for k, w in mean.weights.items() if k.startswith("out.")}


def decode(weights: Weights, noise: torch.Tensor) -> torch.Tensor:
    """Logits of rows drawn from standard normal noise, shape (rows, cells)."""
    from torch.nn import functional

    x, last = noise, depth(weights, "out") - 1
    for i in range(last + 1):
        x = functional.linear(x, weights[f"out.{i}.weight"], weights[f"out.{i}.bias"])
        x = x.relu() if i < last else x
    return x
