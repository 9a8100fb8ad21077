"""Rows to be hidden in a training and looked for afterwards, made from what is declared and from nothing else.

Every column gets a *grid* of a few values. The rows around the canaries, known to the attacker, repeat some patterns of
grid values, so that each value is frequent enough to stand out of the noise; a canary has grid values at random. So the
count of every value, and of every pair that occurs, tells of the canaries that have it. Grids keep to the middle half
of a column's bounds. Beyond lie *ladders*: canaries of which each reaches further than all before it. Where a training
looks at extremes, the last one that is in gives itself away, and all behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.declared import DeclaredEncoder, declared_encoder
from synthkit.privacy.knowledge import undeclared
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

GRID = 24  # values of a column, at least, where it has as many
ON_A_LINE = 64  # values of a number or time, at most
PATTERNS = 24  # of known rows, at least
LADDER = 4  # canaries at either end of a column
WIDE = 48  # positions from which a column has ladders
_BOUNDS: dict[str, tuple[Any, Any]] = {
    "date": ("2000-01-01", "2020-01-01"),
    "datetime": ("2000-01-01 00:00:00", "2020-01-01 00:00:00"),
    "time": ("00:00:00", "23:00:00"),
}


@dataclass(frozen=True)
class Design:
    """What an attack trains on. Positions are those of the encoder's axes.

    Args:
        grids: positions of each column's grid, ascending.
        patterns: grid codes of the known rows, shape (patterns, columns).
        repeats: how often each pattern occurs.
        canaries: positions, shape (canaries, columns); the ladders' rungs come last.
        rungs: column, end (0: low, 1: high) and place from the outermost, 0, inwards, of each rung: shape (rungs, 3).
        copies: rows of one canary: the most that a privacy unit may have.
    """

    encoder: DeclaredEncoder
    grids: tuple[Array, ...]
    patterns: Array
    repeats: int
    canaries: Array
    rungs: Array
    copies: int

    @property
    def values(self) -> int:
        """Canaries that are no rungs."""
        return len(self.canaries) - len(self.rungs)

    @property
    def known(self) -> Array:
        """Positions of the patterns, shape (patterns, columns)."""
        import numpy as np

        return np.stack([g[c] for g, c in zip(self.grids, self.patterns.T, strict=True)], axis=1)

    def training_rows(self, inside: Array, random: np.random.Generator) -> pa.RecordBatch:
        """The known rows and the canaries that are ``inside`` (bool, shape (canaries,)), in random order."""
        import numpy as np

        rows = np.concatenate(
            [self.known.repeat(self.repeats, axis=0), self.canaries[inside].repeat(self.copies, axis=0)]
        )
        return self.decode(random.permutation(rows))

    def decode(self, positions: Array) -> pa.RecordBatch:
        """Rows of the given positions; of a number off every grid, the roundest that the position stands for."""
        import numpy as np

        return self.encoder.decode(list(positions.T), [np.full(len(positions), np.nan)] * positions.shape[1])

    def codes(self, column: int, positions: Array) -> Array:
        """The nearest grid value, by its number; -1 for what lies between two."""
        import numpy as np

        grid, axis = self.grids[column], self.encoder.axes[column]
        right = np.clip(np.searchsorted(grid, positions), 1, max(1, len(grid) - 1))
        if len(grid) == 1:
            right = np.zeros_like(right)
        left = np.maximum(right - 1, 0)
        near = np.where(np.abs(positions - grid[left]) <= np.abs(grid[right] - positions), left, right)
        if not axis.continuous:
            return np.where(grid[near] == positions, near, -1)
        numbers = grid[grid < axis.points]
        reach = 0.25 * (numbers[-1] - numbers[0]) / max(1, len(numbers) - 1)
        missing = (positions >= axis.points) != (grid[near] >= axis.points)
        return np.where((np.abs(positions - grid[near]) <= reach) & ~missing, near, -1)


def design(
    schema: Schema, *, canaries: int, rows: int, grid: int, copies: int, random: np.random.Generator, directory: Path
) -> Design:
    """Canaries for a table of these columns.

    Args:
        schema: the learnt columns as they are declared; what is not is made up.
        canaries: how many, rungs aside.
        rows: known rows, about.
        grid: values of a column, at most.
        directory: for a file without rows that holds the columns' physical types.
    """
    import numpy as np

    encoder = declared_encoder(_typed(replace(schema, columns=tuple(map(_known, schema.columns))), directory))
    grids = tuple(_grid(axis.points, axis.continuous, axis.nullable, grid) for axis in encoder.axes)
    patterns = max(PATTERNS, *(len(g) for g in grids))
    codes = np.stack([_spread(len(g), patterns, random) for g in grids], axis=1)
    rungs = np.array(
        [
            (i, end, place)
            for i, axis in enumerate(encoder.axes)
            if axis.continuous and axis.points >= WIDE
            for end in (0, 1)
            for place in range(LADDER)
        ],
        dtype=np.int64,
    ).reshape(-1, 3)
    count = canaries + len(rungs)
    found = np.stack([g[_spread(len(g), count, random)] for g in grids], axis=1)
    for row, (column, end, place) in zip(found[canaries:], rungs, strict=True):
        reach = (encoder.axes[column].points - 1) * int(place) // (4 * LADDER)
        row[column] = encoder.axes[column].points - 1 - reach if end else reach
    return Design(encoder, grids, codes, max(1, round(rows / patterns)), found, rungs, copies)


def _spread(values: int, count: int, random: np.random.Generator) -> Array:
    """``count`` numbers below ``values``, each about equally often, in random order."""
    import numpy as np

    return random.permutation(np.resize(random.permutation(values), count))


def _grid(points: int, continuous: bool, nullable: bool, most: int) -> Array:
    import numpy as np

    count = min(most, points, ON_A_LINE if continuous else points)
    ends = (points // 4, 3 * points // 4) if continuous and points >= WIDE else (0, points - 1)
    grid = np.unique(np.linspace(*ends, count).round().astype(np.int64)) if points else np.empty(0, int)
    return np.append(grid, points) if nullable else grid


def _known(column: Column) -> Column:
    """The column with made-up values or bounds where none are declared, for a generator that finds them out."""
    lacking = undeclared(column)
    if lacking is None:
        return column
    if lacking == "bounds":
        return replace(column, bounds=_BOUNDS.get(column.type, (0, 1000)))
    whole = not column.sql_type.upper().startswith("VARCHAR")
    return replace(column, values=tuple(i if whole else f"value {i}" for i in range(GRID)))


def _typed(schema: Schema, directory: Path) -> Table:
    """A table without rows, at rest, with the columns' physical types."""
    import duckdb

    from synthkit.sql.quoting import literal, quote

    file = directory / "types.parquet"
    columns = ", ".join(f"CAST(NULL AS {c.sql_type}) AS {quote(c.name)}" for c in schema.columns)
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {columns} WHERE false) TO {literal(str(file))} (FORMAT parquet)")
    return Table(schema, (file,), 0)


def at_rest(batches: Sequence[pa.RecordBatch], schema: Schema, file: Path) -> Table:
    """Rows as a table that a generator can learn from."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pa.Table.from_batches(list(batches))
    pq.write_table(rows, file)
    return Table(schema, (file,), rows.num_rows)
