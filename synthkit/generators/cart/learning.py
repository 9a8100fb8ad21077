"""From encoded rows to the trees of each column.

A column has several trees, each grown on half of the people: a leaf of one is a guess, and what is drawn is a mixture
of guesses that differ (Breiman 1996, "Bagging predictors"). Each tree's leaves then hold the cells of all rows, also of
those that it was not grown on, so that a split that one row asked for is answered by others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.cart.growing import grown, shared
from synthkit.generators.cart.places import places_of
from synthkit.generators.cart.tree import Splits
from synthkit.generators.cart.trees import Column, Leaves, Trees

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

CLASSES = 24  # categories at most that are told apart by their shares; more by their place in an order
NEAR = 64  # columns before it, at most, that a column's trees may ask for: those that tell most about it
DISTINCT = 8  # cells of a number at most of which the same is true

Report = Callable[[int, int, str], None]  # columns done, columns in all, a note


@dataclass(frozen=True)
class Rows:
    """What trees are grown from.

    Args:
        codes: the cell of each value, shape (rows, columns).
        cardinalities: cells of each column.
        numeric: which columns' cells have an order.
        units: a number for each row's privacy unit, shape (rows,); None: each row is one.
    """

    codes: Array
    cardinalities: Sequence[int]
    numeric: Sequence[bool]
    units: Array | None = None


def learn(
    rows: Rows,
    order: Sequence[int],
    information: Array,
    *,
    trees: int,
    least: int,
    people: int,
    seed: int,
    threads: int,
    report: Report,
) -> Trees:
    """Trees for each column over the columns before it: the same for any number of threads.

    Args:
        order: the columns, the first drawn first.
        information: what each column tells about each other one, in nats, shape (columns, columns).
        trees: of a column.
        least: rows in a leaf of those that a tree is grown on, at least.
        people: privacy units in a leaf of all rows, at least.
    """
    import numpy as np

    places = tuple(places_of(rows.codes, rows.cardinalities, j, rows.numeric) for j in range(len(order)))
    features = np.empty((len(rows.codes), len(order)), dtype=np.float32)
    for k, j in enumerate(order):
        features[:, k] = places[j][rows.codes[:, j]]
    units = None if rows.units is None else np.unique(rows.units, return_inverse=True)[1]
    halves = [_half(np.arange(len(features)) if units is None else units, seed + t) for t in range(trees)]

    def column(k: int) -> Column:
        j = order[k]
        cells, count = rows.codes[:, j].astype(np.int64), rows.cardinalities[j]
        classes = count <= (DISTINCT if rows.numeric[j] else CLASSES)
        target, before = cells if classes else features[:, k], features[:, : max(k, 1)]
        asked = np.sort(np.argsort(-information[j, list(order[:k])], kind="stable")[:NEAR])
        found = []
        for t in range(trees if k else 1):
            splits = Splits.none()
            if k:
                half = halves[t]
                mine = features[np.ix_(half, asked)]
                splits = grown(mine, target[half], classes=classes, least=least, seed=seed + j * trees + t).among(asked)
            found.append(Leaves.of(*shared(splits, before, units, people), cells))
        return Column(tuple(found), places[j])

    columns = []
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for learnt in pool.map(column, range(len(order))):
            columns.append(learnt)
            report(len(columns), len(order), "")
    return Trees(tuple(order), tuple(columns))


def _half(units: Array, seed: int) -> Array:
    """The rows of half of the units: booleans, shape (rows,)."""
    import numpy as np

    every = int(units.max()) + 1
    half: Array = np.random.default_rng(seed).permutation(every) < -(-every // 2)
    return half[units]
