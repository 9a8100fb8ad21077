"""What features tell of a column, before anything is learnt: which are asked, and the order of cells that have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.additive import Shape

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

GROUPS = 14  # of cells, when features are chosen, and of an ordered feature's codes where rows are few
GROUPED = 2_000  # rows, below which there are fewer groups: as many as have SHARED rows each
SHARED = 20
CHOSEN_FROM = 40_000  # rows, when features are chosen
DEALT = 2  # times that features are dealt to others, to see what they tell by chance


@dataclass(frozen=True)
class Repeated:
    """Features (by number) that are the same in all rows of a ``group``, whose number each row has."""

    features: Array
    group: Array


def repeated_in(codes: Array, groups: Sequence[Array]) -> tuple[Repeated, ...]:
    """Which of the features (shape (rows, features)) are the same in all rows of a group: of several kinds of groups
    the first in which they are, the widest."""
    import numpy as np

    left, found = np.arange(codes.shape[1]), []
    for group in groups:
        _, first, of = np.unique(group, return_index=True, return_inverse=True)
        if len(first) == len(group):
            continue
        same = np.array([bool((codes[first, j][of] == codes[:, j]).all()) for j in left], dtype=bool)
        found.append(Repeated(left[same], group))
        left = left[~same]
    return tuple(found)


def told_by(
    cells: Array,
    order: Array,
    counts: Array,
    given: Array,
    shape: Shape,
    allowed: Array,
    ordered: bool,
    repeated: Sequence[Repeated] = (),
) -> Array:
    """What each allowed feature tells of the column: mutual information with groups of its cells, less its bias.

    Rows of one entity are alike, so that whatever is the same in all of them tells much of them, though it is nothing
    but whose they are: what it tells by chance is what it tells when it is dealt to other entities.
    """
    import numpy as np

    found = _told(cells, order, counts, given, shape, allowed, ordered)
    rng = np.random.default_rng(0)
    for one in repeated:
        at = np.flatnonzero(np.isin(allowed, one.features))
        _, first, of = np.unique(one.group, return_index=True, return_inverse=True)
        if not len(at) or len(first) == len(cells):
            continue
        some = allowed[at]
        mine, known = given[first][:, some], Shape(shape.bins[some], shape.nominal[some], shape.blank[some])
        for _ in range(DEALT):
            dealt = mine[rng.permutation(len(first))][of]
            by_chance = _told(cells, order, counts, dealt, known, np.arange(len(at)), ordered)
            found[at] -= np.maximum(by_chance, 0) / DEALT
    return found


def _told(
    cells: Array, order: Array, counts: Array, given: Array, shape: Shape, allowed: Array, ordered: bool
) -> Array:
    """As :func:`told_by`, with the bias that there is where rows have nothing to do with one another."""
    import numpy as np

    few = len(cells) < GROUPED
    groups = min(GROUPS, max(2, len(cells) // SHARED)) if few else GROUPS
    group_of = grouped(counts, groups, ordered=ordered)
    step = max(1, len(cells) // CHOSEN_FROM)
    group = group_of[np.searchsorted(order, cells[::step])]
    if not few:
        return np.array([_mutual(group, given[::step, j], int(shape.bins[j])) for j in allowed])
    found = []
    for j in allowed:
        codes, bins, blank = given[:, j], int(shape.bins[j]), int(shape.blank[j])
        if not shape.nominal[j] and blank > groups:
            codes, bins = _coarse(codes, blank, bins, groups)
        found.append(_mutual(group, codes, bins))
    return np.array(found)


def _coarse(codes: Array, blank: int, bins: int, groups: int) -> tuple[Array, int]:
    """Codes of an ordered feature in so many groups of about as many rows; those that stand for no value stay apart."""
    import numpy as np

    count = np.bincount(codes, minlength=bins)[:blank]
    coarse = np.append(grouped(count, groups, ordered=True), groups + np.arange(bins - blank))
    return coarse[codes], groups + bins - blank


def grouped(counts: Array, groups: int, *, ordered: bool) -> Array:
    """The group of each cell: in order and about as many rows in each, else the most frequent alone, others together.

    Args:
        counts: rows of each cell.
    """
    import numpy as np

    if ordered:
        middle = (np.cumsum(counts) - counts / 2) / max(1, counts.sum())
        return np.asarray(np.minimum((middle * groups).astype(np.int64), groups - 1))
    return np.minimum(np.argsort(np.argsort(-counts, kind="stable"), kind="stable"), groups - 1)


def _mutual(group: Array, codes: Array, bins: int) -> float:
    """Mutual information in nats, less its expectation where there is none (Miller 1955)."""
    import numpy as np

    table = np.bincount(group * bins + codes, minlength=GROUPS * bins).reshape(GROUPS, bins).astype(np.float64)
    total = table.sum()
    a, b = table.sum(axis=1), table.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.nansum(table / total * np.log(table * total / a[:, None] / b[None, :]))
    return float(found - ((a > 0).sum() - 1) * ((b > 0).sum() - 1) / (2 * total))


def alike_in_order(cells: Array, codes: Array) -> Array:
    """Cells in an order in which neighbours have alike codes: the first axis of a correspondence analysis."""
    import numpy as np

    table = np.zeros((int(cells.max()) + 1, int(codes.max()) + 1))
    np.add.at(table, (cells, codes), 1.0)
    a, b = table.sum(axis=1), table.sum(axis=0)
    seen = b > 0
    p, a, b = table[:, seen] / table.sum(), a / a.sum(), b[seen] / b.sum()
    rest = (p - np.outer(a, b)) / np.sqrt(np.outer(a, b))
    axis = np.linalg.svd(rest, full_matrices=False)[0][:, 0]
    axis = axis * (1 if axis[np.abs(axis).argmax()] > 0 else -1)
    return np.lexsort((np.arange(len(a)), np.round(axis / np.sqrt(a), 9)))
