"""The parameters of the race, with their ranges."""

from __future__ import annotations

from pydantic import Field

from synthkit.encoding.fitting import Rare
from synthkit.generators.base import Params
from synthkit.schema import MIN_COUNT


class RaceParams(Params):
    """How both learn, and who judges them.

    Args:
        min_rows: of a table, fewer are not raced over: ``circuit`` draws them.
        judges: rows that ``cart`` does not see until it is judged, at most; of few rows a fifth.
        lead: by how much less surely ``cart`` must be told from the held-out rows (of the area under the ROC curve)
            to be taken. It keeps a little more to itself of whom it learnt from, and has to be worth that.
        bins: cells per numeric column, about; none given: one per 50 rows, within 10 and 100.
        max_categories: categories with a cell of their own.
        rare: what becomes of the others: each a cell after all, one shared cell, or the word "(other)", which then also
            stands for those that fewer than ``min_count`` people hold.
        min_count: people (privacy units, or rows) who hold a number, date or time that is given out as it is, and who
            share a leaf. Numbers of fewer are drawn in the ranges of groups of at least so many.
    """

    min_rows: int = Field(default=2_000, ge=100)
    judges: int = Field(default=2_500, ge=100, le=50_000)
    lead: float = Field(default=0.02, ge=0, le=0.5)
    bins: int | None = Field(default=None, ge=2, le=2_000)
    max_categories: int = Field(default=1_000, ge=1, le=50_000)
    rare: Rare = "group"
    min_count: int = Field(default=MIN_COUNT, ge=1)
