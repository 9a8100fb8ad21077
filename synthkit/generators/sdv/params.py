"""The parameters of SDV 2.0's synthesizers, under SDV's own names, with their ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from synthkit.generators.base import Params

Distribution = Literal["norm", "beta", "truncnorm", "uniform", "gamma", "gaussian_kde"]
Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class SdvParams(Params):
    """Common to all four.

    Args:
        enforce_min_max_values: numbers are cut to the range of the training rows.
        enforce_rounding: numbers have as many decimals as in the training rows.
    """

    enforce_min_max_values: bool = True
    enforce_rounding: bool = True


class CopulaParams(SdvParams):
    """A Gaussian copula over fitted marginals.

    Args:
        locales: accepted as in SDV; it only concerns columns that synthkit fills itself.
        numerical_distributions: column → its distribution.
        default_distribution: that of the other columns.
    """

    locales: tuple[str, ...] | None = ("en_US",)
    numerical_distributions: Mapping[str, Distribution] | None = None
    default_distribution: Distribution | None = None


class NeuralParams(SdvParams):
    """Common to the three trained by gradient.

    Args:
        embedding_dim: length of the noise, or of the code, that a row is made from.
        batch_size: rows of a step.
        verbose: accepted as in SDV; progress is shown anyway.
        epochs: passes over the rows.
        enable_gpu: false trains on the CPU; true counts only where the project's device allows a GPU.
    """

    embedding_dim: int = Field(default=128, ge=1)
    batch_size: int = Field(default=500, ge=2)
    verbose: bool = False
    epochs: int = Field(default=300, ge=1)
    enable_gpu: bool = True


class CtganParams(NeuralParams):
    """CTGAN (Xu et al., "Modeling tabular data using conditional GAN", 2019), SDV's defaults.

    Args:
        locales: accepted as in SDV; it only concerns columns that synthkit fills itself.
        generator_dim, discriminator_dim: widths of the hidden layers.
        generator_lr, discriminator_lr, generator_decay, discriminator_decay: Adam's learning rates and weight decays.
        discriminator_steps: steps of the critic per step of the generator.
        log_frequency: draw conditions by the logarithm of their frequency.
        pac: rows that the critic sees at once.
    """

    locales: tuple[str, ...] | None = ("en_US",)
    generator_dim: Widths = (256, 256)
    discriminator_dim: Widths = (256, 256)
    generator_lr: Rate = 2e-4
    generator_decay: Decay = 1e-6
    discriminator_lr: Rate = 2e-4
    discriminator_decay: Decay = 1e-6
    discriminator_steps: int = Field(default=1, ge=1)
    log_frequency: bool = True
    pac: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _batches_pack(self) -> Self:
        if self.batch_size % 2 or self.batch_size % self.pac:
            raise ValueError(f"batch_size {self.batch_size} must be even and a multiple of pac ({self.pac})")
        return self


class CopulaGanParams(CtganParams):
    """CTGAN over columns made normal by their fitted distribution.

    Args:
        numerical_distributions: column → its distribution.
        default_distribution: that of the other columns.
    """

    numerical_distributions: Mapping[str, Distribution] | None = None
    default_distribution: Distribution | None = None


class TvaeParams(NeuralParams):
    """TVAE (the same article), SDV's defaults.

    Args:
        compress_dims, decompress_dims: widths of the hidden layers of encoder and decoder.
        l2scale: Adam's weight decay.
        loss_factor: weight of the reconstruction against the divergence from the prior.
    """

    compress_dims: Widths = (128, 128)
    decompress_dims: Widths = (128, 128)
    l2scale: Annotated[float, Field(ge=0)] = 1e-5
    loss_factor: Annotated[float, Field(gt=0)] = 2


class HmaParams(Params):
    """Hierarchical copulas over several tables (Patki et al., "The Synthetic data vault", 2016).

    Args:
        locales: accepted as in SDV; it only concerns columns that synthkit fills itself.
    """

    locales: tuple[str, ...] | None = ("en_US",)


class ParParams(SdvParams):
    """PAR, a recurrent network over sequences (Zhang et al., "Sequential models in the synthetic data vault", 2022).

    Args:
        segment_size: rows of the pieces that long sequences are cut into; default: whole ones.
        epochs: passes over the sequences.
        sample_size: sequences drawn at a time, of which the likeliest is kept.
        enable_gpu: false trains on the CPU; true counts only where the project's device allows a GPU.
    """

    segment_size: int | None = Field(default=None, ge=1)
    epochs: int = Field(default=128, ge=1)
    sample_size: int = Field(default=1, ge=1)
    enable_gpu: bool = True
