"""How a column is made up that a generator does not learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from synthkit.encoding.shapes import Shapes
from synthkit.schema import Column

Kind = Literal["constant", "null", "key", "foreign", "faker", "text", "form"]


@dataclass(frozen=True)
class FillRule:
    """How one column is made up.

    Args:
        kind: constant | null | key (all different) | foreign (repeats as in the source) | faker | text | form (texts of
            several parts).
        nulls: share of nulls, 0 to 1.
        unique: whether all values differ in the source.
        fan_out: rows per value → number of values, of a foreign key.
        shapes: patterns of strings (None for numbers).
        value: of a constant, as text.
    """

    column: Column
    kind: Kind
    nulls: float = 0.0
    unique: bool = False
    fan_out: tuple[tuple[int, int], ...] = ()
    shapes: Shapes | None = None
    value: str | None = None
