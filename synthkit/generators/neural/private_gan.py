"""CTGAN's training by DP-SGD on the critic; the generator only ever sees the critic, so it is post-processing.

Per row i the critic's loss is D(fake_i) - D(real_i) + penalty · (|∇D(between_i)| - 1)², with a made-up row and a point
in between of its own, so that a row touches one gradient and no other. The critic is piecewise linear and has neither
batch norm nor dropout nor packs. Its gradients are written out as outer products (:mod:`~.clipping`), the penalty's
too: the critic's gradient at x is g = W₁ᵀ M₁ W₂ᵀ M₂ … w with the slopes M at x, linear in each layer, so that for a
fixed u the derivative of u·g by a layer is the outer product of what u becomes on its way up to the layer and what 1
becomes on its way down to it.

Conditions and training by sampling are left out: to choose rows by their category is to weigh them by private
frequencies. The noisy histograms give the generator's first bias, the mean row that is taken off the critic's input,
and the marginals of the rows drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.generators.neural.clipping import Gradients, Products
from synthkit.generators.neural.layout import Layout, gumbel
from synthkit.generators.neural.networks import SLOPE, generate, new_critic, new_generator, trained
from synthkit.generators.neural.private_model import RAREST, Training
from synthkit.generators.neural.training import Averaged, optimiser, rate_of, set_rate

if TYPE_CHECKING:
    import torch

    from synthkit.generators.neural.networks import Weights
    from synthkit.generators.neural.private_params import PrivateCtganParams

BETAS = (0.5, 0.9)  # of Adam, as in the article
SETTLING = 20  # batches over which the running statistics of averaged weights are taken anew
PUBLIC = 500  # made-up rows per step of the generator
POOL = 2_048  # made-up rows per step of the critic, at most; a row's partner is any of them
NUMBERS = 4_000_000  # in these rows, so that wide tables take no more memory than narrow ones


@dataclass(frozen=True)
class Pass:
    """The critic at some rows.

    Args:
        inputs: of each layer, shape (rows, inputs).
        outputs: derivative of the value by each layer's outputs, shape (rows, outputs).
        slopes: of the LeakyReLU of each hidden layer.
    """

    inputs: list[torch.Tensor]
    outputs: list[torch.Tensor]
    slopes: list[torch.Tensor]


def through(critic: Weights, x: torch.Tensor) -> Pass:
    """The critic's layers at ``x``, shape (rows, inputs)."""
    import torch
    from torch.nn import functional

    last = len(critic) // 2 - 1
    inputs, slopes = [x], []
    for i in range(last):
        z = functional.linear(inputs[-1], critic[f"{i}.weight"], critic[f"{i}.bias"])
        slopes.append(torch.where(z > 0, 1.0, SLOPE))
        inputs.append(z * slopes[-1])
    outputs = [torch.ones(len(x), 1, device=x.device)]
    for i in reversed(range(last)):
        outputs.insert(0, (outputs[0] @ critic[f"{i + 1}.weight"]) * slopes[i])
    return Pass(inputs, outputs, slopes)


