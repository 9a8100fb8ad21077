"""The trees of all columns, and the rows that are drawn from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.cart.tree import Splits, leaves_of

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Leaves:
    """A tree whose leaves hold the cells of the training rows that end in them.

    Args:
        starts, counts: where a node's cells lie in ``cells``, and how many; 0 of an inner node. Int64, shape (nodes,).
        cells: uint16, of all rows, those of a leaf together and ascending, so that nothing tells which row had which.
    """

    splits: Splits
    starts: Array
    counts: Array
    cells: Array

    @staticmethod
    def of(splits: Splits, leaves: Array, cells: Array) -> Leaves:
        """The tree whose rows end in ``leaves`` and have ``cells``, both of shape (rows,)."""
        import numpy as np

        counts = np.bincount(leaves, minlength=splits.nodes)
        kept = cells[np.lexsort((cells, leaves))].astype(np.uint16)  # as many as there may be of a column
        return Leaves(splits, np.cumsum(counts) - counts, counts, kept)

    def draw(self, features: Array, uniform: Array) -> Array:
        """A cell for each row."""
        leaves = leaves_of(self.splits, features)
        found: Array = self.cells[self.starts[leaves] + (uniform * self.counts[leaves]).astype("int64")]
        return found

    def chances(self, cell: int) -> Array:
        """The chance of a cell in each node: shape (nodes,), 0 of an inner one."""
        import numpy as np

        leaves = np.flatnonzero(self.counts)
        leaves = leaves[np.argsort(self.starts[leaves], kind="stable")]
        has = np.add.reduceat((self.cells == cell).astype(np.int64), self.starts[leaves])
        found = np.zeros(self.splits.nodes)
        found[leaves] = has / self.counts[leaves]
        return found


@dataclass(frozen=True)
class Given:
    """A cell that rows of a column are to have.

    Args:
        chances: of it in each node of each tree.
        most: the greatest of them: where it is met, every row is kept.
    """

    cell: int
    chances: tuple[Array, ...]
    most: float


@dataclass(frozen=True)
class Column:
    """p(cell | cells of the columns before), the mean of what its trees say.

    Args:
        places: of each cell, as a feature of later columns' trees: float32, shape (cells,).
    """

    trees: tuple[Leaves, ...]
    places: Array

    def given(self, cell: int) -> Given:
        chances = tuple(tree.chances(cell) for tree in self.trees)
        return Given(cell, chances, max(float(found.max()) for found in chances))

    def turns(self, rows: int, random: np.random.Generator) -> Iterator[tuple[int, slice]]:
        """The number of each tree and which rows it draws: as many each, from a random row on, so that a
        row's trees are independent.

        Where rows do not come out even, chance says which trees draw one more: of a single row any may be the tree.
        """
        many = len(self.trees)
        if many == 1:
            yield 0, slice(0, rows)
            return
        first, odd = divmod(int(random.integers(max(rows, 1) * many)), many)
        for t in range(many):
            start, end = first + (t * rows + odd) // many, first + ((t + 1) * rows + odd) // many
            if start < rows:
                yield t, slice(start, min(end, rows))
            if end > rows:
                yield t, slice(max(start, rows) - rows, end - rows)


@dataclass(frozen=True)
class Trees:
    """The columns in the order that they are drawn in.

    Args:
        order: their numbers.
    """

    order: tuple[int, ...]
    columns: tuple[Column, ...]

    def given(self, cells: Mapping[int, int]) -> dict[int, Given]:
        """What :meth:`draw` is to be given, of a cell of some columns."""
        return {j: column.given(cells[j]) for j, column in zip(self.order, self.columns, strict=True) if j in cells}

    def draw(self, rows: int, random: np.random.Generator, given: Mapping[int, Given] | None = None) -> Array:
        """Rows of codes, int32, shape (rows, columns).

        Args:
            given: the cell of some columns. A row is let go at such a column by the chance that it would have got
                another cell, so that those that are left, fewer, are of the conditional distribution.
        """
        import numpy as np

        given = given or {}
        features = np.empty((rows, len(self.order)), dtype=np.float32)
        codes = np.empty((rows, len(self.order)), dtype=np.int32)
        for k, (j, column) in enumerate(zip(self.order, self.columns, strict=True)):
            before, uniform = features[:, : max(k, 1)], random.random(len(codes))
            if (asked := given.get(j)) is not None:
                stay = np.zeros(len(codes), dtype=bool)
                for t, part in column.turns(len(codes), random):
                    leaves = leaves_of(column.trees[t].splits, before[part])
                    stay[part] = uniform[part] * asked.most < asked.chances[t][leaves]
                features, codes = features[stay], codes[stay]
                codes[:, j] = asked.cell
            else:
                for t, part in column.turns(len(codes), random):
                    codes[part, j] = column.trees[t].draw(before[part], uniform[part])
            features[:, k] = column.places[codes[:, j]]
        return codes
