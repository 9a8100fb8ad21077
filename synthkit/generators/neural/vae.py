"""TVAE's training loop (Xu et al. 2019, section 4.5), over all columns at once.

After training, the prior that rows are drawn from is fitted to where the encoder puts the training rows: a mixture of
normal distributions in the place of one (Ghosh et al. 2020, "From variational to deterministic autoencoders": ex-post
density estimation), because the decoder has only seen those places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.neural.judge import Judge
from synthkit.generators.neural.layout import Layout
from synthkit.generators.neural.networks import linear, linears
from synthkit.generators.neural.rows import Rows
from synthkit.generators.neural.snapshot import Snapshot
from synthkit.generators.neural.training import Averaged, History, Plan, Report, autocast, compiled, optimiser, set_rate

if TYPE_CHECKING:
    import torch

    from synthkit.generators.checkpoint import Checkpoint
    from synthkit.generators.neural.networks import Weights
    from synthkit.generators.neural.params import TvaeParams

LOSSES = ("reconstruction", "divergence")
NARROWEST, WIDEST = 0.01, 1.0  # standard deviation of a scalar around its decoded value
PRIOR_ROWS = 5_000  # that the mixture is fitted to, at most
ACTIVE = 0.01  # variance of the encoded means from which on a latent number says something


@dataclass(frozen=True)
class Networks:
    """Encoder and decoder as one dictionary: ``in.*``, ``mean.*``, ``log_variance.*``; ``out.*`` and ``sigma``."""

    layout: Layout
    weights: Weights
    params: TvaeParams
    random: torch.Generator

    @staticmethod
    def new(rows: Rows, params: TvaeParams, seed: int) -> Networks:
        import torch

        random = torch.Generator(rows.cells.device).manual_seed(seed)
        weights: Weights = {}
        linears(weights, "in.", rows.layout.width, params.compress_dims, random)
        for name in ("mean", "log_variance"):
            linear(weights, name, params.compress_dims[-1], params.embedding_dim, random)
        linears(weights, "out.", params.embedding_dim, (*params.decompress_dims, rows.layout.width), random)
        weights["sigma"] = torch.full((rows.layout.scalars,), 0.1, device=random.device)
        for w in weights.values():
            w.requires_grad_()
        return Networks(rows.layout, weights, params, random)


def apply(weights: Weights, name: str, x: torch.Tensor, *, last_linear: bool) -> torch.Tensor:
    """Linear layers with ReLU between them, and after the last one too if it is not to stay linear."""
    from torch.nn import functional

    count = sum(key.startswith(f"{name}.") and key.endswith(".weight") for key in weights)
    for i in range(count):
        x = functional.linear(x, weights[f"{name}.{i}.weight"], weights[f"{name}.{i}.bias"])
        if i < count - 1 or not last_linear:
            x = x.relu()
    return x


def encode(weights: Weights, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and logarithm of the variance of each row's latent numbers: shape (rows, embedding_dim) each."""
    from torch.nn import functional

    h = apply(weights, "in", x, last_linear=False)
    parts = ("mean", "log_variance")
    mean, log_variance = (functional.linear(h, weights[f"{p}.weight"], weights[f"{p}.bias"]) for p in parts)
    return mean, log_variance


