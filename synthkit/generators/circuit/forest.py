"""Boosted trees over cell codes, held as bit masks and evaluated by looking them up.

Each tree of at most 31 leaves becomes one table per column that it asks about: for every cell of the column, the set of
leaves that a row with this cell can still reach. The leaf of a row is the one in all its sets (QuickScorer, Lucchese
et al. 2015, turned to small integer codes). That needs no branching and no private code of the library that trained it.
Columns of few cells share a table over all combinations of their cells, which saves look-ups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

    Array = np.ndarray[Any, Any]

MOST_LEAVES = 31  # of a tree: the sets are bits of a signed 32-bit integer
MOST_CELLS = 2_048  # of a table that columns share
_DE_BRUIJN = 0x077CB531  # times a power of two, its highest five bits name the power (Leiserson et al. 1998)


@dataclass(frozen=True)
class Forest:
    """A sum of trees.

    Args:
        base: added to every sum.
        groups: columns that share tables, each with the weights of its columns' codes in the sum that is their cell.
        group_of: the group of each table.
        tree_of: the tree of each table, ascending.
        starts: where each table begins in ``masks``; one more than tables.
        masks: leaves that a cell leaves reachable, int32.
        leaves: values, float32, shape (trees, 32), in the order that :func:`bit_places` gives.
    """

    base: float
    groups: tuple[tuple[tuple[int, int], ...], ...]
    group_of: tuple[int, ...]
    tree_of: tuple[int, ...]
    starts: tuple[int, ...]
    masks: torch.Tensor
    leaves: torch.Tensor

    def total(self, codes: torch.Tensor) -> torch.Tensor:
        """The sum for each row of cell codes (int32 or int64, shape (rows, columns)): float32, shape (rows,)."""
        import torch

        found = torch.full((len(codes),), self.base)
        columns = dict(enumerate(codes.t()))
        cells = [cell_of(columns, group) for group in self.groups]
        at = 0
        for tree, values in enumerate(self.leaves):
            reached: torch.Tensor | None = None
            while at < len(self.group_of) and self.tree_of[at] == tree:
                table = self.masks[self.starts[at] : self.starts[at + 1]]
                allowed = table.index_select(0, cells[self.group_of[at]])
                reached = allowed if reached is None else reached.bitwise_and_(allowed)
                at += 1
            if reached is None:  # a tree of one leaf
                found += values[int(bit_places()[0])]
                continue
            bit_position = (reached * _DE_BRUIJN).bitwise_right_shift_(27).bitwise_and_(31)
            found += values.index_select(0, bit_position)
        return found


def cell_of(codes: Mapping[int, torch.Tensor], group: Sequence[tuple[int, int]]) -> torch.Tensor:
    """The cell of each row among the combinations of a group's columns.

    Args:
        codes: of each column, shape (rows,).
    """
    import torch

    (column, weight), *others = group
    found = codes[column] * weight if weight != 1 else codes[column].contiguous()
    for column, weight in others:
        found = torch.add(found, codes[column], alpha=weight)
    return found


def grouped(cardinalities: Sequence[int]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Every column in a group whose combinations of cells are at most :data:`MOST_CELLS`, and its weight in it."""
    groups: list[tuple[int, list[tuple[int, int]]]] = []  # cells, members
    for column in sorted(range(len(cardinalities)), key=cardinalities.__getitem__):
        size = cardinalities[column]
        # The first group with room: the smallest columns gather in few of them.
        at = next((i for i, (cells, _) in enumerate(groups) if cells * size <= MOST_CELLS), None)
        if at is None:
            groups.append((size, [(column, 1)]))
        else:
            cells, members = groups[at]
            groups[at] = cells * size, [*members, (column, cells)]
    return tuple(tuple(members) for _, members in groups)


def bit_places() -> list[int]:
    """Where the value of leaf i stands in a row of ``Forest.leaves``."""
    return [((1 << i) * _DE_BRUIJN & 0xFFFFFFFF) >> 27 for i in range(32)]


