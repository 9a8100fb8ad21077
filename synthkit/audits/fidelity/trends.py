"""The pair trends of SDMetrics, for comparison with reports that others made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, Decide, audit
from synthkit.audits.fidelity.pairs import Pair, chosen_pairs, sampled
from synthkit.audits.gate import Default, Estimate, skipped
from synthkit.audits.measures.exact import DOUBLE, above
from synthkit.audits.rows import marginals
from synthkit.audits.rows.association import numbers
from synthkit.audits.rows.choice import has_floor, is_number, judged_columns, too_few
from synthkit.audits.rows.codes import floor_rows
from synthkit.audits.rows.features import sample_rows
from synthkit.audits.rows.sampling_error import DRAWS, Draws, gaps, groups, mean
from synthkit.audits.verdict import ALPHA, Combine, Part, SharesParams, mean_floor, share_of_alpha, verdict

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

TRENDS: Default = {"max_shortfall": 0.05}
BINS = 10
DENSE = 1_000_000  # cells of a table that is counted as it is, empty ones among them
SIDES: tuple[Side, ...] = ("synthetic", "holdout")
HALVES = 32  # of the rows, for the error of the bins
HALF_ROWS = 20_000  # of a side that are counted for it
CELLS = 2_000_000  # of a pair's table by group, above which its rows are dealt into fewer groups


class PairTrendsParams(SharesParams):
    """Parameters of ``pair_trends``, a score in [0, 1]; the default limit is ``max_shortfall: 0.05`` for the mean.

    Args:
        correlation: two numbers count where the real |r| is above this; the default is SDMetrics'.
        association: other pairs count where the real Cramér's V is above this; the default is SDMetrics'.
        combine: the mean over pairs by default; ``worst``: every pair must keep the limit.
        decide: the score itself by default: noise only ever lowers it.
    """

    correlation: float = Field(default=0.5, ge=0, lt=1)
    association: float = Field(default=0.3, ge=0, lt=1)
    min: float | None = Field(default=None, ge=0, le=1)
    combine: Combine = "mean"
    decide: Decide = "point"


@audit("pair_trends", PairTrendsParams, family="fidelity", version=3, needs=("train", "holdout"), between=SHARE)
def pair_trends(context: AuditContext, params: PairTrendsParams) -> AuditResult:
    """One score for pairs of columns, as SDMetrics' quality report gives it: 1 is best.

    The mean over pairs of 1 − |r − r'| / 2 (two numbers, Pearson's correlation) and 1 − TV of the two-way table (two
    categories, or a category and a number in ten bins of equal width): the Column Pair Trends of SDMetrics, over all
    rows where SDMetrics draws 50,000. As there, only pairs count that are correlated in the real rows, each table is
    cut into bins of its own range, a missing number lies in the last of them, and a pair with a real column that is
    constant, or with a constant number, has no score. ``column_pairs`` and ``correlation`` are the better questions:
    one extreme value moves all bins here.
    """
    columns = judged_columns(context, params.columns, "pair_trends")
    if len(columns) < 2:
        return skipped("the table has no two columns to compare")
    if few := too_few(context, params, TRENDS):
        return few
    pairs = chosen_pairs(context, columns)
    alpha = share_of_alpha(params, len(pairs))
    parts, taken = [], []
    for pair in pairs:
        numbers = all(is_number(context, c) for c in pair)
        found = _correlated(context, pair, params) if numbers else _tabled(context, pair, params)
        if found is not None:
            draws, apart = found
            taken.append(draws)
            floor = None if apart is None else 1 - apart
            parts.append(Part(f"{pair[0]} × {pair[1]}", Estimate.of_likeness(draws.distance(alpha), floor)))
    if not taken:
        return skipped("no pair of columns is correlated enough among the real rows to count")
    joint = Estimate.of_likeness(mean(taken).distance(ALPHA), mean_floor(parts))
    advice = "another generator or more training"
    result = verdict(parts, params, TRENDS, symbol="score", advice=advice, noun="pair", joint=joint)
    return sampled(result, len(pairs), len(columns))


def _correlated(context: AuditContext, pair: Pair, params: PairTrendsParams) -> tuple[Draws, float | None] | None:
    import numpy as np

    from synthkit.audits.rows.association import strength

    theirs, ours = groups(context, "holdout"), groups(context, "synthetic")
    real = strength(context, "holdout", pair, "pearson", theirs.of_row, theirs.multipliers.shape[1], None)
    made = strength(context, "synthetic", pair, "pearson", ours.of_row, ours.multipliers.shape[1], None)
    if real is None or made is None or (params.correlation and abs(real.value) <= params.correlation):
        return None
    draws = gaps(np.array([made.value - real.value]), (made.error(ours) - real.error(theirs))[:, None], 0.5)
    if not all(has_floor(context, c) for c in pair):
        return draws, None
    rows = floor_rows(context)
    one = np.zeros(context.rows("train") if rows is None else len(rows), dtype=np.int32)
    train = strength(context, "train", pair, "pearson", one, 1, rows)
    return draws, None if train is None else abs(train.value - real.value) / 2


def _tabled(context: AuditContext, pair: Pair, params: PairTrendsParams) -> tuple[Draws, float | None] | None:
    import numpy as np

    sides: list[Side] = ["synthetic", "holdout"]
    if all(has_floor(context, column) for column in pair):
        sides.append("train")
    read = [_codes(context, s, pair) for s in sides]
    found = _association(*read[1])
    if np.isnan(found) or (params.association and not found > params.association):
        return None
    cells = _cells(read)
    if len(sides) == 3 and (rows := floor_rows(context)) is not None:
        cells[2] = cells[2][rows]
    counts = _counts(cells)
    seen = np.flatnonzero(sum(counts))
    shares = [n[seen] / n.sum() for n in counts]
    place = np.zeros(len(counts[0]), dtype=np.int64)
    place[seen] = np.arange(len(seen))
    draws = _table_draws(context, [place[c] for c in cells[:2]], shares, len(seen))
    if any(is_number(context, c) for c in pair):
        moved = _of_bins(context, pair)
        draws = replace(draws, contact=draws.contact + moved, signed=draws.signed + moved, none=draws.none + moved)
    return draws, float(0.5 * np.abs(shares[2] - shares[1]).sum()) if len(sides) == 3 else None


def _cells(read: list[tuple[Array, Array]]) -> list[Array]:
    """The cell of each row in the table of two columns, numbered alike on all sides."""
    import numpy as np

    width = max(int(second.max(initial=0)) for _, second in read) + 1
    return [first.astype(np.int64) * width + second for first, second in read]


def _counts(cells: list[Array]) -> list[Array]:
    """Rows of each side by cell. A cell's number that is too large to count by is replaced, in place, by its rank."""
    import numpy as np

    size = max(int(c.max(initial=0)) for c in cells) + 1
    if size > DENSE:
        known, rank = np.unique(np.concatenate(cells), return_inverse=True)
        cells[:], size = np.split(rank, np.cumsum([len(c) for c in cells])[:-1]), len(known)
    return [np.bincount(c, minlength=size) for c in cells]


