"""The parameters of SDV 2.0's single-table synthesizers, under SDV's own names, with their ranges."""

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
    """Common to all four. ``locales`` only concerns columns that synthkit fills itself; it is accepted as in SDV."""

    enforce_min_max_values: bool = True
    enforce_rounding: bool = True


class CopulaParams(SdvParams):
    """``numerical_distributions`` maps a column to its distribution, ``default_distribution`` is for the others."""

    locales: tuple[str, ...] | None = ("en_US",)
    numerical_distributions: Mapping[str, Distribution] | None = None
    default_distribution: Distribution | None = None


class NeuralParams(SdvParams):
    """Common to the three trained by gradient. ``enable_gpu`` counts only where the project's device allows one."""

    embedding_dim: int = Field(default=128, ge=1)
    batch_size: int = Field(default=500, ge=2)
    verbose: bool = False
    epochs: int = Field(default=300, ge=1)
    enable_gpu: bool = True


class CtganParams(NeuralParams):
    """CTGAN (Xu et al., "Modeling tabular data using conditional GAN", 2019), SDV's defaults."""

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
    """CTGAN over columns made normal by their fitted distribution."""

    numerical_distributions: Mapping[str, Distribution] | None = None
    default_distribution: Distribution | None = None


class TvaeParams(NeuralParams):
    """TVAE (the same article), SDV's defaults."""

    compress_dims: Widths = (128, 128)
    decompress_dims: Widths = (128, 128)
    l2scale: Annotated[float, Field(ge=0)] = 1e-5
    loss_factor: Annotated[float, Field(gt=0)] = 2
