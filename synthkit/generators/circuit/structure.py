"""Which columns depend on each other most: the Chow-Liu tree over the encoded columns.

Chow and Liu (1968), "Approximating discrete probability distributions with dependence trees": the maximum spanning
tree over pairwise mutual information is the tree of greatest likelihood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

GROUPS = 20  # a column of more cells is merged into so many for the estimate
MOST_ROWS = 50_000  # that the estimate reads
DIGITS = 12  # after the point of what columns tell: less is rounding, and must not decide between equal ones
BLOCK = (
    4_000_000  # cells of the two-way tables that are held at once, 32 MB: those of all pairs of 1,000 columns are 3 GB
)


@dataclass(frozen=True)
class Structure:
    """A rooted tree: ``order`` lists columns from the root on, ``parents`` each column's parent (-1: the root)."""

    parents: tuple[int, ...]
    order: tuple[int, ...]

    def children(self) -> tuple[tuple[int, ...], ...]:
        """The children of each column, in the order of the tree."""
        found: list[list[int]] = [[] for _ in self.parents]
        for column in self.order[1:]:
            found[self.parents[column]].append(column)
        return tuple(tuple(c) for c in found)

    def top(self, most: int) -> tuple[Structure, tuple[int, ...]]:
        """The tree of the first columns in the order, at most so many, and which these are."""
        kept = self.order[:most]
        place = {column: i for i, column in enumerate(kept)} | {-1: -1}
        return Structure(tuple(place[self.parents[c]] for c in kept), tuple(range(len(kept)))), kept


def mutual_information(codes: Array, cardinalities: Sequence[int], block: int = BLOCK) -> Array:
    """Pairwise mutual information in nats, bias-corrected (Miller and Madow), shape (columns, columns).

    Cells are merged into at most 20 groups of about equal mass in their order, as the estimate over 1,000 x 1,000
    cells would be noise. The tables of at most ``block`` cells, or of one column with all others, are held at once; the
    result does not depend on it.
    """
    import numpy as np
    import scipy.sparse as sparse

    codes = codes[:: max(1, len(codes) // MOST_ROWS)]
    n, d = codes.shape
    grouped, sizes = [], []
    for j in range(d):
        code = codes[:, j].astype(np.int64)
        if cardinalities[j] > GROUPS:
            counts = np.bincount(code, minlength=cardinalities[j])
            code = np.minimum((np.cumsum(counts) - counts / 2) / n * GROUPS, GROUPS - 1).astype(np.int64)[code]
        used, code = np.unique(code, return_inverse=True)
        grouped.append(code)
        sizes.append(len(used))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    # The tables of some columns with all others at once: the product of their one-hot matrices.
    columns = (np.stack(grouped, axis=1) + starts[:-1]).ravel()
    onehot = sparse.csc_matrix(
        sparse.csr_matrix((np.ones(n * d), columns, np.arange(0, n * d + 1, d)), (n, starts[-1]))
    )
    rowwise, single = onehot.tocsr(), np.asarray(onehot.sum(axis=0)).ravel() / n
    information = np.zeros((d, d))
    for first, last in _blocks(starts, block):
        own, later = slice(starts[first], starts[last]), slice(starts[first], None)
        joint = np.asarray((onehot[:, own].T @ rowwise[:, later]).todense()) / n
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(joint > 0, joint * np.log(joint / np.outer(single[own], single[later])), 0.0)
        by_column = np.add.reduceat(terms, starts[first:last] - starts[first], axis=0)
        information[first:last, first:] = np.add.reduceat(by_column, starts[first:-1] - starts[first], axis=1)
    information = np.triu(information) + np.triu(information, 1).T  # below it would be the same, but for the last digit
    degrees = np.array(sizes) - 1
    return np.asarray(np.round(information - np.outer(degrees, degrees) / (2 * n), DIGITS))


def _blocks(starts: Array, most: int) -> Iterator[tuple[int, int]]:
    """Runs of columns (first, last + 1) whose cells times all cells are at most ``most``, or of one column."""
    import numpy as np

    first, fit = 0, most // int(starts[-1])
    while first < len(starts) - 1:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + fit, side="right")) - 1)
        yield first, last
        first = last


def chow_liu(information: Array) -> Structure:
    """The maximum spanning tree (Prim), rooted at the column that tells most about the others; of equals the first."""
    import numpy as np

    d = len(information)
    weights = information - np.diag(information.diagonal())
    root = int(np.round(weights.sum(axis=0), DIGITS - 2).argmax())  # the same numbers in another order add up anew
    parents, order = [-1] * d, [root]
    best, nearest = weights[root].copy(), np.full(d, root)
    best[root] = -np.inf
    while len(order) < d:
        column = int(best.argmax())
        parents[column] = int(nearest[column])
        order.append(column)
        closer = weights[column] > best
        closer[order] = False
        nearest[closer] = column
        best = np.where(closer, weights[column], best)
        best[column] = -np.inf
    return Structure(tuple(parents), tuple(order))
