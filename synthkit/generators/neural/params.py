"""The parameters of the native ``ctgan`` and ``tvae``: SDV's names, the article's constants, and our own.

People set *options*; those that they leave out get other values without ``epsilon`` (here) than with it
(:mod:`.private_params`), because noise asks for small networks and large batches.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from synthkit.encoding.fitting import Rare
from synthkit.generators.base import Params
from synthkit.schema import MIN_COUNT

Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=8_192)], ...], Field(min_length=1, max_length=8)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Dimension = Annotated[int, Field(ge=1, le=8_192)]
Batch = Annotated[int, Field(ge=2, le=1_000_000)]
Epochs = Annotated[int, Field(ge=1, le=1_000_000)]
Steps = Annotated[int, Field(ge=1)]
Factor = Annotated[float, Field(gt=0)]
Temperature = Annotated[float, Field(gt=0, le=100)]
Penalty = Annotated[float, Field(ge=0, le=10_000)]
CriticSteps = Annotated[int, Field(ge=1, le=100)]
Prior = Literal["normal", "mixture"]


class NeuralOptions(Params):
    """Common to both. What is None by default was chosen by measurement, without ``epsilon`` and with it.

    Args:
        embedding_dim: numbers of noise per row.
        batch_size: rows per step; with ``epsilon`` the expected number (each row is drawn by itself).
        epochs: passes over the rows, within ``min_steps`` and ``max_steps``.
        min_steps: steps at least: a small table needs more passes.
        max_steps: steps at most, whatever the number of rows: it bounds the time on large tables.
        enable_gpu: false keeps to the CPU whatever the project's device.
        verbose: accepted as in SDV; progress is always reported.
        enforce_min_max_values, enforce_rounding: accepted as in SDV; the encoding always keeps range and digits.
        locales: accepted as in SDV; it would concern columns that synthkit fills itself.
        modes: components of the Gaussian mixture per numeric column, at most (without ``epsilon``).
        max_categories: categories with a cell of their own (without ``epsilon``).
        rare: what becomes of the others: each a cell after all, one shared cell, or the word "(other)", which then also
            stands for those that fewer than ``min_count`` people hold.
        min_count: people (privacy units, or rows) who hold a number, date or time that is given out as it is, and the
            least that a mode is made of (without ``epsilon``).
        schedule: of the learning rates: constant, or down to 0 over the run along a cosine.
        averaging: decay per step of the moving average of the weights that are kept; 0 keeps the last ones.
        calibrate: fit the marginals of the cells and of the values in them after training.
        held_out: share of the rows that judges the training (without ``epsilon``).
        patience: looks without a better judgement until training stops; none: never, as it has to be with ``epsilon``.
        looks: how often in a run the judge looks, at most once an epoch.
        amp: mixed precision (bfloat16).
        compile: run the networks through torch.compile.
        max_per_sample_grad_norm: with ``epsilon``, the norm that the gradient of each row is clipped to.
        noise_multiplier: with ``epsilon``, standard deviation of the gradients' noise / that norm; default: the least
            that keeps the budget.
        preprocessing_share: with ``epsilon``, the share of the budget for the bounds and categories that are not
            declared; 0: all must be.
        one_way_share: with ``epsilon``, the share of the rest for a noisy histogram of each column, from which come
            the cells of the numeric columns and the marginals of the rows drawn.
        bins: with ``epsilon``, cells of a numeric column at most.
    """

    embedding_dim: Dimension | None = None
    batch_size: Batch | None = None
    epochs: Epochs | None = None
    min_steps: Steps | None = None
    max_steps: int = Field(default=5_000, ge=1)
    enable_gpu: bool = True
    verbose: bool = False
    enforce_min_max_values: Literal[True] = True
    enforce_rounding: Literal[True] = True
    locales: tuple[str, ...] | None = ("en_US",)
    modes: int = Field(default=10, ge=1, le=100)
    max_categories: int = Field(default=1_000, ge=1, le=50_000)
    rare: Rare = "group"
    min_count: int = Field(default=MIN_COUNT, ge=1)
    schedule: Literal["constant", "cosine"] = "cosine"
    averaging: Decay = 0.99
    calibrate: bool = True
    held_out: float = Field(default=0.1, ge=0, lt=1)
    patience: int | None = Field(default=None, ge=1)
    looks: int = Field(default=50, ge=1, le=10_000)
    amp: bool = False
    compile: bool = False
    max_per_sample_grad_norm: float = Field(default=1.0, gt=0, le=1e6)
    noise_multiplier: float | None = Field(default=None, gt=0, le=1e9)
    preprocessing_share: float = Field(default=0.0, ge=0, lt=1)
    one_way_share: float = Field(default=0.15, gt=0, lt=1)
    bins: int = Field(default=20, ge=2, le=1_000)


class CtganOptions(NeuralOptions):
    """CTGAN (Xu et al., "Modeling tabular data using conditional GAN", 2019).

    Args:
        generator_dim, discriminator_dim: widths of the hidden layers.
        generator_lr, discriminator_lr, generator_decay, discriminator_decay: Adam's learning rates and weight decays.
        discriminator_steps: steps of the critic per step of the generator.
        log_frequency: draw conditions by the logarithm of their frequency (without ``epsilon``).
        pac: rows that the critic sees at once; with ``epsilon`` 1, as a row must touch one gradient alone.
        temperature: of the Gumbel softmax.
        gradient_penalty: weight of the penalty.
    """

    generator_dim: Widths | None = None
    discriminator_dim: Widths | None = None
    generator_lr: Rate | None = None
    generator_decay: Decay = 1e-6
    discriminator_lr: Rate | None = None
    discriminator_decay: Decay = 1e-6
    discriminator_steps: CriticSteps | None = None
    log_frequency: bool = True
    pac: int = Field(default=1, ge=1, le=1_000)
    temperature: Temperature | None = None
    gradient_penalty: Penalty | None = None

    @model_validator(mode="after")
    def _batches_pack(self) -> Self:
        if self.batch_size is not None and self.batch_size % self.pac:
            raise ValueError(f"batch_size {self.batch_size} must be a multiple of pac ({self.pac})")
        return self


class TvaeOptions(NeuralOptions):
    """TVAE (the same article).

    Args:
        compress_dims, decompress_dims: widths of the hidden layers of encoder and decoder.
        l2scale: Adam's weight decay.
        loss_factor: weight of the reconstruction against the divergence from the prior.
        lr: Adam's learning rate.
        prior: what the latent numbers are drawn from: the standard normal distribution of the article, or a mixture
            fitted to the encoded rows after training. With ``epsilon`` always the former.
        prior_components: of that mixture, at most.
    """

    looks: int = Field(default=10, ge=1, le=10_000)
    compress_dims: Widths | None = None
    decompress_dims: Widths | None = None
    l2scale: Annotated[float, Field(ge=0)] = 1e-5
    loss_factor: Factor | None = None
    lr: Rate | None = None
    prior: Prior | None = None
    prior_components: int = Field(default=10, ge=1, le=1_000)


class NeuralParams(NeuralOptions):
    """What a training without ``epsilon`` runs with: every option has a value."""

    embedding_dim: Dimension = 128
    batch_size: Batch = 500
    epochs: Epochs = 50
    min_steps: Steps = 600

    @classmethod
    def of(cls, options: NeuralOptions) -> Self:
        """The options with our values for those left out."""
        return cls.model_validate(options.model_dump(exclude_none=True))


class CtganParams(NeuralParams, CtganOptions):
    """CTGAN without ``epsilon``.

    Where our defaults are not SDV's, measurements chose them: rows judged one by one (``pac``), faster learning rates
    that fall to 0, and a third of the epochs reach more than SDV's defaults in less time.
    """

    epochs: Epochs = 90
    generator_dim: Widths = (256, 256)
    discriminator_dim: Widths = (256, 256)
    generator_lr: Rate = 5e-4
    discriminator_lr: Rate = 5e-4
    discriminator_steps: CriticSteps = 1
    temperature: Temperature = 0.2
    gradient_penalty: Penalty = 10


class TvaeParams(NeuralParams, TvaeOptions):
    """TVAE without ``epsilon``."""

    compress_dims: Widths = (128, 128)
    decompress_dims: Widths = (128, 128)
    loss_factor: Factor = 4
    lr: Rate = 1e-3
    prior: Prior = "mixture"
