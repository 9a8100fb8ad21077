"""What people may set on ``aim``, ``mst`` and ``independent``."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from synthkit.generators.base import Params


class MarginalParams(Params):
    """Parameters of every generator that learns from noisy marginals; each default was chosen by measurement.

    Args:
        preprocessing_share: of the budget, for the bounds and categories that are not declared; 0: all must be.
        bins: cells of a continuous column in the graphical model, at most. Within its cell, a value follows the
            column's own finer histogram.
        least_count: standard deviations of a pair's noise that each cell of a column holds at least, in rows: cells
            that are smaller drown in it.
        one_way_share: of the budget, for the columns' own histograms.
        slack: how far, in standard deviations of its noise, a measured count may be missed per factor e by which a
            cell departs from the simpler model. Greater is smoother.
        impossible: combinations of values, one for each of two or three columns, that no row can have by definition.
        final_sweeps: passes over all measurements in the last fit.
    """

    preprocessing_share: float = Field(default=0.0, ge=0, lt=1)
    bins: int = Field(default=16, ge=2, le=1_000)
    least_count: float = Field(default=4.0, ge=0)
    one_way_share: float = Field(default=0.3, gt=0, lt=1)
    slack: float = Field(default=0.6, gt=0)
    impossible: tuple[dict[str, Any], ...] = ()
    final_sweeps: int = Field(default=100, ge=1)

    @field_validator("impossible")
    @classmethod
    def _several_columns(cls, rules: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for rule in rules:
            if not 2 <= len(rule) <= 3:
                raise ValueError(f"{rule} is not the values of two or three columns")
        return rules


class AimParams(MarginalParams):
    """Parameters of ``aim``.

    Args:
        target: the column that others are mostly analysed by, whose marginals count ``target_weight`` times.
        target_weight: see ``target``.
        workload: sets of two or three columns that analyses use together. Default: all pairs; of a table with more
            than 5,000 of them those with the target and those of neighbouring columns.
        rounds: marginals measured; default 3 per column, and every one of the workload where that is enough.
        selection_share: of the budget, for choosing them.
        max_model_size: MiB of the graphical model's tables.
        sweeps: passes over all measurements after each choice.
    """

    target: str | None = None
    target_weight: float = Field(default=2.0, ge=1)
    workload: tuple[tuple[str, ...], ...] | None = None
    rounds: int | None = Field(default=None, ge=1)
    selection_share: float = Field(default=0.15, gt=0, lt=1)
    max_model_size: float = Field(default=16.0, gt=0, le=2_048)
    sweeps: int = Field(default=5, ge=1)

    @model_validator(mode="after")
    def _leaves_something(self) -> AimParams:
        if self.one_way_share + self.selection_share >= 1:
            raise ValueError("one_way_share and selection_share together leave nothing for the marginals: lower one")
        for columns in self.workload or ():
            if not 2 <= len(set(columns)) <= 3 or len(set(columns)) != len(columns):
                raise ValueError(f"workload: {list(columns)} is not two or three different columns")
        return self


class MstParams(MarginalParams):
    """Parameters of ``mst``: a tree of pairs.

    Args:
        selection_share: of the budget, for choosing the tree.
    """

    selection_share: float = Field(default=0.2, gt=0, lt=1)


class IndependentParams(MarginalParams):
    """Parameters of ``independent``: every column by itself."""