def _table_draws(context: AuditContext, places: list[Array], shares: list[Array], size: int) -> Draws:
    """With the error of the commonest cells alone where the table is very large."""
    import numpy as np

    value = float(0.5 * np.abs(shares[0] - shares[1]).sum())
    ours, theirs = groups(context, "synthetic"), groups(context, "holdout")
    most = CELLS // max(len(ours.multipliers), 1)
    if size > most:
        order = np.argsort(-(shares[0] + shares[1]), kind="stable")
        small = np.empty(size, dtype=np.int64)
        small[order] = np.minimum(np.arange(size), most)
        places, size = [small[p] for p in places[:2]], most + 1
        shares = [np.bincount(p, minlength=size) / len(p) for p in places]
    error = ours.error(ours.table(places[0], size)) - theirs.error(theirs.table(places[1], size))
    found = gaps(shares[0] - shares[1], error, 0.5)
    return replace(found, value=value)


def _of_bins(context: AuditContext, pair: Pair) -> Array:
    """Draws of the error that comes of bins between the extremes of the rows at hand: shape (DRAWS,).

    Half of the groups of rows, drawn again and again, have other extremes. The score's variance over these halves is
    about that over fresh samples (half-sampling; Kish & Frankel 1974). The halves are the same for every pair, so that
    the errors of pairs that share a column go together.
    """
    import numpy as np

    halves = [(_half_codes(context, side, pair[0]), _half_codes(context, side, pair[1])) for side in SIDES]
    scores = np.empty(HALVES)
    for i in range(HALVES):
        read = [(first[i], second[i]) for first, second in halves]
        ours, theirs = _counts(_cells(read))
        scores[i] = 0.5 * np.abs(ours / ours.sum() - theirs / theirs.sum()).sum()
    multipliers = context.shared(
        ("halves",), lambda: context.rng("multipliers of halves").standard_normal((DRAWS, HALVES), dtype=np.float32)
    )
    return np.asarray(multipliers @ (scores - scores.mean()) / np.sqrt(HALVES - 1))


