"""Rows of one table while a family is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthkit.encoding.numbers import beyond
from synthkit.generators.conditional.columns import Context, Field
from synthkit.generators.family.echoes import Echo
from synthkit.generators.family.listing import Listing, dealt
from synthkit.generators.family.relative import numbers_of
from synthkit.generators.functions import Quota

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]


@dataclass
class Drawn:
    """Rows of one table.

    Args:
        positions: of columns that never fall: the cells would be too coarse.
        context: their features and those of their owners.
        named: the row that each key names, by number; -1 for none.
        keys: the columns of keys.
        owner: the row of the owner; -1 for none.
        asked: rows that must have given values, and which.
        copied: columns that are the owner's.
        levels: of a key to its own table: how far below the top each row is to stand.
        wished: of a key that is found when all is drawn: the cells of the row that it is to name.
        loads: how many rows are to name each row, by (child, key).
        plan: of the rows of the owner, in their order, what was planned of these rows.
        plans: what is planned of each row, by (child, key).
        counts: how many rows are to belong to each row, by the child, where that is known before they are drawn.
        echoed: columns that are the owner's where both are there, and what the owner has.
        labels: which real row each stands for, where others name few rows, each often.
        apart: of columns that are drawn by their distance from another, or as a part of it, what was drawn.
        wider: columns whose positions may lie beyond those that were learnt from, as rows that name these say more.
    """

    fields: tuple[Field, ...]
    cells: Array
    places: Array
    positions: dict[int, Array]
    context: Context
    named: dict[int, Array]
    keys: dict[str, pa.Array]
    owner: Array
    copied: dict[str, pa.Array] = field(default_factory=dict)
    levels: dict[int, Array] = field(default_factory=dict)
    asked: tuple[tuple[Array, Quota], ...] = ()
    wished: dict[int, Array] = field(default_factory=dict)
    loads: dict[tuple[str, int], Array] = field(default_factory=dict)
    counts: dict[str, Array] = field(default_factory=dict)
    plan: Context | None = None
    plans: dict[tuple[str, int], Context] = field(default_factory=dict)
    echoed: dict[str, tuple[Echo, pa.Array]] = field(default_factory=dict)
    apart: dict[int, Array] = field(default_factory=dict)
    wider: set[int] = field(default_factory=set)
    labels: Array | None = None

    def label(self, size: int) -> Array:
        """The labels, None where there are none: shape (rows,)."""
        import numpy as np

        return np.full(size, None, dtype=object) if self.labels is None else self.labels

    def put(self, rows: Array, other: Drawn, at: Array) -> None:
        """Put rows of another draw of the same table in the place of these, before their keys are written."""
        self.cells[rows], self.places[rows], self.owner[rows] = other.cells[at], other.places[at], other.owner[at]
        self.context.codes[rows] = other.context.codes[at]
        pairs: tuple[tuple[Mapping[int, Array], Mapping[int, Array]], ...] = (
            (self.positions, other.positions),
            (self.apart, other.apart),
            (self.named, other.named),
            (self.levels, other.levels),
            (self.wished, other.wished),
        )
        for mine, theirs in pairs:
            for key, values in theirs.items():
                mine[key][rows] = values[at]

    def put_plans(self, owners: Array, other: Drawn, at: Array) -> None:
        """Put what another draw planned of some owners in the place of what this one did."""
        if self.plan is not None and other.plan is not None:
            self.plan.codes[owners] = other.plan.codes[at]

    def exact(self, column: int) -> Array:
        """The positions of a numeric column, to be changed."""
        if column not in self.positions:
            self.positions[column] = self.fields[column].values(self.cells[:, column], self.places[:, column])
        return self.positions[column]

    def move(self, column: int, rows: Array, positions: Array) -> None:
        """Put other positions of a numeric column into some rows."""
        field = self.fields[column]
        self.exact(column)[rows] = positions
        self.cells[rows, column] = field.place(positions)
        self.context.codes[rows, column] = field.features(self.cells[rows, column])

    def listed(self, listing: Listing, loads: Array, rng: np.random.Generator) -> Array:
        """Put numbers that the rows which name these repeat in the place of those that were drawn; the loads then.
        A row of which one of the numbers is asked for keeps what it has."""
        import numpy as np

        numbers = np.stack([self.numbers(j) for j in listing.columns], axis=1)
        names, given = {self.fields[j].name for j in listing.columns}, np.zeros(len(self), dtype=bool)
        for rows, quota in self.asked:
            given[rows] |= not names.isdisjoint(quota.values)
        free = np.where(given[:, None], np.nan, numbers)
        at = dealt(listing, free, loads, rng)
        rows = np.flatnonzero(at >= 0)
        for c, j in enumerate(listing.columns):
            mine = numbers[:, c]
            mine[rows] = listing.values[at[rows], c]
            self.positions[j] = self.fields[j].positions(mine)
            self.wider.add(j)
            self.move(j, rows, self.positions[j][rows])
        return np.where(at >= 0, listing.loads[at], np.where(given, loads, np.minimum(loads, listing.rest)))

    def numbers(self, column: int) -> Array:
        """The numbers of a column, NaN where missing."""
        import numpy as np

        part = self.fields[column]
        if column in self.wider:
            grid, positions = part.codec.grid, self.positions[column]
            assert grid is not None
            missing = np.isnan(positions)
            return np.where(missing, np.nan, beyond(grid, np.where(missing, 0.0, positions)).astype(np.float64))
        if column in self.positions:
            return numbers_of(part, self.positions[column])
        return part.numbers(self.cells[:, column], self.places[:, column])

    def __len__(self) -> int:
        return len(self.cells)
