"""Are all groups there, in the shares that they have among the real rows?"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import AliasChoices, Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import POSITIVE, AuditResult, ColumnNames, audit
from synthkit.audits.fairness.groups import groupings, groups_of
from synthkit.audits.gate import Default, Estimate, limit_of, untold
from synthkit.audits.measures.statistics import Z
from synthkit.audits.verdict import MIN_ROWS, CombinedShareParams, Part, share_of_alpha, unmeasured, verdict

FEWEST = 5  # held-out rows of a group
RATIO: Default = {"min": 0.8}


class RepresentationParams(CombinedShareParams):
    """Parameters of ``representation``, beside the gate's.

    Args:
        groups: the columns whose values are groups; numbers of many values become quarters of the real rows.
        intersections: also every pair of them, "sex and race".
        min: or ``min_ratio``: the least share of a group, in shares of the real one. Default: 0.8.
    """

    groups: ColumnNames
    intersections: bool = False
    min: float | None = Field(default=None, ge=0, validation_alias=AliasChoices("min_ratio", "min"))


@audit("representation", RepresentationParams, family="fairness", needs=("train", "holdout"), between=POSITIVE)
def representation(context: AuditContext, params: RepresentationParams) -> AuditResult:
    """Is every group as common as among the held-out real rows? The ratio of its two shares, of the worst group.

    The value is the smallest ratio of a group's share of the synthetic rows to its share of the held-out rows; 0: the
    group is gone. Too many of one group are too few of another. The default limit is the four-fifths rule's. Interval:
    95 %, of the logarithm of the ratio of two binomial shares (Katz et al., 1978) with ½ added to each count (Walter,
    1975). A group fails where its share is below what chance gives, shared out over the groups (Bonferroni). Floor:
    the same ratio for the real training rows. Groups of fewer than 5 held-out rows are not judged and named.
    """
    chosen = groupings(params.groups, params.intersections)
    rows = {"synthetic": context.rows("synthetic"), "held-out": context.rows("holdout")}
    few = [f"{n} {side} rows" for side, n in rows.items() if n < MIN_ROWS]
    if few:
        return untold(f"{' and '.join(few)} (at least {MIN_ROWS} are needed)", limit_of(params, None, RATIO).text)
    counts = {
        columns: {s: _count(context, s, columns) for s in ("synthetic", "holdout", "train")} for columns in chosen
    }
    total = sum(sum(n >= FEWEST for n in one["holdout"].values()) for one in counts.values())
    alpha = share_of_alpha(params, total)
    parts = [_group(g, columns, one, alpha) for columns, one in counts.items() for g in sorted(one["holdout"])]
    advice = "more rows of the group for training, conditions: on it, or another generator"
    return verdict(parts, params, RATIO, symbol="ratio of shares", advice=advice, noun="group")


def _count(context: AuditContext, side: Side, columns: tuple[str, ...]) -> Mapping[str, int]:
    import numpy as np

    names, counts = np.unique(groups_of(context, side, columns), return_counts=True)
    return {str(n): int(c) for n, c in zip(names, counts, strict=True)}


def _group(group: str, columns: tuple[str, ...], counts: Mapping[str, Mapping[str, int]], alpha: float) -> Part:
    from scipy.stats import norm

    ours, theirs, trained = (counts[s].get(group, 0) for s in ("synthetic", "holdout", "train"))
    n, m, t = (sum(counts[s].values()) for s in ("synthetic", "holdout", "train"))
    name = group if group.startswith(f"{columns[0]} ") else f"{' and '.join(columns)} = {group}"
    details = {"synthetic": ours / n, "real": theirs / m}
    if theirs < FEWEST:
        return unmeasured(name, f"too few rows to tell: {theirs} held-out rows", **details)
    value, low, high = share_ratio(ours, n, theirs, m)
    _, error = _log_ratio(n * theirs / m, n, theirs, m)  # were the group as common as it is in the real rows
    noise = math.exp(-float(norm.isf(alpha)) * error)
    floor = None if t == 0 else (trained / t) / (theirs / m)
    message = "" if ours else "no synthetic row"
    return Part(name, Estimate(value, low, high, floor, noise), message, details)


def share_ratio(a: int, n: int, b: int, m: int) -> tuple[float, float, float]:
    """(a/n) / (b/m) with its 95 % interval; the lower end is 0 where a is."""
    middle, error = _log_ratio(a, n, b, m)
    value = (a / n) / (b / m)
    low = 0.0 if a == 0 else min(value, math.exp(middle - Z * error))
    return value, low, max(value, math.exp(middle + Z * error))


def _log_ratio(a: float, n: int, b: int, m: int) -> tuple[float, float]:
    """The logarithm of the ratio of two shares and its standard error, ½ added to each count (Walter 1975)."""
    middle = math.log((a + 0.5) / (n + 0.5)) - math.log((b + 0.5) / (m + 0.5))
    variance = 1 / (a + 0.5) - 1 / (n + 0.5) + 1 / (b + 0.5) - 1 / (m + 0.5)
    return middle, math.sqrt(max(variance, 0.0))
