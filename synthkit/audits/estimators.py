"""scikit-learn estimators by name, with what they need around them, and scorers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from synthkit.errors import SynthError, did_you_mean

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Task = Literal["classification", "regression"]
DEFAULTS: Mapping[Task, str] = {
    "classification": "HistGradientBoostingClassifier",
    "regression": "HistGradientBoostingRegressor",
}
METRICS: Mapping[Task, str] = {"classification": "roc_auc", "regression": "r2"}


def estimator_class(name: str, task: Task) -> type:
    """Any scikit-learn classifier or regressor. Raises SynthError with the nearest name."""
    from sklearn.utils import all_estimators

    kind = "classifier" if task == "classification" else "regressor"
    known = dict(all_estimators(type_filter=kind))
    if name in known:
        found: type = known[name]
        return found
    hint = did_you_mean(name, known, f"a {kind}")
    raise SynthError(f"scikit-learn has no {kind} {name!r}", hint=hint)


def make_model(name: str | None, params: Mapping[str, Any], task: Task, categorical: list[bool], seed: int) -> Any:
    """An unfitted estimator for matrices with NaN and category codes.

    Gradient boosting by histograms takes both as they are. Every other estimator gets medians for missing
    numbers, standardised, and one-hot categories in front.
    """
    cls: Any = estimator_class(name or DEFAULTS[task], task)
    arguments = dict(params)
    known = cls().get_params() if _constructible(cls) else {}
    if "random_state" in known:
        arguments.setdefault("random_state", seed % 2**31)
    if cls.__name__.startswith("HistGradientBoosting"):
        arguments.setdefault("categorical_features", categorical if any(categorical) else None)
        return _made(cls, arguments)
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    plain = [i for i, c in enumerate(categorical) if not c]
    coded = [i for i, c in enumerate(categorical) if c]
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), plain),
            ("categories", OneHotEncoder(handle_unknown="ignore", max_categories=50, sparse_output=False), coded),
        ]
    )
    return make_pipeline(columns, _made(cls, arguments))


def _constructible(cls: Any) -> bool:
    try:
        cls()
    except TypeError:
        return False
    return True


def _made(cls: Any, arguments: Mapping[str, Any]) -> Any:
    try:
        return cls(**arguments)
    except TypeError as error:
        raise SynthError(f"{cls.__name__}: {error}", hint="look at scikit-learn's documentation") from None


@dataclass(frozen=True)
class Scorer:
    """A metric by name. ``higher`` says which way is better; ``score`` takes truth and what was predicted."""

    name: str
    higher: bool
    score: Callable[[Array, Any], float]
    predict: Callable[[Any, Array], Any]


def make_scorer(metric: str | None, task: Task, classes: Array | None) -> Scorer:
    """A scorer on given predictions, so that the held-out rows can be drawn again without predicting again.

    Args:
        classes: of a classification, sorted; two of them make a binary one.

    Raises:
        SynthError: scikit-learn has no scorer of that name.
    """
    from sklearn.metrics import get_scorer, get_scorer_names

    name = metric or METRICS[task]
    if name == "roc_auc" and classes is not None:
        if len(classes) == 2:
            return Scorer("roc_auc", True, _binary_auc(classes), _probabilities(classes))
        return Scorer("roc_auc_ovr", True, _macro_auc(classes), _probabilities(classes))
    if name not in get_scorer_names():
        raise SynthError(
            f"scikit-learn has no metric {name!r}", hint=did_you_mean(name, get_scorer_names(), "a metric")
        )
    scorer = get_scorer(name)
    if getattr(scorer, "_response_method", "predict") != "predict":
        if name == "average_precision" and classes is not None and len(classes) == 2:
            return Scorer(name, True, _binary_ap(classes), _probabilities(classes))
        raise SynthError(
            f"the metric {name!r} is not supported here", hint="use roc_auc, average_precision, accuracy, f1, r2, …"
        )
    extra = dict(scorer._kwargs)
    if name in ("f1", "precision", "recall", "jaccard") and classes is not None and len(classes) == 2:
        extra["pos_label"] = classes[-1]

    def score(truth: Array, predicted: Any) -> float:
        return float(scorer._sign * scorer._score_func(truth, predicted, **extra))

    # scikit-learn turns losses into negative scores: higher is always better here.
    return Scorer(name, True, score, lambda model, rows: model.predict(rows))


def _probabilities(classes: Array) -> Callable[[Any, Array], Any]:
    import numpy as np

    def predict(model: Any, rows: Array) -> Any:
        """Probabilities for all classes; a class that the model has never seen gets zero."""
        if hasattr(model, "predict_proba"):
            found = model.predict_proba(rows)
            out = np.zeros((len(rows), len(classes)))
            for i, c in enumerate(model.classes_):
                out[:, int(np.flatnonzero(classes == c)[0])] = found[:, i]
            return out
        decision = np.asarray(model.decision_function(rows), dtype=float)
        return np.column_stack([-decision, decision]) if decision.ndim == 1 else decision

    return predict


def _binary_auc(classes: Array) -> Callable[[Array, Any], float]:
    from synthkit.audits.statistics import auc

    def score(truth: Array, predicted: Any) -> float:
        positive = truth == classes[-1]
        if positive.all() or not positive.any():
            return float("nan")
        return auc(predicted[positive, 1], predicted[~positive, 1])

    return score


def _macro_auc(classes: Array) -> Callable[[Array, Any], float]:
    import numpy as np

    from synthkit.audits.statistics import auc

    def score(truth: Array, predicted: Any) -> float:
        """One class against the rest, averaged over the classes that are there."""
        found = []
        for i, c in enumerate(classes):
            positive = truth == c
            if positive.any() and not positive.all():
                found.append(auc(predicted[positive, i], predicted[~positive, i]))
        return float(np.mean(found)) if found else float("nan")

    return score


def _binary_ap(classes: Array) -> Callable[[Array, Any], float]:
    from sklearn.metrics import average_precision_score

    def score(truth: Array, predicted: Any) -> float:
        return float(average_precision_score(truth == classes[-1], predicted[:, 1]))

    return score
