"""Scorers by name: how good what a model says of rows is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.measures.estimators import Answers, Task
from synthkit.errors import SynthError, did_you_mean

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

METRICS: Mapping[Task, str] = {"classification": "roc_auc", "regression": "r2"}


@dataclass(frozen=True)
class Scorer:
    """A metric by name; the higher the better, as scikit-learn turns losses into negative scores."""

    name: str
    score: Callable[[Array, Answers], float]


def make_scorer(
    metric: str | None,
    task: Task,
    classes: Array | None,
    positive: str | None = None,
    recall_at_precision: float | None = None,
) -> Scorer:
    """A scorer on given answers, so that the held-out rows can be drawn again without predicting again.

    Args:
        metric: any scikit-learn scorer on predictions, or roc_auc or average_precision, which rank.
        classes: of a classification, sorted; two of them make a binary one.
        positive: the class that average_precision, f1, precision, recall, jaccard and recall_at_precision ask for.
        recall_at_precision: instead of a metric: the recall of ``positive`` at the least threshold that gives it.

    Raises:
        SynthError: scikit-learn has no scorer of that name, or it does not suit the task.
    """
    from sklearn.metrics import get_scorer, get_scorer_names

    ranked = classes is not None and positive is not None
    if recall_at_precision is not None:
        if not ranked:
            raise SynthError("recall_at_precision is for a classification", hint="drop it, or set task: classification")
        assert classes is not None
        return Scorer(
            f"recall at precision {recall_at_precision:g} of {positive!r}",
            _of_class(classes, positive, lambda there, scores: recall_at(there, scores, recall_at_precision)),
        )
    name = metric or METRICS[task]
    if name == "roc_auc" and classes is not None:
        if len(classes) == 2:
            return Scorer("roc_auc", _of_class(classes, str(classes[-1]), _auc))
        return Scorer("roc_auc_ovr", _macro_auc(classes))
    if name == "average_precision" and ranked:
        from sklearn.metrics import average_precision_score

        assert classes is not None
        return Scorer(name, _of_class(classes, positive, lambda t, s: float(average_precision_score(t, s))))
    if name not in get_scorer_names():
        raise SynthError(
            f"scikit-learn has no metric {name!r}", hint=did_you_mean(name, get_scorer_names(), "a metric")
        )
    scorer = get_scorer(name)
    if getattr(scorer, "_response_method", "predict") != "predict":
        raise SynthError(
            f"the metric {name!r} is not supported here", hint="use roc_auc, average_precision, accuracy, f1, r2, …"
        )
    extra = dict(scorer._kwargs)
    if name in ("f1", "precision", "recall", "jaccard") and ranked and classes is not None and len(classes) == 2:
        extra |= {"pos_label": positive, **({} if name == "jaccard" else {"zero_division": 0.0})}

    def score(truth: Array, found: Answers) -> float:
        return float(scorer._sign * scorer._score_func(truth, found.labels, **extra))

    return Scorer(name, score)


Ranking = Callable[["Array", "Array"], float]


def _of_class(classes: Array, positive: str | None, measure: Ranking) -> Callable[[Array, Answers], float]:
    """A measure of how rows of one class rank among the rest; NaN where either is missing."""
    import numpy as np

    at = int(np.flatnonzero(classes == positive)[0])

    def score(truth: Array, found: Answers) -> float:
        there = truth == positive
        if there.all() or not there.any():
            return float("nan")
        return measure(there, _scores(found)[:, at])

    return score


def _macro_auc(classes: Array) -> Callable[[Array, Answers], float]:
    import numpy as np

    def score(truth: Array, found: Answers) -> float:
        """One class against the rest, averaged over the classes that are there."""
        each = [_of_class(classes, c, _auc)(truth, found) for c in classes]
        return float(np.nanmean(each)) if not np.all(np.isnan(each)) else float("nan")

    return score


def _auc(there: Array, scores: Array) -> float:
    from synthkit.audits.measures.statistics import auc

    return auc(scores[there], scores[~there])


def recall_at(there: Array, scores: Array, precision: float) -> float:
    """The largest share of the positives that a threshold finds while at least ``precision`` of what it names are
    positives; 0 where no threshold does. Rows of equal score are named together."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    found, ranked = np.cumsum(there[order]), scores[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    enough = found[ends] >= precision * (ends + 1)
    return float(found[ends][enough].max(initial=0) / there.sum())


def _scores(found: Answers) -> Array:
    if found.scores is None:
        raise SynthError(
            "this estimator names a class without a probability, so its rows cannot be ranked",
            hint="metric: accuracy (or f1, balanced_accuracy), or another estimator",
        )
    return found.scores
