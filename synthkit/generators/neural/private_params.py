"""What a training with ``epsilon`` runs with, and what it refuses.

Noise grows with the root of the number of weights, and hides what a small batch says: so the networks are small, the
batches large and the steps few. Measurement chose the numbers.
"""

from __future__ import annotations

from typing import Self

from synthkit.errors import BuildError
from synthkit.generators.base import Budget
from synthkit.generators.neural.params import (
    CriticSteps,
    CtganOptions,
    Dimension,
    Epochs,
    Factor,
    NeuralOptions,
    Penalty,
    Prior,
    Rate,
    Steps,
    Temperature,
    TvaeOptions,
    Widths,
)

SHARE = 1 / 12  # of the declared rows in a batch, where none is set
LARGEST = 16_384  # rows in such a batch at most: the noise of one step is small enough then


class PrivateParams(NeuralOptions):
    """Every option that both need has a value, but for the batch, which follows the declared number of rows."""

    embedding_dim: Dimension = 8
    epochs: Epochs = 32
    min_steps: Steps = 1

    @classmethod
    def of(cls, options: NeuralOptions) -> Self:
        """The options with our values for those left out.

        Raises:
            BuildError: options that no row-by-row clipping of gradients allows; all of them are named.
        """
        faults = _faults(options)
        if faults:
            raise BuildError(
                f"with epsilon {'; '.join(fault for fault, _ in faults)}",
                hint="; ".join(hint for _, hint in faults),
            )
        return cls.model_validate(options.model_dump(exclude_none=True))

    def sampling_rate(self, rows: int) -> float:
        """The probability with which each row enters a batch, for a declared number of rows."""
        batch = self.batch_size or min(LARGEST, max(2.0, SHARE * rows))
        return min(1.0, batch / rows)

    def steps(self, rate: float) -> int:
        """How many batches are drawn."""
        return min(self.max_steps, max(self.min_steps, round(self.epochs / rate)))


class PrivateCtganParams(PrivateParams, CtganOptions):
    """CTGAN by DP-SGD on its critic."""

    embedding_dim: Dimension = 16
    epochs: Epochs = 48
    generator_dim: Widths = (64, 64)
    discriminator_dim: Widths = (64,)
    generator_lr: Rate = 1e-3
    discriminator_lr: Rate = 0.01
    discriminator_steps: CriticSteps = 1
    temperature: Temperature = 0.5
    gradient_penalty: Penalty = 1


class PrivateTvaeParams(PrivateParams, TvaeOptions):
    """TVAE by DP-SGD on encoder and decoder."""

    embedding_dim: Dimension = 5
    compress_dims: Widths = (64,)
    decompress_dims: Widths = (64,)
    loss_factor: Factor = 3.0
    lr: Rate = 0.02
    prior: Prior = "normal"


def _faults(options: NeuralOptions) -> list[tuple[str, str]]:
    """What is wrong, and how to mend it."""
    found = []
    if getattr(options, "pac", 1) != 1:
        found.append(("pac must be 1, as a pack mixes the gradients of its rows", "leave pac out"))
    if getattr(options, "prior", None) == "mixture":
        found.append(("prior: mixture would be fitted to the rows themselves", "leave prior out"))
    for name in ("amp", "compile"):
        if getattr(options, name):
            found.append((f"{name} is not available, as the clipping has to be exact", f"leave {name} out"))
    if options.patience is not None:
        found.append(("patience would stop the training by what the rows say", "leave patience out"))
    return found


def declared_rows(budget: Budget) -> int:
    """The declared number of rows.

    Raises:
        BuildError: none is declared, or δ is not small against it.
    """
    if budget.rows is None:
        raise BuildError(
            "with epsilon this generator needs the number of rows, which is private unless it is declared",
            hint="declare row_count: on the source table, about right and known to all, or use aim, which needs none",
        )
    if budget.delta * budget.rows >= 1:
        raise BuildError(
            f"delta = {budget.delta:g} is none for {budget.rows:,} rows: publishing a random row keeps it",
            hint=f"leave delta out, or set it below {1 / (10 * budget.rows):.1g}",
        )
    return budget.rows
