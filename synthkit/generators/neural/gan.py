"""CTGAN's training loop (Xu et al. 2019), with one pass of the generator per step.

The rows that the critic was trained on are those that the generator is then judged by: half of the passes of the
published loop, and the generator's step sees the critic that has just seen the same rows. Nothing in a step waits for
the device: losses gather there, and indices are drawn there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.neural.conditions import Conditions, condition_vectors
from synthkit.generators.neural.judge import Judge
from synthkit.generators.neural.layout import Layout, gumbel
from synthkit.generators.neural.networks import critic_loss, criticise, generate, new_critic, new_generator, trained
from synthkit.generators.neural.rows import Rows
from synthkit.generators.neural.snapshot import Snapshot
from synthkit.generators.neural.training import Averaged, History, Plan, Report, autocast, compiled, optimiser, set_rate

if TYPE_CHECKING:
    import torch

    from synthkit.generators.checkpoint import Checkpoint
    from synthkit.generators.neural.networks import Weights
    from synthkit.generators.neural.params import CtganParams

LOSSES = ("wasserstein", "penalty", "generator", "condition")
BETAS = (0.5, 0.9)  # of Adam, as in the article
SETTLING = 20  # batches over which the running statistics of averaged weights are taken anew


@dataclass(frozen=True)
class Networks:
    """Generator and critic in training, with what draws their inputs."""

    layout: Layout
    conditions: Conditions
    generator: Weights
    critic: Weights
    params: CtganParams
    random: torch.Generator

    @staticmethod
    def new(rows: Rows, params: CtganParams, seed: int) -> Networks:
        import torch

        layout, device = rows.layout, rows.cells.device
        random = torch.Generator(device).manual_seed(seed)
        conditions = Conditions.of(layout, rows.cells, log_frequency=params.log_frequency)
        inputs = params.embedding_dim + layout.conditions
        generator = new_generator(inputs, params.generator_dim, layout.width, random)
        critic = new_critic((layout.width + layout.conditions) * params.pac, params.discriminator_dim, random)
        for w in (*trained(generator), *trained(critic)):
            w.requires_grad_()
        return Networks(layout, conditions, generator, critic, params, random)

    def optimisers(self) -> tuple[torch.optim.Adam, torch.optim.Adam]:
        """The generator's and the critic's."""
        p = self.params
        return (
            optimiser(trained(self.generator), p.generator_lr, p.generator_decay, BETAS),
            optimiser(trained(self.critic), p.discriminator_lr, p.discriminator_decay, BETAS),
        )

    def condition(self, rows: int, *, original: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Condition cells, shape (rows,), and their vectors, shape (rows, conditions); both empty without any."""
        import torch

        if not self.conditions.columns:
            none = torch.zeros(rows, 0, device=self.random.device)
            return none.long(), none
        cells = self.conditions.draw(rows, self.random, original=original)
        return cells, condition_vectors(cells, self.layout.conditions)

    def inputs(self, condition: torch.Tensor) -> torch.Tensor:
        """New noise beside the condition vectors: what the generator starts from."""
        import torch

        noise = torch.randn(len(condition), self.params.embedding_dim, generator=self.random, device=condition.device)
        return torch.cat([noise, condition], dim=1)

    def fake(self, condition: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows as the critic sees them, shape (rows, width), and their logits, shape (rows, cells)."""
        import torch

        out = generate(self.generator, self.inputs(condition), training=True)
        logits, scalars = out[:, : self.layout.cells], out[:, self.layout.cells :]
        soft = self.layout.softmax((logits + gumbel(logits, self.random)) / self.params.temperature)
        return torch.cat([soft, scalars.tanh()], dim=1), logits

    def packed(self, rows: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Rows with their conditions, ``pac`` in a row."""
        import torch

        width = (self.layout.width + self.layout.conditions) * self.params.pac
        return torch.cat([rows, condition], dim=1).view(-1, width)

    def condition_loss(self, logits: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        """Cross entropy of each row's condition under the segment that it is about: the mean over the rows."""
        count = self.layout.conditions
        if not count:
            return logits.new_zeros(())
        given = logits[:, :count]
        normaliser = self.layout.log_normaliser(given).gather(1, self.layout.segment[cells][:, None])
        found: torch.Tensor = (normaliser - given.gather(1, cells[:, None])).mean()
        return found


def critic_step(nets: Networks, rows: Rows, step: torch.optim.Optimizer) -> tuple[Any, ...]:
    """One step of the critic. Returns its losses and the rows drawn for it, which the generator's step takes over."""
    import torch

    cells, condition = nets.condition(nets.params.batch_size)
    if nets.conditions.columns:
        index = nets.conditions.rows_with(cells, nets.random)
    else:
        index = torch.randint(len(rows), (len(cells),), generator=nets.random, device=nets.random.device)
    fake, logits = nets.fake(condition)
    real = nets.packed(rows.vectors(index), condition)
    distance, penalty = critic_loss(
        nets.critic, real, nets.packed(fake.detach(), condition), nets.random, nets.params.gradient_penalty
    )
    step.zero_grad()
    torch.autograd.backward(penalty - distance)
    step.step()
    return distance, penalty, fake, logits, cells, condition


def generator_step(nets: Networks, drawn: tuple[Any, ...], step: torch.optim.Optimizer) -> tuple[Any, Any]:
    """One step of the generator on the rows of the critic's last step. Returns its two losses."""
    import torch

    fake, logits, cells, condition = drawn
    frozen = {k: w.detach() for k, w in nets.critic.items()}
    loss = -criticise(frozen, nets.packed(fake, condition), nets.random).mean()
    wrong = nets.condition_loss(logits, cells)
    step.zero_grad()
    torch.autograd.backward(loss + wrong)
    step.step()
    return loss, wrong


def train(
    rows: Rows, params: CtganParams, seed: int, report: Report, checkpoint: Checkpoint
) -> tuple[Weights, torch.Tensor, History]:
    """Train on ``rows``. Returns the best averaged weights, how often conditions occur (running sums), the record."""
    nets = Networks.new(rows, params, seed)
    plan = Plan.of(len(rows), params)
    judge, history = Judge(rows, seed), History(LOSSES, params.patience)
    mean = Averaged.of(nets.generator, params.averaging)
    steps = nets.optimisers()
    precision = autocast(params.amp, nets.random.device)
    one_step = compiled(params.compile, critic_step)
    networks = {"generator": nets.generator, "critic": nets.critic}
    snapshot = Snapshot(checkpoint, networks, dict(zip(networks, steps, strict=True)), mean, history, nets.random)
    for number in range(snapshot.restore() + 1, plan.steps + 1):
        factor = plan.rate(number - 1, params.schedule)
        set_rate(steps[0], params.generator_lr * factor)
        set_rate(steps[1], params.discriminator_lr * factor)
        with precision:
            for _ in range(params.discriminator_steps):
                distance, penalty, *drawn = one_step(nets, rows, steps[1])
            losses = generator_step(nets, tuple(drawn), steps[0])
        history.add((distance, penalty, *losses))
        mean.update(nets.generator)
        if number % plan.every == 0 or number == plan.steps:
            settle(mean.weights, nets)
            verdict = judge(*draw(mean.weights, nets, judge.rows), nets.random)
            on = history.look(number, number / plan.per_epoch, mean.weights, verdict)
            report(number, plan.steps, history.note)
            if not on:
                break
        snapshot.keep(number)
    return history.best, nets.conditions.original, history


def settle(weights: Weights, nets: Networks) -> None:
    """Take the running statistics anew: those averaged over the training belong to no weights in particular."""
    import torch

    with torch.no_grad():
        for i in range(SETTLING):
            _, condition = nets.condition(500, original=True)
            generate(weights, nets.inputs(condition), training=True, momentum=1 / (i + 1))


def draw(weights: Weights, nets: Networks, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows for the judge: logits and scalars."""
    import torch

    with torch.no_grad():
        _, condition = nets.condition(rows, original=True)
        return decode(weights, nets.layout, nets.inputs(condition), nets.random)


def decode(
    weights: Weights, layout: Layout, x: torch.Tensor, _random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and scalars of rows drawn from noise and condition vectors."""
    out = generate(weights, x, training=False)
    return out[:, : layout.cells], out[:, layout.cells :].tanh()
