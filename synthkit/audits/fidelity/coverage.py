"""Does everything that the real rows have occur? The test for mode collapse."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, Decide, audit
from synthkit.audits.gate import Default, Estimate, skipped
from synthkit.audits.measures.distances import RARE
from synthkit.audits.rows import marginals
from synthkit.audits.rows.choice import has_floor, is_number, judged_columns, reference, too_few
from synthkit.audits.verdict import ALPHA, Part, SharesParams, unmeasured, verdict

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

COVERAGE: Default = {"min": 1.0}
TAILS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)  # quantiles of the real training rows that bound a number's regions
BANDS = ((0.001, "under 0.1 %"), (0.01, "0.1 to 1 %"), (0.1, "1 to 10 %"), (float("inf"), "over 10 %"))


class CoverageParams(SharesParams):
    """Parameters of ``coverage``; the default limit is ``min: 1`` for the worst column.

    Args:
        at_least: what occurs at less than this times its real share counts as not covered.
        decide: the share itself by default: what chance may leave out is not judged in the first place.
    """

    min: float | None = Field(default=None, ge=0, le=1)
    at_least: float = Field(default=0.1, gt=0, lt=1)
    decide: Decide = "point"


@dataclass(frozen=True)
class Regions:
    """What of a column is to be covered, with its rows on each side; shapes (regions,)."""

    names: tuple[str | None, ...]
    real: Array
    synthetic: Array
    floor: Array | None


@audit("coverage", CoverageParams, family="fidelity", needs=("train", "holdout"), between=SHARE)
def coverage(context: AuditContext, params: CoverageParams) -> AuditResult:
    """Does everything that the real rows have occur: every category, the range and the tails of numbers and dates?

    The value is the share, per column, of what the held-out rows lead one to expect and the synthetic ones have: each
    category (a missing value is one), or each of eight regions of numbers and dates between the 1, 5, 25, 50, 75, 95
    and 99 % quantiles of the real training rows, where equal ones are one. Covered is what has at least a tenth
    (``at_least``) of its real share. Judged is only what a fresh real sample of the synthetic table's size would
    cover, with a probability that makes a false alarm in any column of the table less than 5 %: of c real rows among m,
    n synthetic ones have a negative binomial number (Gamma posterior under Jeffreys' prior, Poisson). Interval: its
    low end counts only what is surely covered at 95 %, its high end all that may be. The details count rare categories
    by band of frequency. A category is named only if five held-out rows have it: a rarer one may point at a person.
    """
    columns = judged_columns(context, params.columns, "coverage")
    if not columns:
        return skipped("the table has no columns to compare")
    if few := too_few(context, params, COVERAGE):
        return few
    found = {c: _regions(context, c) for c in columns}
    many = sum(len(r.real) for r in found.values())
    parts = [_part(context, c, r, params.at_least, ALPHA / max(1, many)) for c, r in found.items()]
    advice = "a generator that trains for rare categories, conditions: on this column, or more training"
    result = verdict(parts, params, COVERAGE, symbol="share covered", advice=advice)
    if result.status != "fail":
        return result
    from dataclasses import replace

    gone = result.columns[0].message
    return replace(result, message=f"{result.message}. {gone[:1].upper()}{gone[1:]}")


def _regions(context: AuditContext, column: str) -> Regions:
    import numpy as np

    floor = has_floor(context, column)
    sides: tuple[Side, ...] = ("holdout", "synthetic", "train") if floor else ("holdout", "synthetic")
    if is_number(context, column):
        ordered = marginals.values(context, reference(context), column).numbers
        edges = np.unique(ordered[[int(q * len(ordered)) for q in TAILS]]) if len(ordered) else np.empty(0)
        counted = [_by_region(marginals.values(context, s, column), edges) for s in sides]
        # The last region lies above the last edge, and is empty in the real rows where that edge is the maximum.
        names: tuple[str | None, ...] = _spans(ordered, edges)
    else:
        counts = [marginals.counts(context, s, column) for s in sides]
        names = tuple(k for k in counts[0] if k is not None) + ((None,) if None in counts[0] else ())
        counted = [np.array([c.get(k, 0) for k in names]) for c in counts]
    train = _drawn(context, column, counted[2]) if floor else None
    return Regions(names, counted[0], counted[1], train)


def _by_region(values: marginals.Values, edges: Array) -> Array:
    import numpy as np

    upto = np.searchsorted(values.numbers, edges, side="right")
    return np.diff(np.concatenate([[0], upto, [len(values.numbers)]]), append=len(values.numbers) + values.missing)


def _spans(ordered: Array, edges: Array) -> tuple[str | None, ...]:
    import numpy as np

    if not len(ordered):
        return ("values", None)
    upto = [0.0, *(np.searchsorted(ordered, edges, side="right") / len(ordered)).tolist(), 1.0]
    names = [f"{a:.0%} to {b:.0%} of the real values" for a, b in pairwise(upto)]
    return (*names, None)


def _drawn(context: AuditContext, column: str, train: Array) -> Array:
    """Counts of as many training rows as there are synthetic ones; rows outside all regions are left over."""
    import numpy as np

    total, wanted = context.rows("train"), context.rows("synthetic")
    if total <= wanted:
        return train
    every = np.append(train, total - train.sum())
    drawn = context.rng("floor", column).multivariate_hypergeometric(every, wanted, method="marginals")
    return np.asarray(drawn[:-1])


def _part(context: AuditContext, column: str, regions: Regions, at_least: float, alpha: float) -> Part:
    import numpy as np
    from scipy.stats import beta, nbinom

    n, m = context.rows("synthetic"), context.rows("holdout")
    real = regions.real
    wanted = at_least * real * n / m  # fewer synthetic rows than this, and a region is not covered
    odds = m / (m + n)
    judged = (real > 0) & (nbinom.cdf(np.ceil(wanted) - 1, real + 0.5, odds) <= alpha)
    bands = _bands(regions, judged, regions.synthetic >= wanted, m)
    details: dict[str, Any] = {"regions": int((real > 0).sum()), "judged": int(judged.sum()), "bands": bands}
    if not judged.any():
        return unmeasured(column, "too few rows to tell: nothing in it is common enough to be expected", **details)
    covered = regions.synthetic >= wanted
    # s of s + c rows are synthetic: Clopper–Pearson's ends of that share give those of the ratio.
    s, c = regions.synthetic[judged], real[judged]
    low, high = beta.ppf(0.025, s, c + 1), beta.ppf(0.975, s + 1, c)
    edge = at_least * n / (at_least * n + m)
    sure = np.asarray(np.nan_to_num(low) >= edge)
    value = float(covered[judged].mean())
    ends = float(sure.mean()), float(np.mean(high >= edge))
    floor = None
    if regions.floor is not None:
        total = min(n, context.rows("train"))
        floor = float((regions.floor[judged] >= at_least * c * total / m).mean())
    lost = np.flatnonzero(judged & ~covered)
    return Part(column, Estimate(value, min(ends[0], value), max(ends[1], value), floor), _gone(regions, lost), details)


def _gone(regions: Regions, lost: Array) -> str:
    """What is not covered, commonest first; a category of fewer than five real rows is not named."""
    if not len(lost):
        return ""
    ordered = sorted(lost.tolist(), key=lambda i: -int(regions.real[i]))
    named = [
        "missing values" if regions.names[i] is None else repr(regions.names[i])
        for i in ordered
        if regions.real[i] >= RARE
    ]
    unnamed = len(ordered) - len(named)
    shown = ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")
    rare = f"{unnamed} rare ones that are not named" if unnamed else ""
    return "not covered: " + " and ".join(t for t in (shown, rare) if t)


def _bands(regions: Regions, judged: Array, covered: Array, rows: int) -> list[dict[str, Any]]:
    """By real frequency: how much there is, what of it occurs at all, what is judged, and what of that is covered."""
    import numpy as np

    share, found, low = regions.real / rows, [], 0.0
    for high, name in BANDS:
        here = (regions.real > 0) & (share >= low) & (share < high)
        if here.any():
            counts = [here, here & (regions.synthetic > 0), here & judged, here & judged & covered]
            keys = ("real", "occur", "judged", "covered")
            found.append({"band": name, **{k: int(np.count_nonzero(c)) for k, c in zip(keys, counts, strict=True)}})
        low = high
    return found
