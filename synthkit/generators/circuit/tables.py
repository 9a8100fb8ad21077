"""Boosted trees whose paths ask few columns each, added up to tables over the combinations of those columns' cells.

However many trees there are, a row looks once into each table. It needs that the columns of every path from a root to a
leaf lie in a set of few combinations of cells; :func:`column_sets` finds sets that hold every pair of columns, and many
triples, for the trees to be grown in (``interaction_cst`` of scikit-learn). Of many columns, or wide ones, that takes
more sets than looking them up is worth: those keep their trees (:mod:`.forest`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from synthkit.generators.circuit.forest import baseline, cell_of, columns_in_order, goes_left

if TYPE_CHECKING:
    import numpy as np
    import torch

    Array = np.ndarray[Any, Any]

MOST_CELLS = 2**16  # of a table: 256 KB, which the cache holds
MOST_SETS = 40  # more take longer to ask than thirty trees


@dataclass(frozen=True)
class Tables:
    """A sum of functions of a few columns each.

    Args:
        base: added to every sum.
        groups: the columns of each table, each with the weight of its code in the sum that is their cell.
        starts: where each table begins in ``values``; one more than tables.
        values: float32.
    """

    base: float
    groups: tuple[tuple[tuple[int, int], ...], ...]
    starts: tuple[int, ...]
    values: torch.Tensor

    def total(self, codes: torch.Tensor) -> torch.Tensor:
        """The sum for each row of cell codes (int32 or int64, shape (rows, columns)): float32, shape (rows,)."""
        import torch

        columns = dict(enumerate(codes.t()))
        found = torch.full((len(codes),), self.base)
        for group, start, end in zip(self.groups, self.starts, self.starts[1:], strict=False):
            found += self.values[start:end].index_select(0, cell_of(columns, group))
        return found


def column_sets(cardinalities: Sequence[int]) -> list[list[int]] | None:
    """Sets of columns, of at most :data:`MOST_CELLS` combinations of cells, that hold every pair of columns.

    None where that takes more than :data:`MOST_SETS`, or a pair has more combinations.
    """
    left = set(combinations(range(len(cardinalities)), 2))
    found: list[list[int]] = []
    while left:
        # The pair that leaves least room begins; then whoever brings most new pairs for the room that it takes.
        widest = max(left, key=lambda pair: (cardinalities[pair[0]] * cardinalities[pair[1]], pair))
        members = list(widest)
        room = MOST_CELLS // math.prod(cardinalities[j] for j in members)
        if room < 1 or len(found) == MOST_SETS:
            return None
        while True:
            fits = [j for j in range(len(cardinalities)) if j not in members and cardinalities[j] <= room]
            new = {j: sum((min(i, j), max(i, j)) in left for i in members) for j in fits}
            able = [j for j in fits if new[j]]
            if not able:
                break
            best = max(able, key=lambda j: (new[j] / math.log(max(2, cardinalities[j])), -cardinalities[j]))
            members.append(best)
            room //= cardinalities[best]
        found.append(sorted(members))
        left -= set(combinations(sorted(members), 2))
    return found


def tables_of(model: Any, cardinalities: Sequence[int], categorical: Mapping[int, Array], base: float) -> Tables:
    """The trees of a HistGradientBoostingClassifier that was grown in :func:`column_sets`; as :func:`.forest_of`."""
    import numpy as np
    import torch

    parts: dict[tuple[int, ...], Array] = {}
    order = columns_in_order(cardinalities, categorical)
    for (predictor,) in model._predictors:
        _add(parts, predictor, order, cardinalities, categorical)
    constant = float(parts.pop((), np.zeros(()))) + baseline(model) + base
    groups, starts, tables = [], [0], []
    for members in _gathered(list(parts), cardinalities):
        whole = np.zeros([cardinalities[j] for j in members])
        for columns in [c for c in parts if set(c) <= set(members)]:
            # Both are ascending, so that the axes stand in the same order.
            whole += parts.pop(columns).reshape([cardinalities[j] if j in columns else 1 for j in members])
        weights = np.cumprod([1, *whole.shape])[:-1].tolist()
        groups.append(tuple(zip(members, weights, strict=True)))
        starts.append(starts[-1] + whole.size)
        tables.append(whole.ravel(order="F").astype(np.float32))
    values = torch.from_numpy(np.concatenate(tables) if tables else np.zeros(0, dtype=np.float32))
    return Tables(constant, tuple(groups), tuple(starts), values)


def _add(
    parts: dict[tuple[int, ...], Array],
    predictor: Any,
    order: Sequence[int],
    cardinalities: Sequence[int],
    categorical: Mapping[int, Array],
) -> None:
    """Add a tree to ``parts``: its leaves to the table of the columns that are asked on the way to them."""
    import numpy as np

    stack: list[tuple[int, dict[int, Array]]] = [(0, {})]  # nodes, and which cells of each column lead to them
    while stack:
        index, allowed = stack.pop()
        node = predictor.nodes[index]
        if node["is_leaf"]:
            columns = tuple(sorted(allowed))
            table = parts.setdefault(columns, np.zeros([cardinalities[j] for j in columns]))
            table[np.ix_(*(allowed[j] for j in columns))] += node["value"]
            continue
        column, left = goes_left(predictor, node, order, cardinalities, categorical)
        here = allowed.get(column, np.ones(len(left), dtype=bool))
        stack += [(int(node["right"]), {**allowed, column: here & ~left})]
        stack += [(int(node["left"]), {**allowed, column: here & left})]


def _gathered(parts: Sequence[tuple[int, ...]], cardinalities: Sequence[int]) -> list[tuple[int, ...]]:
    """Few sets of columns, ascending, in which all ``parts`` are; the largest parts choose theirs first."""

    def size(columns: frozenset[int]) -> int:
        return math.prod(cardinalities[j] for j in columns)

    found: list[frozenset[int]] = []
    for part in sorted(map(frozenset, parts), key=lambda p: (-size(p), sorted(p))):
        grown = {i: size(part | members) for i, members in enumerate(found)}
        able = [i for i, cells in grown.items() if cells <= MOST_CELLS]
        if not able:
            found.append(part)
            continue
        best = min(able, key=lambda i: (grown[i] / size(found[i]), i))
        found[best] |= part
    return [tuple(sorted(members)) for members in found]
