"""Is the table of use? Models trained on it, tested on real rows that nobody trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from synthkit.audits.base import AuditParams, AuditResult, ColumnName, ColumnNames, Status, audit
from synthkit.audits.context import AuditContext, Side
from synthkit.audits.estimators import DEFAULTS, Scorer, Task, make_model, make_scorer
from synthkit.audits.features import as_text, encoding, numbers, sample_rows, usable
from synthkit.audits.statistics import t_interval

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FEWEST_TRAIN = 20  # rows with a target on each side
FEWEST_TEST = 30
MOST_CLASSES = 20  # an integer target of more values is a regression
RESAMPLES = 200


class ModelParams(AuditParams):
    """What both audits of utility have in common.

    Args:
        target: the column to predict.
        task: ``auto``: classification for categories, booleans, text and integers of at most 20 values.
        estimator: any scikit-learn classifier or regressor by name; default: HistGradientBoosting.
        estimator_params: its parameters.
        metric: any scikit-learn scorer by name; default: roc_auc (one against the rest, averaged), r2.
        features: columns to predict from; default: all that are modelled but the target.
        max_rows: training rows of each side; test rows are all held-out ones.
    """

    target: ColumnName
    task: Literal["auto", "classification", "regression"] = "auto"
    estimator: str | None = None
    estimator_params: Mapping[str, Any] = {}
    metric: str | None = None
    features: ColumnNames | None = None
    max_rows: int = Field(default=50_000, ge=FEWEST_TRAIN)


class TstrParams(ModelParams):
    """Parameters of ``tstr``; ``max_gap`` is in units of the metric."""

    max_gap: float = Field(default=0.05, ge=0)
    decide: Literal["point", "upper", "lower"] = "point"


class AugmentationParams(ModelParams):
    """Parameters of ``augmentation``.

    Args:
        ratios: synthetic rows per real row; 0 (real rows alone) is always tried.
        repeats: trainings per ratio, each on other draws of rows.
        real_rows: real training rows to start from; default: all. Where real rows are few, others help most.
        min_gain: the least gain of the best ratio over real rows alone that passes; without it, a report.
    """

    ratios: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
    repeats: int = Field(default=5, ge=2, le=50)
    real_rows: int | None = Field(default=None, ge=FEWEST_TRAIN)
    min_gain: float | None = None


@dataclass(frozen=True)
class Problem:
    """A prediction task as arrays: features and target of each side, and the held-out rows to test on."""

    task: Task
    classes: Array | None
    categorical: list[bool]
    train: tuple[Array, Array]
    synthetic: tuple[Array, Array]
    test: tuple[Array, Array]

    def scorer(self, metric: str | None) -> Scorer:
        return make_scorer(metric, self.task, self.classes)


def prepare(context: AuditContext, params: ModelParams) -> Problem | str:
    """The task, or the reason why it cannot be judged."""
    import numpy as np

    task = _task(context, params)
    columns = tuple(params.features or usable(context, (params.target,)))
    if not columns:
        return "no column is left to predict from"
    encoder = encoding(context, columns)
    sides: dict[str, tuple[Array, Array]] = {}
    names: tuple[Side, ...] = ("train", "synthetic", "holdout")
    for side in names:
        rows = sample_rows(context, side, params.max_rows, "model") if side != "holdout" else None
        table = context.arrow(side, (*columns, params.target))
        table = table if rows is None else table.take(rows)
        target = _target(table.column(params.target), task)
        there = np.array([v is not None for v in target]) if task == "classification" else np.isfinite(target)
        sides[side] = (encoder.matrix(table.select(list(columns)))[there], target[there])
    classes = np.unique(sides["train"][1]) if task == "classification" else None
    problem = Problem(task, classes, encoder.categorical, sides["train"], sides["synthetic"], sides["holdout"])
    return _too_few(problem) or problem


def _too_few(problem: Problem) -> str | None:
    import numpy as np

    for name, (_, target), least in (
        ("real training", problem.train, FEWEST_TRAIN),
        ("synthetic", problem.synthetic, FEWEST_TRAIN),
        ("held-out", problem.test, FEWEST_TEST),
    ):
        if len(target) < least:
            return f"too few rows to tell: {len(target)} {name} rows have a target, at least {least} are needed"
    if problem.task == "classification" and len(np.unique(problem.test[1])) < 2:
        return "the held-out rows have one class only"
    if problem.task == "classification" and problem.classes is not None and len(problem.classes) < 2:
        return "the real rows have one class only"
    return None


def _task(context: AuditContext, params: ModelParams) -> Task:
    if params.task != "auto":
        return params.task
    column = context.schema.by_name[params.target]
    if column.type == "integer":
        values = context.scalar(f'SELECT count(DISTINCT "{params.target.replace(chr(34), chr(34) * 2)}") FROM train')
        return "classification" if values <= MOST_CLASSES else "regression"
    return "regression" if column.continuous else "classification"


def _target(values: Any, task: Task) -> Array:
    import numpy as np

    return np.array(as_text(values), dtype=object) if task == "classification" else numbers(values)


@audit("tstr", TstrParams, family="utility", needs=("train", "holdout"))
def tstr(context: AuditContext, params: TstrParams) -> AuditResult:
    """How much worse is a model trained on synthetic rows than one trained on real ones, tested on held-out rows?

    Train on synthetic, test on real (Esteban, Hyland & Rätsch, 2017). The value is the gap: score of the model
    trained on real rows minus that of the one trained on as many synthetic rows, on the same held-out rows; at or
    below zero, synthetic rows do as well. Interval: 95 %, from 200 draws of the held-out rows with replacement, the
    same for both models; it holds the error of testing, not that of drawing another training set, which the floor
    shows: the gap between two models trained on disjoint halves of the real rows.
    """
    threshold = f"max gap {params.max_gap:g}" + ("" if params.decide == "point" else f" at the {params.decide} end")
    problem = prepare(context, params)
    if isinstance(problem, str):
        return AuditResult(None, "inconclusive", threshold, message=problem)
    scorer = problem.scorer(params.metric)
    size = min(len(problem.train[1]), len(problem.synthetic[1]))
    real = _predictions(context, params, problem, scorer, _first(problem.train, size))
    fake = _predictions(context, params, problem, scorer, _first(problem.synthetic, size))
    if real is None or fake is None:
        side = "real" if real is None else "synthetic"
        missing = "the synthetic rows have one class of the target only"
        if side == "synthetic":
            return AuditResult(None, "fail", threshold, message=missing, details={"rows": size})
        return AuditResult(None, "inconclusive", threshold, message="the real rows have one class only")
    truth = problem.test[1]
    scores = {"real": scorer.score(truth, real), "synthetic": scorer.score(truth, fake)}
    gap = scores["real"] - scores["synthetic"]
    low, high = _interval(context, scorer, truth, real, fake)
    floor = _floor(context, params, problem, scorer)
    decisive = {"point": gap, "upper": high, "lower": low}[params.decide]
    status: Status = "pass" if decisive <= params.max_gap else "fail"
    message = f"{scorer.name}: {scores['real']:.3f} trained on real rows, {scores['synthetic']:.3f} on synthetic ones"
    message += _unseen(problem)
    details = {
        "metric": scorer.name,
        "scores": scores,
        "task": problem.task,
        "estimator": params.estimator or DEFAULTS[problem.task],
        "training_rows": size,
        "test_rows": len(truth),
    }
    return AuditResult(gap, status, threshold, low, high, floor, message, details=details)


def _unseen(problem: Problem) -> str:
    if problem.task != "classification":
        return ""
    gone = sorted(set(problem.train[1]) - set(problem.synthetic[1]))
    return f"; the synthetic rows lack the class {gone[0]!r}" if gone else ""


def _first(side: tuple[Array, Array], size: int) -> tuple[Array, Array]:
    """``size`` rows spread evenly over the side: deterministic, and not all from its beginning."""
    import numpy as np

    chosen = np.linspace(0, len(side[1]) - 1, size).astype(int)
    return side[0][chosen], side[1][chosen]


def _predictions(
    context: AuditContext,
    params: ModelParams,
    problem: Problem,
    scorer: Scorer,
    rows: tuple[Array, Array],
    *salt: object,
) -> Any:
    """What a model trained on the rows says about the held-out rows; None where they hold one class only."""
    import numpy as np

    if problem.task == "classification" and len(np.unique(rows[1])) < 2:
        return None
    seed = int(context.rng("estimator", params.target, *salt).integers(2**31))
    model = make_model(params.estimator, params.estimator_params, problem.task, problem.categorical, seed)
    target = rows[1].astype(str) if problem.task == "classification" else rows[1]
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows[0], target)
        return scorer.predict(model, problem.test[0])


def _interval(context: AuditContext, scorer: Scorer, truth: Array, real: Any, fake: Any) -> tuple[float, float]:
    """Percentile bootstrap of the gap over held-out rows (Efron & Tibshirani 1993), paired."""
    import numpy as np

    rng = context.rng("tstr bootstrap", len(truth))
    gaps = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(len(truth), size=len(truth))
        gaps.append(scorer.score(truth[drawn], real[drawn]) - scorer.score(truth[drawn], fake[drawn]))
    low, high = np.nanquantile(np.array(gaps), [0.025, 0.975])
    return float(low), float(high)


def _floor(context: AuditContext, params: ModelParams, problem: Problem, scorer: Scorer) -> float | None:
    """The gap between models trained on two halves of the real rows: what chance alone gives."""
    rng = context.rng("tstr floor", params.target)
    features, target = problem.train
    order = rng.permutation(len(target))
    half = len(target) // 2
    found = []
    for part in (order[:half], order[half : 2 * half]):
        predicted = _predictions(context, params, problem, scorer, (features[part], target[part]), "floor")
        if predicted is None:
            return None
        found.append(scorer.score(problem.test[1], predicted))
    return abs(found[0] - found[1])


@audit("augmentation", AugmentationParams, family="utility", needs=("train", "holdout"))
def augmentation(context: AuditContext, params: AugmentationParams) -> AuditResult:
    """Does adding synthetic rows to real ones train a better model, and how many? Sweeps the mixing ratio.

    For each ratio r, models are trained on the real rows plus r times as many synthetic ones and tested on the held-out
    rows, ``repeats`` times with other draws. The value is the gain of the best ratio over real rows alone, paired by
    repeat, with Student's 95 % interval (over draws of rows and seeds; the test rows stay the same, and the best of
    several ratios is picked, so read a gain near the interval's end with care).
    """
    threshold = None if params.min_gain is None else f"min gain {params.min_gain:g}"
    problem = prepare(context, params)
    if isinstance(problem, str):
        return AuditResult(None, "inconclusive", threshold, message=problem)
    scorer = problem.scorer(params.metric)
    ratios = sorted({0.0, *params.ratios})
    scores = {r: _mixed_scores(context, params, problem, scorer, r) for r in ratios}
    curve = []
    for r in ratios:
        mean, low, high = t_interval(scores[r])
        curve.append({"ratio": r, "mean": mean, "low": low, "high": high})
    best = max(ratios, key=lambda r: (float(scores[r].mean()), -r))
    gain, low, high = t_interval(scores[best] - scores[0.0])
    status: Status = "pass"
    if params.min_gain is not None and gain < params.min_gain:
        status = "fail"
    sure = "" if best == 0 else (", more than chance gives" if low > 0 else ", which chance may give as well")
    message = (
        f"best with {best:g} synthetic rows per real row: {scorer.name} {scores[best].mean():.3f} "
        f"against {scores[0.0].mean():.3f} with real rows alone{sure}"
    )
    details = {"metric": scorer.name, "best": best, "curve": curve, "repeats": params.repeats}
    return AuditResult(gain, status, threshold, low, high, None, message, details=details)


def _mixed_scores(
    context: AuditContext, params: AugmentationParams, problem: Problem, scorer: Scorer, ratio: float
) -> Array:
    """Scores of the repeats. Each repeat draws the same real rows for every ratio, so that ratios are paired."""
    import numpy as np

    found = []
    for repeat in range(params.repeats):
        rng = context.rng("augmentation", params.target, repeat)
        total = len(problem.train[1])
        size = min(params.real_rows or total, total)
        # With all real rows in play, a bootstrap draw is what makes the repeats differ.
        chosen = rng.choice(total, size, replace=size == total)
        extra = round(ratio * size)
        drawn = rng.choice(len(problem.synthetic[1]), extra, replace=extra > len(problem.synthetic[1]))
        features = np.concatenate([problem.train[0][chosen], problem.synthetic[0][drawn]])
        target = np.concatenate([problem.train[1][chosen], problem.synthetic[1][drawn]])
        predicted = _predictions(context, params, problem, scorer, (features, target), repeat)
        found.append(float("nan") if predicted is None else scorer.score(problem.test[1], predicted))
    scores: Array = np.nan_to_num(np.array(found), nan=0.0)
    return scores
