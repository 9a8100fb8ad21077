"""Do synthetic rows help beside real ones? A sweep over how many of them are added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult, audit
from synthkit.audits.gate import Estimate, ShareParams, gated, limit_of
from synthkit.audits.measures.estimators import Answers
from synthkit.audits.measures.scorers import Scorer, make_scorer
from synthkit.audits.measures.statistics import t_interval
from synthkit.audits.repeats import Repeat, carried_out
from synthkit.audits.utility.tasks import FEWEST_TRAIN, Problem, ScoredParams, fit, prepare, tell

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

GROUPS = 20  # of held-out rows, left out in turn
ADVICE = "other ratios, fewer real rows (real_rows), or another generator"


class AugmentationParams(ScoredParams, ShareParams):
    """Parameters of ``augmentation``, beside the gate's.

    Args:
        ratios: synthetic rows per real row; 0 (real rows alone) is always tried.
        repeats: trainings per ratio, each on other draws of rows.
        real_rows: real training rows to start from; default: all. Where real rows are few, others help most.
        min: or ``min_gain``, the least gain of the best ratio over real rows alone that passes; without it, a report.
    """

    ratios: tuple[float, ...] = Field(default=(0.25, 0.5, 1.0, 2.0), min_length=1)
    repeats: int = Field(default=5, ge=2, le=50)
    real_rows: int | None = Field(default=None, ge=FEWEST_TRAIN)
    min: float | None = Field(default=None, validation_alias=AliasChoices("min_gain", "min"))
    within: None = None  # real rows against real rows gain nothing: there is no floor
    max_shortfall: None = None


Curves = Mapping[float, Sequence[Answers]]


def _trainings(context: AuditContext, params: AugmentationParams) -> list[Repeat]:
    problem, ratios = prepare(context, params), _ratios(params)
    if isinstance(problem, str) or len(ratios) == 1:
        return []
    return [one for ratio in ratios for one in _of_ratio(context, params, problem, ratio)]


@audit(
    "augmentation",
    AugmentationParams,
    family="utility",
    version=2,
    needs=("train", "holdout"),
    apart="augmentation",
    repeats=_trainings,
)
def augmentation(context: AuditContext, params: AugmentationParams) -> AuditResult:
    """Does adding synthetic rows to real ones train a better model, and how many? Sweeps the mixing ratio.

    For each ratio r, models are trained on the real rows plus r times as many synthetic ones and tested on the held-out
    rows, ``repeats`` times with other draws. The value is the gain of the best ratio over real rows alone, paired by
    repeat. Its 95 % interval holds the error of drawing training rows (over repeats) and of drawing test rows (leaving
    out each twentieth of them, the grouped jackknife of Quenouille, 1956), and is widened so that the gains of all
    ratios lie within theirs at once (Bonferroni): picking the best of several is paid for. Of two classes, the rare
    one's average precision and recall at 90 % precision are swept beside the metric, in the details.
    """
    threshold = None if params.min is None else limit_of(params, None, {}).text
    problem = prepare(context, params)
    if isinstance(problem, str):
        return AuditResult(None, "inconclusive", threshold, message=problem)
    scorer = problem.scorer(params)
    ratios = _ratios(params)
    if len(ratios) == 1:
        return AuditResult(None, "skipped", threshold, message="no ratio but 0 is asked for: add some to ratios")
    found = {
        r: [Answers.of(carried_out(context, *one)) for one in _of_ratio(context, params, problem, r)] for r in ratios
    }
    scores = {r: _scores(scorer, problem.test[1], found[r]) for r in ratios}
    gains = {r: _gain(context, scorer, problem.test[1], found, r, len(ratios) - 1) for r in ratios if r > 0}
    best = max(gains, key=lambda r: (gains[r].value, -r))
    gain = gains[best]
    sure = "more than chance gives" if gain.low > 0 else "which chance may give as well"
    head = f"best with {best:g} synthetic rows per real row" if gain.value > 0 else "no ratio beats real rows alone"
    message = (
        f"{head}: {scorer.name} {scores[best].mean():.3f} against {scores[0.0].mean():.3f} with real rows alone"
        + (f", {sure}" if gain.value > 0 else "")
    )
    details: dict[str, Any] = {
        "metric": scorer.name,
        "best": best if gain.value > 0 else 0.0,
        "not_worse_than_best": [r for r in gains if gains[r].high >= gain.value],
        "curve": _curve(scores),
        "gains": [{"ratio": r, "gain": e.value, "low": e.low, "high": e.high} for r, e in gains.items()],
        "repeats": params.repeats,
    }
    if problem.classes is not None and len(problem.classes) == 2:
        details["rare_class"] = _rare_class(problem, params, found)
    if params.min is None:
        ends = f" (95 % interval {gain.low:.3g} to {gain.high:.3g})"
        return AuditResult(gain.value, "pass", None, gain.low, gain.high, None, message + ends, details=details)
    return gated(params, gain, {}, message, advice=ADVICE, details=details)


def _ratios(params: AugmentationParams) -> list[float]:
    return sorted({0.0, *params.ratios})


def _of_ratio(context: AuditContext, params: AugmentationParams, problem: Problem, ratio: float) -> list[Repeat]:
    """What the models of a ratio say of the held-out rows, each as a training that may have been carried out before."""

    def of(repeat: int) -> Repeat:
        return (ratio, repeat), lambda: _mixed(context, params, problem, ratio, repeat).arrays

    return [of(repeat) for repeat in range(params.repeats)]


def _mixed(context: AuditContext, params: AugmentationParams, problem: Problem, ratio: float, repeat: int) -> Answers:
    """What one model says of the held-out rows. Each repeat draws the same real rows for every ratio."""
    import numpy as np

    rng = context.rng("augmentation", params.target, repeat)
    total, made = len(problem.train[1]), len(problem.synthetic[1])
    size = min(params.real_rows or total, total)
    # With all real rows in play, a bootstrap draw is what makes the repeats differ.
    chosen = rng.choice(total, size, replace=size == total)
    extra = round(ratio * size)
    drawn = rng.choice(made, extra, replace=extra > made)
    features = np.concatenate([problem.train[0][chosen], problem.synthetic[0][drawn]])
    target = np.concatenate([problem.train[1][chosen], problem.synthetic[1][drawn]])
    model = fit(context, params, problem, (features, target), "augmentation", repeat)
    return tell(model, problem, problem.test[0])


def _scores(scorer: Scorer, truth: Array, found: Sequence[Answers]) -> Array:
    import numpy as np

    scores: Array = np.array([scorer.score(truth, one) for one in found])
    return scores


def _curve(scores: Mapping[float, Array]) -> list[dict[str, float]]:
    points = []
    for ratio, values in scores.items():
        mean, low, high = t_interval(values)
        points.append({"ratio": ratio, "mean": mean, "low": low, "high": high})
    return points


def _gain(context: AuditContext, scorer: Scorer, truth: Array, found: Curves, ratio: float, ratios: int) -> Estimate:
    """The gain of a ratio with an interval at level 0.05 / ``ratios``: Student's, with Satterthwaite's degrees of
    freedom for the two sources of error."""
    import numpy as np
    from scipy.stats import t

    def gains(rows: Array | slice) -> Array:
        pairs = zip(found[ratio], found[0.0], strict=True)
        kept = truth[rows]
        with_, without = zip(*((a.take(rows), b.take(rows)) for a, b in pairs), strict=True)  # type: ignore[arg-type]
        return _scores(scorer, kept, with_) - _scores(scorer, kept, without)

    each = gains(slice(None))
    value = float(each.mean())
    training = float(each.var(ddof=1)) / len(each)
    part = context.rng("augmentation groups", len(truth)).permutation(len(truth)) % GROUPS
    left = np.array([gains(np.flatnonzero(part != g)).mean() for g in range(GROUPS)])
    left = left[~np.isnan(left)]
    testing = float(((left - left.mean()) ** 2).sum()) * (len(left) - 1) / len(left) if len(left) > 1 else 0.0
    total = training + testing
    if total == 0:
        return Estimate(value, value, value)
    freedom = total**2 / (training**2 / (len(each) - 1) + testing**2 / (GROUPS - 1))
    half = float(t.isf(0.025 / ratios, freedom)) * total**0.5
    return Estimate(value, value - half, value + half)


def _rare_class(problem: Problem, params: AugmentationParams, found: Curves) -> dict[str, Any]:
    rare = problem.positive(params)
    curves: dict[str, Any] = {"class": rare}
    for name, metric, precision in (("average_precision", "average_precision", None), ("recall_at_0.9", None, 0.9)):
        if found[0.0][0].scores is None:
            continue
        scorer = make_scorer(metric, problem.task, problem.classes, rare, precision)
        curves[name] = _curve({r: _scores(scorer, problem.test[1], answers) for r, answers in found.items()})
    return curves
