"""The parameters of the native ``ctgan`` and ``tvae``: SDV's names, the article's constants, and our own."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from synthkit.encoding.fitting import Rare
from synthkit.generators.base import Params

Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=8_192)], ...], Field(min_length=1, max_length=8)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class NeuralParams(Params):
    """Common to both.

    Args:
        embedding_dim: numbers of noise per row.
        batch_size: rows per step.
        epochs: passes over the rows, within ``min_steps`` and ``max_steps``.
        min_steps: steps at least: a small table needs more passes.
        max_steps: steps at most, whatever the number of rows: it bounds the time on large tables.
        enable_gpu: false keeps to the CPU whatever the project's device.
        verbose: accepted as in SDV; progress is always reported.
        enforce_min_max_values, enforce_rounding: accepted as in SDV; the encoding always keeps range and digits.
        locales: accepted as in SDV; it would concern columns that synthkit fills itself.
        modes: components of the Gaussian mixture per numeric column, at most.
        max_categories: categories with a cell of their own.
        rare: what becomes of the others: each a cell after all, one shared cell, or the word "(other)".
        schedule: of the learning rates: constant, or down to 0 over the run along a cosine.
        averaging: decay per step of the moving average of the weights that are kept; 0 keeps the last ones.
        calibrate: fit the marginals of the cells and of the values in them after training.
        held_out: share of the rows that judges the training.
        patience: looks without a better judgement until training stops; none: never.
        looks: how often in a run the judge looks, at most once an epoch.
        amp: mixed precision (bfloat16).
        compile: run the networks through torch.compile.
    """

    embedding_dim: int = Field(default=128, ge=1, le=8_192)
    batch_size: int = Field(default=500, ge=2, le=1_000_000)
    epochs: int = Field(default=50, ge=1, le=1_000_000)
    min_steps: int = Field(default=600, ge=1)
    max_steps: int = Field(default=5_000, ge=1)
    enable_gpu: bool = True
    verbose: bool = False
    enforce_min_max_values: Literal[True] = True
    enforce_rounding: Literal[True] = True
    locales: tuple[str, ...] | None = ("en_US",)
    modes: int = Field(default=10, ge=1, le=100)
    max_categories: int = Field(default=1_000, ge=1, le=50_000)
    rare: Rare = "group"
    schedule: Literal["constant", "cosine"] = "cosine"
    averaging: Decay = 0.99
    calibrate: bool = True
    held_out: float = Field(default=0.1, ge=0, lt=1)
    patience: int | None = Field(default=None, ge=1)
    looks: int = Field(default=50, ge=1, le=10_000)
    amp: bool = False
    compile: bool = False


class CtganParams(NeuralParams):
    """CTGAN (Xu et al., "Modeling tabular data using conditional GAN", 2019).

    Where our defaults are not SDV's, measurements chose them: rows judged one by one (``pac``), faster learning rates
    that fall to 0, and a third of the epochs reach more than SDV's defaults in less time.

    Args:
        generator_dim, discriminator_dim: widths of the hidden layers.
        generator_lr, discriminator_lr, generator_decay, discriminator_decay: Adam's learning rates and weight decays.
        discriminator_steps: steps of the critic per step of the generator.
        log_frequency: draw conditions by the logarithm of their frequency.
        pac: rows that the critic sees at once.
        temperature: of the Gumbel softmax.
        gradient_penalty: weight of the penalty.
    """

    epochs: int = Field(default=90, ge=1, le=1_000_000)
    generator_dim: Widths = (256, 256)
    discriminator_dim: Widths = (256, 256)
    generator_lr: Rate = 5e-4
    generator_decay: Decay = 1e-6
    discriminator_lr: Rate = 5e-4
    discriminator_decay: Decay = 1e-6
    discriminator_steps: int = Field(default=1, ge=1, le=100)
    log_frequency: bool = True
    pac: int = Field(default=1, ge=1, le=1_000)
    temperature: float = Field(default=0.2, gt=0, le=100)
    gradient_penalty: float = Field(default=10, ge=0, le=10_000)

    @model_validator(mode="after")
    def _batches_pack(self) -> Self:
        if self.batch_size % self.pac:
            raise ValueError(f"batch_size {self.batch_size} must be a multiple of pac ({self.pac})")
        return self


class TvaeParams(NeuralParams):
    """TVAE (the same article).

    Args:
        compress_dims, decompress_dims: widths of the hidden layers of encoder and decoder.
        l2scale: Adam's weight decay.
        loss_factor: weight of the reconstruction against the divergence from the prior.
        lr: Adam's learning rate.
        prior: what the latent numbers are drawn from: the standard normal distribution of the article, or a mixture
            fitted to the encoded rows after training.
        prior_components: of that mixture, at most.
    """

    looks: int = Field(default=10, ge=1, le=10_000)
    compress_dims: Widths = (128, 128)
    decompress_dims: Widths = (128, 128)
    l2scale: Annotated[float, Field(ge=0)] = 1e-5
    loss_factor: Annotated[float, Field(gt=0)] = 4
    lr: Rate = 1e-3
    prior: Literal["normal", "mixture"] = "mixture"
    prior_components: int = Field(default=10, ge=1, le=1_000)