def forest_of(model: Any, cardinalities: Sequence[int], categorical: Mapping[int, Array], base: float) -> Forest:
    """The trees of a fitted HistGradientBoostingClassifier of two classes, trained on codes as numbers.

    Reads ``_predictors`` and ``_baseline_prediction``, which scikit-learn keeps private, so a test holds the sums equal
    to its ``decision_function``.

    Args:
        categorical: the columns that it took as categories, and which cells the training rows had of each, ascending.
        base: added to every sum.
    """
    import numpy as np
    import torch

    order = columns_in_order(cardinalities, categorical)
    places = bit_places()
    groups = grouped(cardinalities)
    group_of, tree_of, starts, masks = [], [], [0], []
    leaves = np.zeros((len(model._predictors), 32), dtype=np.float32)
    for number, (predictor,) in enumerate(model._predictors):
        nodes = predictor.nodes
        leaf_bit = _leaf_bits(nodes)
        for index, bit in leaf_bit.items():
            leaves[number, places[bit]] = nodes[index]["value"]
        tables = _tables(predictor, leaf_bit, order, cardinalities, categorical)
        for index, group in enumerate(groups):
            if not any(column in tables for column, _ in group):
                continue
            group_of.append(index)
            tree_of.append(number)
            masks.append(_joint(tables, group, cardinalities))
            starts.append(starts[-1] + len(masks[-1]))
    flat = np.concatenate(masks) if masks else np.zeros(0, dtype=np.int32)
    arrays = torch.from_numpy(flat.astype(np.int32)), torch.from_numpy(leaves)
    return Forest(baseline(model) + base, groups, tuple(group_of), tuple(tree_of), tuple(starts), *arrays)


def baseline(model: Any) -> float:
    """What a fitted HistGradientBoostingClassifier begins its sums with."""
    import numpy as np

    return float(np.ravel(model._baseline_prediction)[0])


def columns_in_order(cardinalities: Sequence[int], categorical: Mapping[int, Array]) -> list[int]:
    """The columns as scikit-learn numbers them: categorical ones first."""
    return [*categorical, *(j for j in range(len(cardinalities)) if j not in categorical)]


def goes_left(
    predictor: Any,
    node: Any,
    order: Sequence[int],
    cardinalities: Sequence[int],
    categorical: Mapping[int, Array],
) -> tuple[int, Array]:
    """The column that a node asks, and which of its cells go to the left: booleans, shape (cells,)."""
    import numpy as np

    column = order[int(node["feature_idx"])]
    cells = np.arange(cardinalities[column])
    if not node["is_categorical"]:
        return column, cells <= node["num_threshold"]
    known = categorical[column]  # scikit-learn numbers the cells that it saw
    number = np.minimum(np.searchsorted(known, cells), len(known) - 1)
    bits = predictor.raw_left_cat_bitsets[node["bitset_idx"]]
    left = (bits[number // 32] >> (number % 32).astype(np.uint32)) & 1 == 1
    return column, np.where(known[number] == cells, left, bool(node["missing_go_to_left"]))


def _joint(tables: Mapping[int, Array], group: Sequence[tuple[int, int]], cardinalities: Sequence[int]) -> Array:
    """The reachable leaves for each combination of a group's cells: those that all its columns leave."""
    import numpy as np

    found = np.full(1, -1, dtype=np.int64)
    for column, _ in group:
        table = tables.get(column, np.full(cardinalities[column], -1, dtype=np.int64))
        found = (table[:, None] & found).ravel()
    return found


def _leaf_bits(nodes: Array) -> dict[int, int]:
    """Node index of each leaf → its bit, from left to right."""
    found: dict[int, int] = {}
    stack = [0]
    while stack:
        index = stack.pop()
        if nodes[index]["is_leaf"]:
            found[index] = len(found)
        else:
            stack += [int(nodes[index]["right"]), int(nodes[index]["left"])]
    return found


def _tables(
    predictor: Any,
    leaf_bit: dict[int, int],
    order: Sequence[int],
    cardinalities: Sequence[int],
    categorical: Mapping[int, Array],
) -> dict[int, Array]:
    """For each column asked about: the reachable leaves per cell."""
    import numpy as np

    nodes = predictor.nodes
    below: dict[int, int] = {}

    def leaves_below(index: int) -> int:
        if index not in below:
            node = nodes[index]
            if node["is_leaf"]:
                below[index] = 1 << leaf_bit[index]
            else:
                below[index] = leaves_below(int(node["left"])) | leaves_below(int(node["right"]))
        return below[index]

    tables: dict[int, Array] = {}
    for node in nodes:
        if node["is_leaf"]:
            continue
        column, left = goes_left(predictor, node, order, cardinalities, categorical)
        table = tables.setdefault(column, np.full(len(left), leaves_below(0), dtype=np.int64))
        lost_left, lost_right = leaves_below(int(node["left"])), leaves_below(int(node["right"]))
        table &= np.where(left, ~np.int64(lost_right), ~np.int64(lost_left))
    return tables
