"""Answers to a workload of SQL queries, per block of a side's rows, and their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.fidelity.queries import AT_ONCE, Query
from synthkit.audits.rows import marginals

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

BLOCKS = 20  # of each side's rows, left out in turn
BLOCK = "_synthkit_block"


@dataclass(frozen=True)
class Totals:
    """Answers as sums over rows.

    Args:
        rows: of the table.
        selected: (queries,) rows that each query's conditions select.
        sums, present: (queries,) of the averaged column, and the selected rows that have it.
        groups: for each group-by, by its place: (groups,) the selected rows of each group.
    """

    rows: float
    selected: Array
    sums: Array
    present: Array
    groups: Mapping[int, Array]


@dataclass(frozen=True)
class Blocks:
    """The same for each block, its number in front, so that leaving one out costs no further scan."""

    rows: Array
    selected: Array
    sums: Array
    present: Array
    groups: Mapping[int, Array]

    def over(self, weights: Array) -> Totals:
        w = weights.astype(float)
        return Totals(
            float(w @ self.rows),
            w @ self.selected,
            w @ self.sums,
            w @ self.present,
            {i: w @ table for i, table in self.groups.items()},
        )


def blocks_of_answers(context: AuditContext, side: Side, queries: Sequence[Query]) -> Blocks:
    """All answers of one side, AT_ONCE to a scan."""
    import numpy as np

    context.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE workload AS SELECT *, row_number() OVER () % {BLOCKS} AS {BLOCK} FROM {side}"
    )
    asked = ["count(*)"]
    for q in queries:
        asked.append(f"count(*) FILTER (WHERE {q.where})")
        if q.kind == "mean":
            # NaN is a missing value; one of them would make every mean NaN
            there = f"FILTER (WHERE {q.where} AND isfinite(CAST({q.expression} AS DOUBLE)))"
            asked += [f"coalesce(sum(CAST({q.expression} AS DOUBLE)) {there}, 0)", f"count({q.expression}) {there}"]
    found = np.zeros((BLOCKS, len(asked)))
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        for block, *row in context.query(f"SELECT {BLOCK}, {', '.join(some)} FROM workload GROUP BY 1"):
            found[int(block), start : start + len(some)] = row
    selected, sums, present = (np.zeros((BLOCKS, len(queries))) for _ in range(3))
    at = 1
    for i, q in enumerate(queries):
        selected[:, i] = found[:, at]
        if q.kind == "mean":
            sums[:, i], present[:, i] = found[:, at + 1], found[:, at + 2]
        at += 3 if q.kind == "mean" else 1
    groups: dict[int, Array] = {}
    for column in sorted({q.column or "" for q in queries if q.kind == "group"}):
        places = [i for i, q in enumerate(queries) if q.kind == "group" and q.column == column]
        groups |= _grouped(context, queries, places, column)
    context.connection.execute("DROP TABLE workload")
    return Blocks(found[:, 0], selected, sums, present, groups)


def _grouped(context: AuditContext, queries: Sequence[Query], places: Sequence[int], column: str) -> dict[int, Array]:
    import numpy as np

    sides: tuple[Side, ...] = ("synthetic", "train", "holdout")
    names = {n: k for k, n in enumerate(dict.fromkeys(n for s in sides for n in marginals.counts(context, s, column)))}
    found = {i: np.zeros((BLOCKS, len(names))) for i in places}
    key = queries[places[0]].expression
    for start in range(0, len(places), AT_ONCE):
        some = places[start : start + AT_ONCE]
        asked = ", ".join(f"count(*) FILTER (WHERE {queries[i].where})" for i in some)
        for block, name, *counts in context.query(f"SELECT {BLOCK}, {key}, {asked} FROM workload GROUP BY 1, 2"):
            for i, count in zip(some, counts, strict=True):
                found[i][int(block), names[name]] += count
    return found


def units(context: AuditContext, queries: Sequence[Query]) -> Array:
    """(queries,) the standard deviation of each averaged column among the real training rows; 1 for other queries."""
    import numpy as np

    def deviation(column: str) -> float:
        values = marginals.values(context, "train", column).numbers.astype(float)
        return float(values[np.isfinite(values)].std()) or 1.0

    each = {c: deviation(c) for c in sorted({q.column or "" for q in queries if q.kind == "mean"})}
    return np.array([each[q.column or ""] if q.kind == "mean" else 1.0 for q in queries])


def errors(queries: Sequence[Query], ours: Totals, theirs: Totals, unit: Array, least: float) -> Array:
    """(queries,) how far our answers are from theirs; NaN where there is no true answer.

    A count's is relative to the true share, or to ``least`` where that is larger; a mean's in units of ``unit``, 1
    where we select no row; a group-by's is the total variation distance, 1 where we select none.
    """
    import numpy as np

    a, b = ours.selected / ours.rows, theirs.selected / theirs.rows
    found: Array = np.abs(a - b) / np.maximum(b, least)
    mean = np.array([q.kind == "mean" for q in queries])
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.abs(ours.sums / ours.present - theirs.sums / theirs.present) / unit
    means[ours.present == 0] = 1.0
    means[theirs.present == 0] = np.nan
    found[mean] = means[mean]
    for i, real in theirs.groups.items():
        made = ours.groups[i]
        if real.sum() == 0:
            found[i] = np.nan
        else:
            found[i] = 1.0 if made.sum() == 0 else 0.5 * float(np.abs(made / made.sum() - real / real.sum()).sum())
    return found
