"""Sampling error where the rows of one entity hang together: entities are drawn anew, not rows.

An entity (a customer with all orders and lines) is what was sampled; its rows are as like one another as they are. So
entities are dealt into groups, and the multiplier bootstrap of :mod:`synthkit.audits.rows.sampling_error` weights
groups of entities. A share of rows is a ratio of two sums over groups, so groups may differ in their rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.audits.measures.correlations import correlations, moments
from synthkit.audits.rows.sampling_error import Draws, Groups, deal, gaps, largest

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FEWEST = 30  # entities on a side below which nothing can be told
GRID = 256  # points at which two distributions are compared
CONTACT = 2.0  # standard errors within which a gap may be the largest one


def count(units: Array) -> int:
    """How many entities there are among the units of some rows."""
    import numpy as np

    return len(np.unique(units))


def deal_entities(units: Array, rng: Any) -> Groups:
    """Entities dealt into groups at random: all rows of one are in its group.

    Args:
        units: the number of each row's entity.
    """
    import numpy as np

    found, place = np.unique(units, return_inverse=True)
    dealt = deal(len(found), rng)
    return Groups(dealt.of_row[place].astype(np.int32), dealt.multipliers)


def among(groups: Groups, rows: Array) -> Groups:
    """The groups of some of the rows."""
    return Groups(groups.of_row[rows], groups.multipliers)


def ks(ours: Array, theirs: Array, our_groups: Groups, their_groups: Groups) -> Draws:
    """sup |F − G| of two samples of finite numbers, over at most 256 points, with draws of its error."""
    import numpy as np

    pooled = np.unique(np.concatenate([ours, theirs]))
    points = (
        pooled if len(pooled) <= GRID else np.unique(np.quantile(pooled, np.linspace(0, 1, GRID), method="nearest"))
    )
    shares, errors = [], []
    for values, groups in ((ours, our_groups), (theirs, their_groups)):
        codes = np.searchsorted(points, values, side="left").astype(np.int32)
        table = groups.table(codes, len(points) + 1)
        shares.append(np.cumsum(table.sum(axis=0))[:-1] / max(1, len(values)))
        errors.append(np.cumsum(groups.error(table), axis=1)[:, :-1])
    difference, error = shares[0] - shares[1], errors[0] - errors[1]
    return largest(difference, error, CONTACT * float(error.std(axis=0).max(initial=0.0)))


def variation(ours: Array, theirs: Array, size: int, our_groups: Groups, their_groups: Groups) -> Draws:
    """½ Σ |p − q| of codes below ``size``, with draws of its error."""
    difference, error = shares_apart(ours, theirs, size, our_groups, their_groups)
    return gaps(difference, error, 0.5)


def shares_apart(
    ours: Array, theirs: Array, size: int, our_groups: Groups, their_groups: Groups
) -> tuple[Array, Array]:
    """p − q of codes below ``size``, shape (size,), and draws of its error, shape (DRAWS, size)."""
    shares, errors = [], []
    for codes, groups in ((ours, our_groups), (theirs, their_groups)):
        table = groups.table(codes.astype("int32"), size)
        shares.append(table.sum(axis=0) / max(1, len(codes)))
        errors.append(groups.error(table))
    return shares[0] - shares[1], errors[0] - errors[1]


def lags_apart(
    ours: tuple[Array, Array], theirs: tuple[Array, Array], our_groups: Groups, their_groups: Groups
) -> Draws | None:
    """|difference| of two correlations of values with those before them, with draws of its error by a jackknife over
    groups of entities; None where the second is not defined.

    Args:
        ours, theirs: values before and after each step, NaN where missing.
    """
    import numpy as np

    found = []
    for (before, after), groups in ((ours, our_groups), (theirs, their_groups)):
        each = moments(before[:, None], after[:, None], groups.of_row, groups.multipliers.shape[1])
        whole = each.sum(axis=0)
        found.append((correlations(whole)[0, 0], correlations(whole[None] - each)[:, 0, 0], groups))
    if not np.isfinite(found[1][0]):
        return None
    errors = []
    for _, without, groups in found:
        filled = np.nan_to_num(without)
        total = len(filled)
        errors.append(groups.multipliers @ (filled - filled.mean()) * np.sqrt((total - 1) / total))
    apart = np.array([np.nan_to_num(found[0][0]) - found[1][0]])  # a synthetic column that is constant has none
    return gaps(apart, (errors[0] - errors[1])[:, None])
