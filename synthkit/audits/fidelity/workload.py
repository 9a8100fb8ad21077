"""Do questions asked in SQL get the same answers? A random workload of counts, means and group-bys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import POSITIVE, AuditResult, ColumnNames, Decide, audit
from synthkit.audits.fidelity.answers import BLOCKS, blocks_of_answers, errors, units
from synthkit.audits.fidelity.queries import KINDS, workload
from synthkit.audits.gate import Default, Estimate, GateParams, gated, limit_of, untold
from synthkit.audits.measures.statistics import Z
from synthkit.audits.rows import marginals

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FEWEST = 100  # rows of each side
DEFAULT: Default = {"max_excess": 0.1}
ADVICE = "another generator or more training; look at the queries in the details first"


class QueryWorkloadParams(GateParams):
    """Parameters of ``query_workload``, beside the gate's.

    Args:
        queries: how many, a third each of counts, means and group-bys.
        conditions: in each query, at most.
        selectivity: the least share of the real training rows that a query asks about; errors of counts are in
            shares of the true count, or of this where that is larger.
        percentile: of the queries' errors; 50: the median.
        columns: to ask about; default: all that are modelled.
        decide: the error itself: noise only ever enlarges it.
    """

    queries: int = Field(default=200, ge=20, le=2_000)
    conditions: int = Field(default=3, ge=1, le=8)
    selectivity: float = Field(default=0.02, gt=0, lt=1)
    percentile: float = Field(default=50, gt=0, lt=100)
    columns: ColumnNames | None = None
    decide: Decide = "point"


@audit("query_workload", QueryWorkloadParams, family="utility", needs=("train", "holdout"), between=POSITIVE)
def query_workload(context: AuditContext, params: QueryWorkloadParams) -> AuditResult:
    """How far are answers to random SQL queries on synthetic rows from those on real ones? Median error of 200.

    Counts, means and group-bys over random ranges and values of up to three columns, as real training rows have them.
    The error of a count is relative to the true one, or to ``selectivity`` where that is larger (the sanity bound of
    Garofalakis & Kumar, 2005), after both are scaled to shares of the table; that of a mean is in standard deviations
    of the column; that of a group-by is the total variation distance of the groups' shares. The truth is the held-out
    rows'; errors against the training rows are in the details. Interval: 95 %, from leaving out each twentieth of
    either side's rows (grouped jackknife) and from drawing the queries again. Floor: the error of as many training
    rows. All held-out answers carry the same noise, which the floor shows, so ``max_excess`` is the natural limit.
    """
    import numpy as np

    threshold = limit_of(params, None, DEFAULT).text
    sides: tuple[Side, ...] = ("synthetic", "train", "holdout")
    few = [f"{context.rows(s)} {'held-out' if s == 'holdout' else s} rows" for s in sides if context.rows(s) < FEWEST]
    if few:
        return untold(f"{' and '.join(few)} (at least {FEWEST} are needed)", threshold)
    columns = tuple(params.columns or (c.name for c in marginals.comparable_columns(context)))
    queries = workload(context, columns, params.queries, params.conditions, params.selectivity)
    if len(queries) < 20:
        message = f"only {len(queries)} queries select {params.selectivity:.0%} of the rows: lower selectivity"
        return AuditResult(None, "inconclusive", threshold, message=message)
    fake, train, held = (blocks_of_answers(context, s, queries) for s in sides)
    unit = units(context, queries)
    every = np.ones(BLOCKS)
    # As many training rows as there are synthetic ones, to a block
    as_many = np.arange(BLOCKS) < max(1, round(BLOCKS * context.rows("synthetic") / context.rows("train")))

    def summary(found: Array) -> float:
        return float(np.nanpercentile(found, params.percentile))

    def error_of(ours: Array, theirs: Array) -> float:
        return summary(errors(queries, fake.over(ours), held.over(theirs), unit, params.selectivity))

    found = errors(queries, fake.over(every), held.over(every), unit, params.selectivity)
    floor_errors = errors(queries, train.over(as_many), held.over(every), unit, params.selectivity)
    value, floor = summary(found), summary(floor_errors)
    left_out = [every - np.eye(BLOCKS)[b] for b in range(BLOCKS)]
    ours = [error_of(kept, every) for kept in left_out]
    theirs = [error_of(every, kept) for kept in left_out]
    rng = context.rng("workload bootstrap")
    again = [summary(found[rng.integers(len(found), size=len(found))]) for _ in range(200)]
    error = (_jackknife(ours) + _jackknife(theirs) + float(np.var(again))) ** 0.5
    estimate = Estimate(value, max(0.0, value - Z * error), value + Z * error, floor, floor + Z * error)
    worst = np.argsort(-np.nan_to_num(found), kind="stable").tolist()[:5]
    details: dict[str, Any] = {
        "queries": len(queries),
        "by_kind": {k: _summary(found, floor_errors, [q.kind == k for q in queries]) for k in KINDS},
        "p95": {"synthetic": float(np.nanpercentile(found, 95)), "real": float(np.nanpercentile(floor_errors, 95))},
        "against_training_rows": summary(
            errors(queries, fake.over(every), train.over(every), unit, params.selectivity)
        ),
        "worst": [{"sql": queries[i].sql, "error": float(found[i]), "floor": float(floor_errors[i])} for i in worst],
    }
    name = "median" if params.percentile == 50 else f"{params.percentile:g}th percentile of the"
    message = f"{name} error of {len(queries)} queries is {value:.3g}; farthest off: {queries[worst[0]].sql}"
    return gated(params, estimate, DEFAULT, message, advice=ADVICE, details=details)


def _summary(found: Array, floor: Array, of: Sequence[bool]) -> dict[str, float] | None:
    import numpy as np

    kept = np.array(of)
    if not kept.any():
        return None
    return {"synthetic": float(np.nanmedian(found[kept])), "real": float(np.nanmedian(floor[kept]))}


def _jackknife(left: Sequence[float]) -> float:
    import numpy as np

    values = np.array(left)
    return (len(values) - 1) / len(values) * float(((values - values.mean()) ** 2).sum())
