"""The parameters of the circuit, with their ranges."""

from __future__ import annotations

from pydantic import Field

from synthkit.encoding.fitting import Rare
from synthkit.generators.base import Params
from synthkit.schema import MIN_COUNT


class CircuitParams(Params):
    """How the hidden Chow-Liu tree is made, trained and refined.

    Args:
        states: hidden states per column; none given: 64, and for tables under 20,000 rows what a held-out share likes
            best of 4 to 64.
        bins: cells per numeric column, about; none given: one per 50 rows, within 10 and 100.
        epochs: passes over the rows, within ``min_steps`` and ``max_steps`` mini-batches.
        batch_size: rows of a mini-batch.
        min_steps, max_steps: mini-batches at least and at most, whatever ``epochs`` comes to.
        transition_smoothing: pseudo-rows spread over each table of transitions.
        emission_smoothing: pseudo-rows per state with the column's own distribution.
        max_categories: categories with a cell of their own.
        rare: what becomes of the others: each a cell after all, one shared cell, or the word "(other)", which then also
            stands for those that fewer than ``min_count`` people hold.
        min_count: people (privacy units, or rows) who hold a number, date or time that is given out as it is. Those of
            fewer are drawn in the ranges of groups of at least so many; 1 gives every value out again.
        refinements: rounds of boosted refinement; 0 leaves the plain circuit, which draws faster.
        refinement_trees: trees per round at most; they stop early on held-out rows. Where few columns of 20,000 rows or
            more have few cells, three times as many of fewer columns each, which are asked as tables.
        refinement_rate: their learning rate.
        max_ratio: greatest weight of a row in the refinement, which is also the number of draws per row, about.
    """

    states: int | None = Field(default=None, ge=1, le=1024)
    bins: int | None = Field(default=None, ge=2, le=2_000)
    epochs: float = Field(default=10, gt=0, le=1_000)
    batch_size: int = Field(default=250, ge=1, le=100_000)
    min_steps: int = Field(default=300, ge=1)
    max_steps: int = Field(default=4_000, ge=1)
    transition_smoothing: float = Field(default=0.02, ge=0)
    emission_smoothing: float = Field(default=0.5, ge=0)
    max_categories: int = Field(default=1_000, ge=1, le=50_000)
    rare: Rare = "group"
    min_count: int = Field(default=MIN_COUNT, ge=1)
    refinements: int = Field(default=2, ge=0, le=10)
    refinement_trees: int = Field(default=30, ge=1, le=2_000)
    refinement_rate: float = Field(default=0.3, gt=0, le=1)
    max_ratio: float = Field(default=2.8, gt=1, le=100)
