"""Where a model balances classes on purpose: are they balanced, and is all the rest left as it was?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, ColumnName, ColumnResult, audit
from synthkit.audits.gate import Default, Estimate, limit_of, untold
from synthkit.audits.measures import distances
from synthkit.audits.rows.features import as_text, usable
from synthkit.audits.rows.marginals import category_key, few_values, number_key
from synthkit.audits.verdict import MIN_ROWS, DistanceParams, Part, share_of_alpha, unmeasured, verdict
from synthkit.errors import SynthError
from synthkit.generators.exact.conditions import share

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

DISTANCE: Default = {"max_excess": 0.1}


class RebalanceParams(DistanceParams):
    """Parameters of ``rebalance``, beside the gate's.

    Args:
        target: the column whose classes are balanced.
        shares: value → share, 0.5 or 50%, as in the model's ``conditions:``; default: equal shares of the real classes.
        tolerance: of each share; in any case one row is allowed, for rounding.
        columns: that must be distributed within each class as in the real rows; default: all that are modelled.
    """

    target: ColumnName
    shares: Mapping[str, float | str] | None = None
    tolerance: float = Field(default=0.0, ge=0, le=1)

    @field_validator("shares")
    @classmethod
    def _add_up(cls, shares: Mapping[str, float | str] | None) -> Mapping[str, float | str] | None:
        if shares is not None and abs(sum(share(v) for v in shares.values()) - 1) > 1e-6:
            raise ValueError("the shares do not add up to 100 %")
        return shares


@audit("rebalance", RebalanceParams, family="fairness", needs=("train", "holdout"), between=SHARE)
def rebalance(context: AuditContext, params: RebalanceParams) -> AuditResult:
    """Are classes balanced as declared, with everything else within each class as in the real rows?

    First the shares: each class must have its declared share of the rows, to one row or ``tolerance``. Then, class by
    class and column by column, the distance of the synthetic rows from the held-out rows of the same class: Kolmogorov
    and Smirnov's D of numbers and dates, Cramér's V of categories, as in ``ks`` and ``chi_square``, with their
    intervals and floors (training rows of the class). The value is the largest; noise is shared out over all of them
    (Bonferroni). It compares one column at a time: ``tstr`` and ``column_pairs`` see what holds between them.
    """
    wanted = _wanted(context, params)
    labels = {s: _classes(context, s, params.target) for s in ("synthetic", "holdout", "train")}
    rows = len(labels["synthetic"])
    if rows < MIN_ROWS:
        return untold(f"{rows} synthetic rows (at least {MIN_ROWS} are needed)", limit_of(params, None, DISTANCE).text)
    off = _off(labels["synthetic"], wanted, params.tolerance)
    if off:
        first = off[0]
        return AuditResult(
            first.value,
            "fail",
            f"shares within {params.tolerance:g} or one row",
            first.ci_low,
            first.ci_high,
            message=f"{first.column}: {first.message}. Try conditions: on {params.target!r} in the model",
            columns=tuple(off),
        )
    columns = params.columns or tuple(c for c in usable(context, (params.target,)) if _kind(context, c))
    if not columns:
        return AuditResult(
            None, "skipped", message="the shares are as declared, and there is no other column to compare"
        )
    alpha = share_of_alpha(params, len(columns) * len(wanted))
    parts = [_within(context, c, k, labels, alpha) for k in sorted(wanted) for c in columns if wanted[k] > 0]
    advice = "another generator, or more real rows of the class"
    result = verdict(parts, params, DISTANCE, symbol="distance", advice=advice, noun="column of a class")
    return replace(result, message=f"shares are as declared; {result.message}")


def _wanted(context: AuditContext, params: RebalanceParams) -> dict[str, float]:
    if params.shares is not None:
        return {str(k): share(v) for k, v in params.shares.items()}
    real = sorted({c for c in _classes(context, "train", params.target) if c is not None})
    if not real:
        raise SynthError(f"{params.target!r} has no value in the real rows", hint="name another target")
    return {c: 1 / len(real) for c in real}


def _classes(context: AuditContext, side: Side, target: str) -> Array:
    import numpy as np

    return np.array(as_text(context.arrow(side, (target,)).column(target)), dtype=object)


def _off(labels: Array, wanted: Mapping[str, float], tolerance: float) -> list[ColumnResult]:
    """The classes whose share is off, the farthest first. The shares of given rows have no sampling error."""
    found = []
    for value in sorted({*wanted, *(c for c in labels if c is not None)}):
        has, due = float((labels == value).sum()) / len(labels), wanted.get(value, 0.0)
        gap = abs(has - due)
        if gap > max(tolerance, 1 / len(labels)) + 1e-12:
            words = f"{has:.2%} of the rows instead of {due:.2%}"
            found.append(ColumnResult(f"share of {value}", gap, "fail", gap, gap, message=words))
    return sorted(found, key=lambda r: -(r.value or 0))


def _kind(context: AuditContext, column: str) -> str | None:
    if number_key(context, column) is not None and not few_values(context, "train", column):
        return "number"
    return "category"


def _within(context: AuditContext, column: str, value: str, labels: Mapping[str, Array], alpha: float) -> Part:
    """The distance of one column within one class."""
    import numpy as np

    name = f"{column} where {value}"
    number = _kind(context, column) == "number"
    sides: dict[str, Array] = {}
    names: tuple[Side, ...] = ("synthetic", "holdout", "train")
    for side in names:
        key = number_key(context, column) if number else category_key(context, column)
        query = f"SELECT {key} AS v FROM {context.scan(side)}"
        there = _values(context, side, query)[labels[side] == value]
        if number:
            there = np.array([v for v in there if v is not None], dtype=float)
            there = np.sort(there[~np.isnan(there)])
        sides[side] = there
    few = [
        f"{len(sides[s])} {w}"
        for s, w in (("synthetic", "synthetic"), ("holdout", "held-out"))
        if len(sides[s]) < MIN_ROWS
    ]
    if few:
        return unmeasured(name, f"too few rows to tell ({' and '.join(few)})")
    rng = context.rng("rebalance", name)
    train = sides["train"]
    train = (
        train if len(train) <= len(sides["synthetic"]) else rng.choice(train, len(sides["synthetic"]), replace=False)
    )
    compare = _numbers if number else _categories
    found = compare(sides["synthetic"], sides["holdout"], rng, alpha)
    floor = compare(train, sides["holdout"], rng, alpha).value if len(train) >= MIN_ROWS else None
    return Part(name, Estimate(found.value, found.low, found.high, floor, (floor or 0.0) + found.noise))


def _values(context: AuditContext, side: Side, query: str) -> Array:
    import numpy as np

    return context.shared(
        ("rebalance", side, query), lambda: np.array([r[0] for r in context.query(query)], dtype=object)
    )


def _numbers(a: Array, b: Array, rng: Any, alpha: float) -> distances.Distance:
    import numpy as np

    return distances.ks_distance(np.sort(a), np.sort(b), rng, alpha)


def _categories(a: Array, b: Array, _: Any, alpha: float) -> distances.Distance:
    from collections import Counter

    return distances.counts_distance(*distances.side_by_side(Counter(a.tolist()), Counter(b.tolist())), alpha)
