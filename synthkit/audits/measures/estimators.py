"""scikit-learn estimators by name, with what they need around them, and what they say of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
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
ONE_HOT = 50  # cells of a category at most
# Where those lie that audits ask for by themselves: for these nothing is listed.
PLACES: Mapping[str, str] = {
    "HistGradientBoostingClassifier": "sklearn.ensemble",
    "HistGradientBoostingRegressor": "sklearn.ensemble",
    "LogisticRegression": "sklearn.linear_model",
}


def estimator_class(name: str, task: Task) -> type:
    """Any scikit-learn classifier or regressor. Raises SynthError with the nearest name."""
    from importlib import import_module

    place = PLACES.get(name)
    if place is not None and name.endswith("Regressor") == (task == "regression"):
        found: type = getattr(import_module(place), name)
        return found
    kind = "classifier" if task == "classification" else "regressor"
    known = _estimators(kind)
    if name in known:
        return known[name]
    hint = did_you_mean(name, known, f"a {kind}")
    raise SynthError(f"scikit-learn has no {kind} {name!r}", hint=hint)


@cache
def _estimators(kind: Literal["classifier", "regressor"]) -> Mapping[str, type]:
    """All that scikit-learn has of a kind: to list them, it imports every module of its own."""
    from sklearn.utils import all_estimators

    return dict(all_estimators(type_filter=kind))


def make_model(
    name: str | None, params: Mapping[str, Any], task: Task, categorical: list[bool], seed: int, *, sparse: bool = False
) -> Any:
    """An unfitted estimator for matrices with NaN and category codes.

    Gradient boosting by histograms takes both as they are. Every other estimator gets medians for missing
    numbers, standardised, and one-hot categories in front.

    Args:
        sparse: the zeros of one-hot categories are not stored; for an estimator that takes such a matrix.
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
            ("categories", OneHotEncoder(handle_unknown="ignore", max_categories=ONE_HOT, sparse_output=sparse), coded),
        ]
    )
    return make_pipeline(columns, _made(cls, arguments))


