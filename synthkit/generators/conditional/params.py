"""The parameters of boosted conditionals, with their ranges."""

from __future__ import annotations

from pydantic import Field

from synthkit.encoding.fitting import Rare
from synthkit.generators.base import Params
from synthkit.schema import MIN_COUNT


class ConditionalParams(Params):
    """How columns are cut into cells, and how each is learnt from those before it.

    Args:
        bins: cells per numeric column, about; none given: one per 40 rows, within 12 and 64.
        trees: boosted at each fork of a column's cells at most; they stop early on entities held out.
        leaves: of a tree at most.
        min_leaf: rows in a leaf at least.
        rate: learning rate.
        features: that a column is learnt from at most, those that tell most of it.
        max_rows: rows of a table that are learnt from at most; whole entities are left out beyond it.
        max_categories: categories with a cell of their own.
        rare: what becomes of the others: each a cell after all, one shared cell, or the word "(other)", which then also
            stands for those that fewer than ``min_count`` people hold.
        min_count: people (privacy units, or rows) who hold a number, date or time that is given out as it is. Those of
            fewer are drawn in the ranges of groups of at least so many; 1 gives every value out again.
    """

    bins: int | None = Field(default=None, ge=2, le=200)
    trees: int = Field(default=40, ge=0, le=1_000)
    leaves: int = Field(default=16, ge=2, le=255)
    min_leaf: int = Field(default=20, ge=1)
    rate: float = Field(default=0.25, gt=0, le=1)
    features: int = Field(default=28, ge=1, le=1_000)
    max_rows: int = Field(default=150_000, ge=100)
    max_categories: int = Field(default=1_000, ge=1, le=50_000)
    rare: Rare = "group"
    min_count: int = Field(default=MIN_COUNT, ge=1)