def critic_gradients(
    critic: Weights, real: torch.Tensor, fake: torch.Tensor, share: torch.Tensor, penalty: float
) -> Gradients:
    """Each row's gradient of its own loss.

    Args:
        real, fake: shape (rows, inputs); a made-up row for each real one.
        share: of the real row in the point in between, shape (rows,).
    """
    import torch

    with torch.no_grad():
        at_real, at_fake = through(critic, real), through(critic, fake)
        between = through(critic, torch.lerp(fake, real, share[:, None]))
        slope = between.outputs[0] @ critic["0.weight"]
        length = slope.norm(dim=1, keepdim=True).clamp(min=1e-12)
        # d/dW (|g| - 1)² = d/dW u·g with u = 2 (|g| - 1) g / |g| held fixed
        up = 2 * penalty * (length - 1) * slope / length
        found = {}
        for i in range(len(critic) // 2):
            terms = Products.single(-at_real.outputs[i], at_real.inputs[i])
            terms = terms.plus(Products.single(at_fake.outputs[i], at_fake.inputs[i]))
            found[f"{i}"] = terms.plus(Products.single(between.outputs[i], up, bias=False))
            if i < len(between.slopes):
                up = (up @ critic[f"{i}.weight"].t()) * between.slopes[i]
        return found


@dataclass(frozen=True)
class Networks:
    """Generator and critic in training; ``random`` draws made-up rows, and is public."""

    layout: Layout
    shares: torch.Tensor
    generator: Weights
    critic: Weights
    params: PrivateCtganParams
    random: torch.Generator

    @staticmethod
    def new(layout: Layout, shares: torch.Tensor, params: PrivateCtganParams, seed: int) -> Networks:
        import torch

        random = torch.Generator(shares.device).manual_seed(seed)
        generator = new_generator(params.embedding_dim, params.generator_dim, layout.width, random)
        generator["out.bias"] = shares.clamp(min=RAREST).log()
        critic = new_critic(layout.width, params.discriminator_dim, random)
        for w in trained(generator):
            w.requires_grad_()
        return Networks(layout, shares, generator, critic, params, random)

    def fake(self, rows: int) -> torch.Tensor:
        """Made-up rows as the critic sees them: shape (rows, cells)."""
        logits = generate(self.generator, self.noise(rows), training=True)
        soft = self.layout.softmax((logits + gumbel(logits, self.random)) / self.params.temperature)
        return soft - self.shares

    def noise(self, rows: int) -> torch.Tensor:
        import torch

        return torch.randn(rows, self.params.embedding_dim, generator=self.random, device=self.random.device)


def train(given: Training, params: PrivateCtganParams) -> Weights:
    """Train the critic by noisy gradients, the generator by the critic. Returns the generator's averaged weights."""
    import torch

    nets, source = Networks.new(given.layout, given.shares, params, given.seed), given.gradients
    generator = optimiser(trained(nets.generator), params.generator_lr, params.generator_decay, BETAS)
    critic = optimiser(list(nets.critic.values()), params.discriminator_lr, params.discriminator_decay, BETAS)
    mean = Averaged.of(nets.generator, params.averaging)
    pool = max(2, min(POOL, round(source.plan.batch), NUMBERS // given.layout.width))
    every = max(1, given.steps // params.looks)
    for number in range(given.steps):
        factor = rate_of(number, given.steps, params.schedule)
        set_rate(critic, params.discriminator_lr * factor)
        with torch.no_grad():
            made = nets.fake(pool)

        def gradients(cells: torch.Tensor, made: torch.Tensor = made) -> Gradients:
            real = given.layout.expand(cells.long(), made.new_zeros(len(cells), 0)) - given.shares
            # A partner of the row's own, by secret chance: dealt out in order, one row more would move all behind it.
            partner = (source.uniform(len(cells)) * len(made)).long().clamp_(max=len(made) - 1)
            share = source.uniform(len(cells))
            return critic_gradients(nets.critic, real, made[partner], share, params.gradient_penalty)

        for name, gradient in source.mean(gradients, nets.critic).items():
            nets.critic[name].grad = gradient
        critic.step()
        if (number + 1) % params.discriminator_steps == 0:
            set_rate(generator, params.generator_lr * factor)
            generator_step(nets, generator)
            mean.update(nets.generator)
        if (number + 1) % every == 0 or number + 1 == given.steps:
            given.report(number + 1, given.steps)
    settle(mean.weights, nets)
    return mean.weights


def generator_step(nets: Networks, step: torch.optim.Optimizer) -> None:
    """Towards rows that the critic takes for real."""
    import torch
    from torch.nn import functional

    x = nets.fake(PUBLIC)
    last = len(nets.critic) // 2 - 1
    for i in range(last + 1):
        x = functional.linear(x, nets.critic[f"{i}.weight"], nets.critic[f"{i}.bias"])
        x = functional.leaky_relu(x, SLOPE) if i < last else x
    step.zero_grad()
    torch.autograd.backward(-x.mean())
    step.step()


def settle(weights: Weights, nets: Networks) -> None:
    """Take the running statistics anew: those averaged over the training belong to no weights in particular."""
    import torch

    with torch.no_grad():
        for i in range(SETTLING):
            generate(weights, nets.noise(PUBLIC), training=True, momentum=1 / (i + 1))


def decode(weights: Weights, noise: torch.Tensor) -> torch.Tensor:
    """Logits of rows drawn from standard normal noise, shape (rows, cells)."""
    return generate(weights, noise, training=False)