def _half_codes(context: AuditContext, side: Side, column: str) -> list[Array]:
    """The codes of some rows of a side, one array for each half of its groups: bins between that half's extremes."""

    def read() -> list[Array]:
        import numpy as np

        rows = sample_rows(context, side, HALF_ROWS, "halves")
        if not is_number(context, column):
            return [trend_codes(context, side, column)[rows]] * HALVES
        values, dealt = numbers(context, side, column, "pearson"), groups(context, side)
        finite = np.isfinite(values)
        count = dealt.multipliers.shape[1]
        low, high = np.full(count, np.inf), np.full(count, -np.inf)
        np.minimum.at(low, dealt.of_row[finite], values[finite])
        np.maximum.at(high, dealt.of_row[finite], values[finite])
        rng = context.rng("halves", side)
        found = []
        for _ in range(HALVES):
            half = rng.permutation(count)[: max(1, count // 2)]
            ends = float(low[half].min()), float(high[half].max())
            found.append(binned(values[rows], *ends))
        return found

    return context.shared(("halves", side, column), read)


def _association(first: Array, second: Array) -> float:
    """Cramér's V without a correction, as SDMetrics takes it; NaN where one of the columns is constant."""
    import numpy as np

    rows, columns = np.bincount(first), np.bincount(second)
    least = min(np.count_nonzero(rows), np.count_nonzero(columns)) - 1
    if least < 1:
        return float("nan")
    cells = first.astype(np.int64) * len(columns) + second
    if len(rows) * len(columns) > DENSE:
        known, counts = np.unique(cells, return_counts=True)
    else:
        table = np.bincount(cells)
        known = np.flatnonzero(table)
        counts = table[known]
    expected = rows[known // len(columns)].astype(float) * columns[known % len(columns)]
    return float(np.sqrt(max(0.0, (counts.astype(float) ** 2 / expected).sum() - 1) / least))


def _codes(context: AuditContext, side: Side, pair: Pair) -> tuple[Array, Array]:
    first, second = (trend_codes(context, side, c) for c in pair)
    return first, second


def trend_codes(context: AuditContext, side: Side, column: str) -> Array:
    """Every category as a code of its own; a number as one of ten bins of equal width over the side's own range."""
    return context.shared(("trend codes", side, column), lambda: _read(context, side, column))


def _read(context: AuditContext, side: Side, column: str) -> Array:
    import numpy as np

    if is_number(context, column):
        filled, missing = marginals.rows_of(context, side, column)
        there = ~missing & np.isfinite(filled)
        if not there.any():
            return binned(np.full(len(filled), np.nan), np.inf, -np.inf)
        low, high = filled[there].min(), filled[there].max()
        origin = int(low) if filled.dtype.kind != "f" and max(abs(int(low)), abs(int(high))) > DOUBLE else 0
        values, ends = above(filled, origin), above(np.array([low, high]), origin)
        return binned(np.where(missing, np.nan, values), float(ends[0]), float(ends[1]))
    key = marginals.category_key(context, column)
    known = _vocabulary(context, column)
    encoded = context.column(side, key).combine_chunks()
    encoded = encoded.dictionary_encode()
    table = np.array([known[w] for w in encoded.dictionary.to_pylist()] + [len(known)], dtype=np.int32)
    places = np.asarray(encoded.indices.fill_null(len(table) - 1).to_numpy(zero_copy_only=False))
    return np.asarray(table[places])


def binned(values: Array, low: float, high: float) -> Array:
    """The bin of each number, from 1: BINS of equal width between ``low`` and ``high``. A number at or above ``high``
    lies in the last one, BINS + 1, as does a missing one; of a constant, all that are that number lie in one in the
    middle."""
    import numpy as np

    if not low < high:  # a constant, or (low > high) no number at all
        found = np.where(values < low, 0, np.where(values == low, BINS // 2 + 1, BINS + 1))
        return found.astype(np.int16)
    if not np.isfinite(high - low):
        values, low, high = values / 4, low / 4, high / 4
    edges = np.linspace(low, high, BINS + 1)
    if not (np.diff(edges) > 0).all():  # so near to each other that there are no BINS float64s between them
        values, edges = (values - low) / (high - low), np.linspace(0, 1, BINS + 1)
    return np.digitize(values, edges).astype(np.int16)


def _vocabulary(context: AuditContext, column: str) -> Mapping[str, int]:
    def collect() -> dict[str, int]:
        sides: tuple[Side, ...] = ("synthetic", "train", "holdout")
        words = {
            k for s in sides if column in marginals.sql_types(context, s) for k in marginals.counts(context, s, column)
        }
        return {word: i for i, word in enumerate(sorted(w for w in words if w is not None))}

    return context.shared(("trend words", column), collect)
