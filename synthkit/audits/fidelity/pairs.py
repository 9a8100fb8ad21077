"""Pairs of columns: is what goes together in the real rows together in the synthetic ones?

A table of two columns, in coarse codes, is counted once per pair and side. Of more than 500 pairs, 500 are drawn with
the model's seed; the details say so.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, Decide, audit
from synthkit.audits.gate import Default, Estimate, skipped
from synthkit.audits.rows.choice import has_floor, judged_columns, too_few
from synthkit.audits.rows.codes import coarse_codes, coding, floor_codes
from synthkit.audits.rows.sampling_error import Draws, gaps, groups, mean
from synthkit.audits.verdict import ALPHA, Combine, DistanceParams, Part, mean_floor, share_of_alpha, verdict

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

MOST_PAIRS = 500
PAIRS: Default = {"max_excess": 0.05}
Pair = tuple[str, str]


class ColumnPairsParams(DistanceParams):
    """Parameters of ``column_pairs``, a distance in [0, 1]; the default limit is ``max_excess: 0.05`` for every pair.

    Args:
        combine: ``worst`` by default; ``mean`` over all pairs hardly moves where most have nothing to do with one
            another, even if all the others come apart.
    """

    combine: Combine = "worst"
    decide: Decide = "point"


@audit("column_pairs", ColumnPairsParams, family="fidelity", needs=("train", "holdout"), between=SHARE)
def column_pairs(context: AuditContext, params: ColumnPairsParams) -> AuditResult:
    """How far pairs of columns, numbers and categories alike, are from lying together as the real ones do.

    The value is the total variation distance ½ Σ |p − q| of the two-way table of the worst pair: ten bins of
    numbers and dates between the quantiles of the real training rows, the 20 commonest categories, all others,
    the missing value. Interval: :mod:`synthkit.audits.rows.sampling_error`, with one of its
    own for the mean (``combine: mean``), as all pairs are counted in the same rows. The worst pairs come first.
    """
    columns = judged_columns(context, params.columns, "column_pairs")
    if len(columns) < 2:
        return skipped("the table has no two columns to compare")
    if few := too_few(context, params, PAIRS):
        return few
    pairs = chosen_pairs(context, columns)
    alpha = share_of_alpha(params, len(pairs))
    parts, taken = [], []
    for pair in pairs:
        draws, floor = _apart(context, pair)
        parts.append(Part(f"{pair[0]} × {pair[1]}", Estimate.of(draws.distance(alpha), floor)))
        taken.append(draws)
    joint = Estimate.of(mean(taken).distance(ALPHA), mean_floor(parts))
    advice = "another generator or more training: what goes together in the real rows comes apart"
    result = verdict(parts, params, PAIRS, symbol="TV", advice=advice, noun="pair", joint=joint)
    return sampled(result, len(pairs), len(columns))


def chosen_pairs(context: AuditContext, columns: tuple[str, ...]) -> tuple[Pair, ...]:
    """All pairs of the columns, or MOST_PAIRS of them, drawn with the model's seed."""
    import numpy as np

    every = len(columns) * (len(columns) - 1) // 2
    if every <= MOST_PAIRS:
        return tuple(combinations(columns, 2))
    drawn = np.sort(context.rng("pairs", columns).choice(every, MOST_PAIRS, replace=False))
    before = np.cumsum(np.arange(len(columns) - 1, 0, -1))  # pairs of the columns up to each first one
    first = np.searchsorted(before, drawn, side="right")
    second = drawn - before[first] + len(columns)
    return tuple((columns[i], columns[j]) for i, j in zip(first.tolist(), second.tolist(), strict=True))


def sampled(result: AuditResult, pairs: int, columns: int) -> AuditResult:
    """The result with a word on pairs that were left out."""
    from dataclasses import replace

    every = columns * (columns - 1) // 2
    details = {**result.details, "pairs": {"judged": pairs, "all": every}}
    message = result.message if pairs == every else f"{result.message}. {pairs} of {every} pairs were drawn"
    return replace(result, message=message, details=details)


def pair_table(context: AuditContext, side: Side, pair: Pair) -> tuple[Array, int]:
    """The code of each row in the table of two columns, and how many cells it has; the first column is the rows."""
    import numpy as np

    first, second = pair
    width = coding(context, second).coarse_size
    rows = coarse_codes(context, side, first).astype(np.int32) * np.int32(width)
    return rows + coarse_codes(context, side, second), coding(context, first).coarse_size * width


def floor_table(context: AuditContext, pair: Pair) -> Array:
    """The two-way table of the rows that take the synthetic ones' place for a floor, as counts (cells,)."""
    import numpy as np

    first, second = pair
    width = coding(context, second).coarse_size
    cells = floor_codes(context, first, coarse=True).astype(np.int32) * np.int32(width)
    cells = cells + floor_codes(context, second, coarse=True)
    return np.bincount(cells, minlength=coding(context, first).coarse_size * width)


def _apart(context: AuditContext, pair: Pair) -> tuple[Draws, float | None]:
    import numpy as np

    shares, errors = [], []
    sides: tuple[Side, ...] = ("synthetic", "holdout")
    for side in sides:
        dealt = groups(context, side)
        table = dealt.table(*pair_table(context, side, pair))
        shares.append(table.sum(axis=0) / table.sum())
        errors.append((dealt, table))
    seen = (shares[0] + shares[1]) > 0  # most cells of a large table are empty on both sides
    ours, theirs = (dealt.error(table[:, seen]) for dealt, table in errors)
    draws = gaps((shares[0] - shares[1])[seen], ours - theirs, 0.5)
    if not all(has_floor(context, c) for c in pair):
        return draws, None
    real = floor_table(context, pair)
    return draws, float(0.5 * np.abs(real / real.sum() - shares[1]).sum())