def loss_of(nets: Networks, rows: Rows, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Reconstruction loss and divergence of some rows: the negative of the evidence bound's two terms, means."""
    import torch

    layout, weights = nets.layout, nets.weights
    cells, residuals = rows.cells[index].long(), rows.residuals[index]
    mean, log_variance = encode(weights, layout.expand(cells, residuals))
    noise = torch.randn(mean.shape, generator=nets.random, device=mean.device)
    out = apply(weights, "out", mean + noise * (0.5 * log_variance).exp(), last_linear=True)
    logits, scalars = out[:, : layout.cells].float(), out[:, layout.cells :].float().tanh()
    loss = (layout.log_normaliser(logits).sum(1) - logits.gather(1, cells).sum(1)).mean()
    if layout.scalars:
        sigma = weights["sigma"].clamp(NARROWEST, WIDEST)
        has = layout.has_residual[cells[:, layout.discrete :]]
        gap = ((residuals - scalars) / sigma).square() / 2 + sigma.log()
        loss = loss + (gap * has).sum(1).mean()
    divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()
    return loss, divergence


def train(
    rows: Rows, params: TvaeParams, seed: int, report: Report, checkpoint: Checkpoint
) -> tuple[Weights, torch.Tensor, History]:
    """Train on ``rows``. Returns the best averaged weights with the fitted prior, no conditions, and the record."""
    import torch

    nets = Networks.new(rows, params, seed)
    plan = Plan.of(len(rows), params)
    judge, history = Judge(rows, seed), History(LOSSES, params.patience)
    mean = Averaged.of(nets.weights, params.averaging)
    step = optimiser(list(nets.weights.values()), params.lr, params.l2scale)
    precision, losses = autocast(params.amp, nets.random.device), compiled(params.compile, loss_of)
    snapshot = Snapshot(checkpoint, {"all": nets.weights}, {"all": step}, mean, history, nets.random)
    for number in range(snapshot.restore() + 1, plan.steps + 1):
        place = (number - 1) % plan.per_epoch
        if place == 0:
            snapshot.tensors["order"] = torch.randperm(len(rows), generator=nets.random, device=nets.random.device)
        set_rate(step, params.lr * plan.rate(number - 1, params.schedule))
        with precision:
            index = snapshot.tensors["order"][place * params.batch_size :][: params.batch_size]
            wrong, divergence = losses(nets, rows, index)
        step.zero_grad()
        torch.autograd.backward(params.loss_factor * wrong + divergence)
        step.step()
        history.add((wrong, divergence))
        mean.update(nets.weights)
        if number % plan.every == 0 or number == plan.steps:
            # Judged, and kept, as rows will be drawn: with the prior fitted to these very weights.
            weights = mean.weights
            if params.prior == "mixture":
                weights = weights | prior(weights, rows, params, seed)
            verdict = judge(*drawn(weights, nets, judge.rows), nets.random)
            on = history.look(number, number / plan.per_epoch, weights, verdict)
            report(number, plan.steps, history.note)
            if not on:
                break
        snapshot.keep(number)
    best = {k: w for k, w in history.best.items() if not k.startswith(("in.", "mean.", "log_variance."))}
    return best, torch.zeros(0, dtype=torch.float64), history


def drawn(weights: Weights, nets: Networks, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows for the judge: logits and scalars."""
    import torch

    with torch.no_grad():
        noise = torch.randn(rows, nets.params.embedding_dim, generator=nets.random, device=nets.random.device)
        return decode(weights, nets.layout, noise, nets.random)


def decode(
    weights: Weights, layout: Layout, noise: torch.Tensor, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and scalars of rows drawn by standard normal noise of shape (rows, embedding_dim)."""
    import torch

    z = noise
    if "prior.weights" in weights:
        chances = torch.rand(len(noise), generator=random, device=noise.device, dtype=torch.float64)
        which = torch.searchsorted(weights["prior.weights"], chances, right=True)
        which = which.clamp_(max=len(weights["prior.weights"]) - 1)
        z, active = noise.clone(), weights["prior.active"]
        # Grouped by component: one product each in the place of one matrix per row.
        for k in range(len(weights["prior.weights"])):
            of = (which == k).nonzero()[:, 0][:, None]
            z[of, active] = weights["prior.means"][k] + noise[of, active] @ weights["prior.factors"][k].t()
    out = apply(weights, "out", z, last_linear=True)
    sigma = weights["sigma"].clamp(NARROWEST, WIDEST)
    scalars = out[:, layout.cells :].tanh()
    scalars = scalars + sigma * torch.randn(scalars.shape, generator=random, device=scalars.device)
    return out[:, : layout.cells], scalars.clamp_(-1, 1)


def prior(weights: Weights, rows: Rows, params: TvaeParams, seed: int) -> Weights:
    """A mixture of normal distributions over the active latent numbers of the training rows; {} where none is active.

    Returns:
        ``prior.weights`` (running sums, float64), ``prior.means`` (components, active), ``prior.factors`` (components,
        active, active; lower triangles whose product with its transpose is the covariance), ``prior.active``.
    """
    import warnings

    import numpy as np
    import torch
    from sklearn.mixture import GaussianMixture

    random = torch.Generator(rows.cells.device).manual_seed(seed)
    index = torch.randperm(len(rows), generator=random, device=rows.cells.device)[:PRIOR_ROWS]
    with torch.no_grad():
        mean, log_variance = encode(weights, rows.vectors(index))
        noise = torch.randn(mean.shape, generator=random, device=mean.device)
        z = (mean + noise * (0.5 * log_variance).exp()).cpu()
    active = (mean.var(0, correction=0) > ACTIVE).nonzero()[:, 0].cpu()
    components = min(params.prior_components, len(z) // 100)
    if not len(active) or components < 1:
        return {}
    mixture: Any = GaussianMixture(components, reg_covar=1e-4, max_iter=30, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged: it is good enough sooner
        mixture.fit(z[:, active].double().numpy())
    sums = np.cumsum(mixture.weights_ / mixture.weights_.sum())
    found = {
        "prior.weights": torch.from_numpy(sums),
        "prior.means": torch.from_numpy(mixture.means_).float(),
        "prior.factors": torch.from_numpy(np.linalg.cholesky(mixture.covariances_)).float(),
        "prior.active": active,
    }
    # It is fitted on the host, and drawn from beside the other weights.
    return {name: tensor.to(rows.cells.device) for name, tensor in found.items()}
