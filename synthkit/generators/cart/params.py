"""The parameters of the sequential trees, with their ranges."""

from __future__ import annotations

from pydantic import Field

from synthkit.encoding.fitting import Rare
from synthkit.generators.base import Params
from synthkit.schema import MIN_COUNT


class CartParams(Params):
    """How the trees are grown.

    Args:
        trees: of each column, each grown on half of the people.
        min_leaf: rows in a leaf of those that a tree is grown on, at least: more are further from the source, and keep
            more to themselves who was in it.
        bins: cells per numeric column, about; none given: one per 50 rows, within 10 and 100.
        max_rows: that trees are grown on, at most; of more a random sample.
        max_categories: categories with a cell of their own.
        rare: what becomes of the others: each a cell after all, one shared cell, or the word "(other)", which then also
            stands for those that fewer than ``min_count`` people hold.
        min_count: people (privacy units, or rows) who hold a number, date or time that is given out as it is, and who
            share a leaf. Numbers of fewer are drawn in the ranges of groups of at least so many.
    """

    trees: int = Field(default=4, ge=1, le=100)
    min_leaf: int = Field(default=10, ge=1, le=100_000)
    bins: int | None = Field(default=None, ge=2, le=2_000)
    max_rows: int = Field(default=200_000, ge=1)
    max_categories: int = Field(default=1_000, ge=1, le=50_000)
    rare: Rare = "group"
    min_count: int = Field(default=MIN_COUNT, ge=1)