def learn(model: Any, rows: Array, target: Array) -> Any:
    """The model, fitted. A column without any value in these rows is one of zeros: boosting cannot bin it otherwise."""
    import warnings

    import numpy as np

    empty = np.isnan(rows).all(axis=0)
    if empty.any():
        rows = np.where(empty, 0.0, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a regression that has not converged: it is a weaker one
        return model.fit(rows, target)


def dense_cells(rows: Array, categorical: list[bool]) -> int:
    """Cells of the matrix that these rows (categories as codes from 0) are with one-hot categories."""
    import numpy as np

    codes = rows[:, categorical]
    highest = np.nan_to_num(codes, nan=-1).max(axis=0, initial=-1)
    each = np.minimum(highest + 1 + np.isnan(codes).any(axis=0), ONE_HOT)
    return len(rows) * int((~np.array(categorical)).sum() + each.sum())


class Dealt:
    """What a fitted model says of rows of which one column at a time is dealt out in another order.

    Of a model with a :class:`~sklearn.compose.ColumnTransformer` in front, each column has become some of its own, row
    by row. So the rows are transformed once, and not once for each column, which took a time that grew with the square
    of the columns. The answers are the same to the bit.
    """

    def __init__(self, model: Any, rows: Array) -> None:
        from sklearn.pipeline import Pipeline

        self._model, self._rows = model, rows.copy()
        self._places = [slice(i, i + 1) for i in range(rows.shape[1])]
        if isinstance(model, Pipeline):
            encoder, self._model = model
            found = encoder.transform(rows)
            self._rows = found.tocsc() if hasattr(found, "tocsc") else found
            self._places = _places(encoder, rows.shape[1])

    def scores(self, column: int | None = None, order: Array | None = None) -> Array:
        """The second class's probability for each row: (rows,); of ``column``, row i has the value of row order[i]."""
        if column is None:
            return self._told(self._rows)
        place = self._places[column]
        dealt = self._rows[:, place][order]
        if hasattr(dealt, "tocsc"):
            import scipy.sparse as sparse

            parts = [self._rows[:, : place.start], dealt.tocsc(), self._rows[:, place.stop :]]
            return self._told(sparse.hstack(parts, format="csc"))
        kept = self._rows[:, place].copy()
        self._rows[:, place] = dealt
        found = self._told(self._rows)
        self._rows[:, place] = kept
        return found

    def _told(self, rows: Any) -> Array:
        found: Array = self._model.predict_proba(rows)[:, 1]
        return found


def _places(encoder: Any, columns: int) -> list[slice]:
    """Which columns of what the encoder of :func:`make_model` gives each column became."""
    found = [slice(0, 0)] * columns
    plain, coded = (chosen for _, _, chosen in encoder.transformers_)
    for at, column in enumerate(plain, encoder.output_indices_["numbers"].start):
        found[column] = slice(at, at + 1)
    if coded:
        at = encoder.output_indices_["categories"].start
        one_hot = encoder.named_transformers_["categories"]
        rare = getattr(one_hot, "infrequent_categories_", [None] * len(coded))
        for column, known, folded in zip(coded, one_hot.categories_, rare, strict=True):
            size = len(known) if folded is None else len(known) - len(folded) + 1
            found[column] = slice(at, at + size)
            at += size
    return found


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
class Answers:
    """What a model says of given rows.

    Args:
        labels: (rows,) the predicted class or number.
        scores: (rows, classes) the probability, or else decision value, of each class; None for numbers and for models
            that only name a class. A class that the model has never seen has probability 0.
    """

    labels: Array
    scores: Array | None

    @property
    def arrays(self) -> Mapping[str, Array]:
        """The fields that there are, by name."""
        return {"labels": self.labels} if self.scores is None else {"labels": self.labels, "scores": self.scores}

    @staticmethod
    def of(arrays: Mapping[str, Array]) -> Answers:
        return Answers(arrays["labels"], arrays.get("scores"))

    def take(self, rows: Array) -> Answers:
        return Answers(self.labels[rows], None if self.scores is None else self.scores[rows])


@dataclass(frozen=True)
class Constant:
    """The model that training rows of one class give: it says that class of every row."""

    only: str

    @property
    def classes_(self) -> Array:
        import numpy as np

        return np.array([self.only])

    def predict(self, rows: Array) -> Array:
        import numpy as np

        return np.full(len(rows), self.only)

    def predict_proba(self, rows: Array) -> Array:
        import numpy as np

        return np.ones((len(rows), 1))


def answers(model: Any, rows: Array, classes: Array | None) -> Answers:
    """What a fitted model says of the rows; ``classes`` of a classification are those of the real rows, sorted."""
    import numpy as np

    if classes is None:
        return Answers(np.asarray(model.predict(rows), dtype=float), None)
    if hasattr(model, "predict_proba"):
        found = np.asarray(model.predict_proba(rows), dtype=float)
    elif hasattr(model, "decision_function"):
        found = np.asarray(model.decision_function(rows), dtype=float)
        found = np.column_stack([-found, found]) if found.ndim == 1 else found
    else:
        return Answers(np.asarray(model.predict(rows)).astype(str), None)
    known = np.asarray(model.classes_).astype(str)
    # Boosting predicts its likeliest class: no need to run through all trees again to hear it.
    boosted = type(model).__name__.startswith("HistGradientBoosting")
    labels = known[found.argmax(axis=1)] if boosted else np.asarray(model.predict(rows)).astype(str)
    scores = np.zeros((len(rows), len(classes)))
    if not hasattr(model, "predict_proba"):
        scores -= np.abs(found).max(initial=0.0) + 1.0  # never seen: below every decision value
    for i, c in enumerate(known):
        scores[:, classes == c] = found[:, [i]]
    return Answers(labels, scores)
