"""Is a model trained on the table as fair as one trained on the real rows? Both are tested on held-out real rows.

Two criteria, over declared groups, as differences between the groups that fare best and worst. The value is always the
excess over the model trained on real rows: what the world is unfair in, the real rows show too, and is not the
generator's doing. A table that passes is as fair as its source, not fair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import CLASSES, GAP, AuditResult, ColumnNames, audit
from synthkit.audits.fairness.groups import groupings, groups_of
from synthkit.audits.gate import Default, Estimate, limit_of
from synthkit.audits.measures.statistics import Z
from synthkit.audits.utility.errors import training_variance
from synthkit.audits.utility.tasks import APART, ModelParams, Problem, half_tested, prepare, tested
from synthkit.audits.verdict import CombinedParams, Part, share_of_alpha, unmeasured, verdict
from synthkit.errors import SynthError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FEWEST = 30  # held-out rows of a group, and of either class in it for equalised odds
DRAWS = 1000
DEFAULT: Default = {"max": 0.1}
ADVICE = "conditions: that balance the target within the groups, or another generator"


class FairnessParams(ModelParams, CombinedParams):
    """Parameters of ``demographic_parity`` and ``equalised_odds``, beside the model's and the gate's.

    Args:
        groups: the columns whose values are groups; numbers of many values become quarters of the real rows.
        intersections: also every pair of them, "sex and race".
    """

    groups: ColumnNames
    intersections: bool = False


class DemographicParityParams(FairnessParams):
    """Parameters of ``demographic_parity``."""


class EqualisedOddsParams(FairnessParams):
    """Parameters of ``equalised_odds``."""


@audit(
    "demographic_parity",
    DemographicParityParams,
    family="fairness",
    needs=("train", "holdout"),
    between=GAP,
    takes={"target": CLASSES},
    apart=APART,
)
def demographic_parity(context: AuditContext, params: DemographicParityParams) -> AuditResult:
    """Does a model trained on the table favour a group more than one trained on real rows does?

    The demographic parity difference is the largest minus the smallest share of a group that a model says ``positive``
    of (Calders, Kamiran & Pechenizkiy, 2009). The value is that of the model trained on synthetic rows less that of the
    one trained on real rows, on the same held-out rows; several grouping columns are judged each, the worst decides.
    Interval: 95 %, the bootstrap's error over held-out rows, the same for both models, with the variance of drawing
    other training rows. Floor: the mean excess between models of two halves of the real rows. Groups of fewer than 30
    held-out rows are not judged, and named.
    """
    return _audit(context, params, rates=False)


@audit(
    "equalised_odds",
    EqualisedOddsParams,
    family="fairness",
    needs=("train", "holdout"),
    between=GAP,
    takes={"target": CLASSES},
    apart=APART,
)
def equalised_odds(context: AuditContext, params: EqualisedOddsParams) -> AuditResult:
    """Does a model trained on the table err more unequally over groups than one trained on real rows does?

    The equalised odds difference is the larger of two spreads over the groups: of the share of positives that the model
    finds, and of the share of negatives that it takes for positives (Hardt, Price & Srebro, 2016; the maximum as in
    Fairlearn). Value, interval and floor as for ``demographic_parity``; a group needs 30 held-out rows of either class.
    """
    return _audit(context, params, rates=True)


def _audit(context: AuditContext, params: FairnessParams, *, rates: bool) -> AuditResult:
    threshold = limit_of(params, None, DEFAULT).text
    problem = prepare(context, params)
    if isinstance(problem, str):
        return AuditResult(None, "inconclusive", threshold, message=problem)
    positive = problem.positive(params)
    if positive is None:
        raise SynthError(
            f"fairness is judged of a classification, and {params.target!r} holds numbers",
            hint="task: classification, or derive a column such as income > 50000 in an SQL model",
        )
    chosen = groupings(params.groups, params.intersections)
    alpha = share_of_alpha(params, len(chosen))
    parts = [_part(context, params, problem, columns, positive, rates, alpha) for columns in chosen]
    symbol = f"excess {'equalised odds' if rates else 'demographic parity'} difference of {positive!r}"
    return verdict(parts, params, DEFAULT, symbol=symbol, advice=ADVICE, noun="grouping")


def _part(
    context: AuditContext,
    params: FairnessParams,
    problem: Problem,
    columns: tuple[str, ...],
    positive: str,
    rates: bool,
    alpha: float,
) -> Part:
    import numpy as np
    from scipy.stats import norm

    name = " and ".join(columns)
    labels = groups_of(context, "holdout", columns)[problem.kept["holdout"]]
    truth = problem.test[1] == positive
    groups, small = _large_enough(labels, truth, rates)
    details: dict[str, Any] = {"too_few_rows_to_tell": small} if small else {}
    if len(groups) < 2:
        return unmeasured(name, f"too few rows to tell: {len(groups)} groups have {FEWEST} held-out rows", **details)
    kept = np.isin(labels, groups)
    place = np.searchsorted(groups, labels[kept])
    truth = truth[kept]

    def cells(*found: Any) -> Array:
        """Counts of held-out rows by group, truth and what each model says."""
        said = [(one.labels == positive)[kept] for one in found]
        index = np.ravel_multi_index((place, truth, *said), (len(groups), 2, *(2,) * len(said)))
        counts: Array = np.bincount(index, minlength=len(groups) * 2 ** (1 + len(said)))
        return counts.reshape(len(groups), 2, *(2,) * len(said))

    both = cells(tested(context, params, problem, "train"), tested(context, params, problem, "synthetic"))
    rng = context.rng("fairness", name, rates)
    draws = rng.multinomial(int(both.sum()), both.ravel() / both.sum(), size=DRAWS).reshape(DRAWS, *both.shape)
    excess = _spread(draws.sum(axis=-2), rates) - _spread(draws.sum(axis=-1), rates)
    of_real, of_fake = _shares(both.sum(axis=-1), rates), _shares(both.sum(axis=-2), rates)
    spreads = {"real": _spread(both.sum(axis=-1), rates), "synthetic": _spread(both.sum(axis=-2), rates)}
    value = float(spreads["synthetic"] - spreads["real"])
    gaps: dict[str, list[float]] = {}
    for side in ("train", "synthetic"):
        halves = half_tested(context, params, problem, side)
        gaps[side] = [float(_spread(cells(a), rates) - _spread(cells(b), rates)) for a, b in halves]
    variance = float(np.nanvar(excess)) + training_variance(gaps["train"]) + training_variance(gaps["synthetic"])
    error = variance**0.5
    floor = float(np.mean(np.abs(gaps["train"])))
    details |= {
        "difference": {side: float(s) for side, s in spreads.items()},
        "groups": {g: _words(of_real[..., i], of_fake[..., i], rates) for i, g in enumerate(groups)},
    }
    message = ""
    if small:
        message = f"too few rows to tell of {', '.join(repr(g) for g in list(small)[:3])}"
        message += f" and {len(small) - 3} more" if len(small) > 3 else ""
    noise = float(norm.isf(alpha)) * error
    return Part(name, Estimate(value, value - Z * error, value + Z * error, floor, noise), message, details)


def _large_enough(labels: Array, truth: Array, rates: bool) -> tuple[Array, dict[str, int]]:
    """The groups to judge, sorted, and the held-out rows of the others."""
    import numpy as np

    names, place = np.unique(labels, return_inverse=True)
    rows = np.bincount(place, minlength=len(names))
    positives = np.bincount(place, truth, minlength=len(names))
    least = np.minimum(positives, rows - positives) if rates else rows
    return names[least >= FEWEST], {str(n): int(r) for n, r, k in zip(names, rows, least, strict=True) if k < FEWEST}


def _shares(cells: Array, rates: bool) -> Array:
    """The share that the model says positive of, per group: of all rows, or of the negatives and of the positives.

    ``cells`` is (…, groups, truth, said); the result (1 or 2, …, groups), NaN where a draw left a group empty.
    """
    import numpy as np

    counts = np.moveaxis(cells, -2, 0) if rates else cells.sum(axis=-2)[None]
    total = counts.sum(axis=-1)
    shares: Array = np.where(total > 0, counts[..., 1] / np.maximum(total, 1), np.nan)
    return shares


def _spread(cells: Array, rates: bool) -> Any:
    """The largest difference between two groups, of either share."""
    import numpy as np

    shares = _shares(cells, rates)
    return (np.nanmax(shares, axis=-1) - np.nanmin(shares, axis=-1)).max(axis=0)


def _words(real: Array, fake: Array, rates: bool) -> dict[str, dict[str, float]]:
    names = ("false_positive_rate", "true_positive_rate") if rates else ("share_positive",)
    return {n: {"real": float(a), "synthetic": float(b)} for n, a, b in zip(names, real, fake, strict=True)}
