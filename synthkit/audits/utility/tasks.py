"""A prediction task on a table: its rows as arrays, the models trained on real and on synthetic rows, and their error.

Every audit that trains a model shares this work through the context: ``tstr``, ``feature_importance`` and the audits of
fairness on one target train each model once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import AuditParams, ColumnName, ColumnNames
from synthkit.audits.measures.estimators import Answers, Constant, Task, answers, learn, make_model
from synthkit.audits.measures.scorers import Scorer, make_scorer
from synthkit.audits.repeats import Repeat, carried_out
from synthkit.audits.rows.features import FAR, as_text, encoding, numbers, sample_rows, usable
from synthkit.audits.rows.texts import reading_of
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Array = npt.NDArray[Any]
    Rows = tuple[Array, Array]  # features (rows, columns) and target (rows,)

FEWEST_TRAIN = 20  # rows with a target on each side
FEWEST_TEST = 30
MOST_CLASSES = 20  # an integer target of more values is a regression
SPLITS = 2  # of each side into halves, for the error of training
MAX_TEST = 50_000
APART = "models"  # of the audits that share them


class ModelParams(AuditParams):
    """What all audits that train models have in common.

    Args:
        target: the column to predict.
        task: ``auto``: classification for categories, booleans, text and integers of at most 20 values.
        estimator: any scikit-learn classifier or regressor by name; default: HistGradientBoosting.
        estimator_params: its parameters.
        features: columns to predict from; default: all but the target, keys and personal data.
        positive: the class that is asked for; default: the rarest of the real training rows.
        max_rows: training rows of each side; of the held-out rows at most 50,000 are tested on.
    """

    target: ColumnName
    task: Literal["auto", "classification", "regression"] = "auto"
    estimator: str | None = None
    estimator_params: Mapping[str, Any] = {}
    features: ColumnNames | None = None
    positive: str | int | bool | None = None
    max_rows: int = Field(default=50_000, ge=FEWEST_TRAIN)

    @property
    def key(self) -> tuple[object, ...]:
        """What decides the models; two audits of equal keys share them."""
        given = json.dumps(self.estimator_params, sort_keys=True, default=str)
        return (self.target, self.task, self.features, self.max_rows, self.estimator, given)


class ScoredParams(ModelParams):
    """And of those that score them.

    Args:
        metric: any scikit-learn scorer on predictions, roc_auc or average_precision; default: roc_auc (of several
            classes: one against the rest, averaged), r2.
        recall_at_precision: instead: the share of the positive class found where so much of what is named is right.
    """

    metric: str | None = None
    recall_at_precision: float | None = Field(default=None, gt=0, le=1)


@dataclass(frozen=True)
class Problem:
    """A prediction task as arrays: features and target of each side, and the held-out rows to test on.

    Args:
        columns: that are predicted from.
        places: where the features of each column stand; free text has several.
        classes: of a classification, those of the real rows, sorted.
        kept: for each side, the numbers of the rows that the arrays hold.
        text: columns of free text among them, where these are read as such.
    """

    task: Task
    columns: tuple[str, ...]
    places: Mapping[str, slice]
    classes: Array | None
    categorical: list[bool]
    train: Rows
    synthetic: Rows
    test: Rows
    kept: Mapping[Side, Array]
    text: tuple[str, ...] | None = None

    @property
    def size(self) -> int:
        """Training rows of each side: as many real as synthetic ones."""
        return min(len(self.train[1]), len(self.synthetic[1]))

    @property
    def one_class(self) -> bool:
        """Whether the synthetic rows hold one class of the target only."""
        import numpy as np

        return self.task == "classification" and len(np.unique(self.synthetic[1])) < 2

    def positive(self, params: ModelParams) -> str | None:
        """The class asked for, or the rarest. Raises SynthError where the real rows lack the one asked for."""
        import numpy as np

        from synthkit.errors import SynthError, did_you_mean

        if self.classes is None:
            return None
        if params.positive is not None:
            text = str(params.positive).lower() if isinstance(params.positive, bool) else str(params.positive)
            if text not in set(self.classes):
                hint = did_you_mean(text, [str(c) for c in self.classes], "a class")
                raise SynthError(f"{params.target!r} has no class {text!r} in the real rows", hint=hint)
            return text
        names, counts = np.unique(self.train[1], return_counts=True)
        return str(names[np.argmin(counts)])

    def scorer(self, params: ScoredParams) -> Scorer:
        return make_scorer(params.metric, self.task, self.classes, self.positive(params), params.recall_at_precision)


def prepare(context: AuditContext, params: ModelParams, text: tuple[str, ...] | None = None) -> Problem | str:
    """The task, or the reason why it cannot be judged.

    Args:
        text: columns of free text that are predicted from (:mod:`..rows.texts`), beside those that a generator learns;
            None: only what ``features`` names, as categories.
    """
    key = (params.target, params.task, params.features, params.max_rows, text)
    return context.shared(("problem", *key), lambda: _prepare(context, params, text))


def _prepare(context: AuditContext, params: ModelParams, text: tuple[str, ...] | None) -> Problem | str:
    import numpy as np

    task = _task(context, params)
    named = usable(context, (params.target,)) if params.features is None else params.features
    columns = tuple(c for c in named if text is None or context.schema.by_name[c].type != "text")
    if not (columns or text):
        return "no column is left to predict from"
    encoder = encoding(context, columns)
    readings = [reading_of(context, name) for name in text or ()]
    sides: dict[Side, Rows] = {}
    kept: dict[Side, Array] = {}
    names: tuple[Side, ...] = ("train", "synthetic", "holdout")
    for side in names:
        rows = sample_rows(context, side, MAX_TEST if side == "holdout" else params.max_rows, "model")
        table = context.arrow(side, (*columns, *(text or ()), params.target)).take(rows)
        target = _target(context, params.target, table, task)
        there = np.array([v is not None for v in target], bool) if task == "classification" else np.isfinite(target)
        read = [one.matrix(table.column(one.column)) for one in readings]
        features = np.column_stack([encoder.matrix(table.select(list(columns))), *read])
        sides[side] = (features[there], target[there])
        kept[side] = rows[there]
    real = np.concatenate([sides["train"][1], sides["holdout"][1]])
    classes = np.unique(real).astype(object) if task == "classification" else None
    fits = (sides["train"], sides["synthetic"], sides["holdout"])
    widths = dict.fromkeys(columns, 1) | {one.column: len(one.categorical) for one in readings}
    ends = dict(zip(widths, np.cumsum(list(widths.values())), strict=True))
    places = {name: slice(int(ends[name]) - width, int(ends[name])) for name, width in widths.items()}
    categorical = [*encoder.categorical, *(c for one in readings for c in one.categorical)]
    problem = Problem(task, tuple(widths), places, classes, categorical, *fits, kept, text)
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
    if problem.task == "classification":
        for name, target in (("held-out", problem.test[1]), ("real", problem.train[1])):
            if len(np.unique(target)) < 2:
                return f"the {name} rows have one class only"
        return None
    spread = float(np.ptp(problem.test[1]))
    return None if spread > 0 else "the held-out rows have one value of the target only"


def _task(context: AuditContext, params: ModelParams) -> Task:
    if params.task != "auto":
        return params.task
    column = context.schema.by_name[params.target]
    if column.type == "integer":
        values = context.scalar(f"SELECT count(DISTINCT {quote(params.target)}) FROM {context.scan('train')}")
        return "classification" if values <= MOST_CLASSES else "regression"
    return "regression" if column.continuous else "classification"


def _target(context: AuditContext, column: str, table: pa.Table, task: Task) -> Array:
    import numpy as np

    if task == "classification":
        return np.array(as_text(table.column(column)), dtype=object)
    known = encoding(context, (column,))
    size = known.sizes.get(column)
    found = numbers(table.column(column))
    return found if size is None else np.clip(found / size, -FAR, FAR)


# -- models ------------------------------------------------------------------------------------------------------------


def fit(context: AuditContext, params: ModelParams, problem: Problem, rows: Rows, *salt: object) -> Any:
    """A model trained on the rows; where they hold one class only, the constant that says it."""
    import numpy as np

    target = rows[1].astype(str) if problem.task == "classification" else rows[1]
    if problem.task == "classification" and len(np.unique(target)) < 2:
        return Constant(str(target[0]))
    seed = int(context.rng("estimator", params.target, *salt).integers(2**31))
    model = make_model(params.estimator, params.estimator_params, problem.task, problem.categorical, seed)
    return learn(model, rows[0], target)


def tell(model: Any, problem: Problem, rows: Array) -> Answers:
    """What the model says of the rows (features)."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return answers(model, rows, problem.classes)


def chosen(context: AuditContext, problem: Problem, side: Side) -> Rows:
    """The side's training rows: as many as the other side has, drawn without replacement."""
    rows = problem.train if side == "train" else problem.synthetic
    drawn = _drawn(context, problem, side)
    return rows if len(drawn) == len(rows[1]) else (rows[0][drawn], rows[1][drawn])


def _drawn(context: AuditContext, problem: Problem, side: Side) -> Array:
    """The places of :func:`chosen` rows among the side's."""
    import numpy as np

    total = len((problem.train if side == "train" else problem.synthetic)[1])
    if total == problem.size:
        return np.arange(total)
    return np.sort(context.rng("training rows", side, total, problem.size).choice(total, problem.size, replace=False))


def entities(context: AuditContext, side: Side) -> Array | None:
    """The entity of each of a side's rows, where rows of one hang together (:mod:`..relations.views`); else None."""
    return context.shared(("entities", side), lambda: None)


def trained(context: AuditContext, params: ModelParams, problem: Problem, side: Side) -> Any:
    """The model trained on a side's rows, once per table."""

    def train() -> Any:
        return fit(context, params, problem, chosen(context, problem, side))

    return context.shared(("trained", side, *params.key, problem.text), train)


def tested(context: AuditContext, params: ModelParams, problem: Problem, side: Side) -> Answers:
    """What the model trained on a side's rows says of the held-out rows."""

    def test() -> Answers:
        return Answers.of(carried_out(context, *trained_told(context, params, problem, side)))

    return context.shared(("tested", side, *params.key, problem.text), test)


def halves_of(context: AuditContext, problem: Problem, side: Side, split: int = 0) -> tuple[Rows, Rows]:
    """The side's training rows as two disjoint halves, another way for each ``split``."""
    import numpy as np

    features, target = chosen(context, problem, side)
    rng, whose = context.rng("halves", side, split, len(target)), entities(context, side)
    if whose is None:
        order = rng.permutation(len(target))
    else:  # an entity's rows stay together, so that the halves are independent
        _, own = np.unique(whose[problem.kept[side][_drawn(context, problem, side)]], return_inverse=True)
        order = np.argsort(rng.permutation(int(own.max()) + 1)[own], kind="stable")
    half = len(target) // 2
    first, second = order[:half], order[half : 2 * half]
    return (features[first], target[first]), (features[second], target[second])


def half_models(context: AuditContext, params: ModelParams, problem: Problem, side: Side) -> list[tuple[Any, Any]]:
    """Pairs of models trained on disjoint halves of a side's rows: how far apart are two trainings on the like?"""

    made = [half_model(context, params, problem, side, number) for number in range(2 * SPLITS)]
    return list(zip(made[::2], made[1::2], strict=True))


def half_model(context: AuditContext, params: ModelParams, problem: Problem, side: Side, number: int) -> Any:
    """One of them: models 0 and 1 are the first pair."""
    split, half = divmod(number, 2)

    def train() -> Any:
        return fit(context, params, problem, halves_of(context, problem, side, split)[half], "half", split, half)

    return context.shared(("half", number, side, *params.key, problem.text), train)


def half_tested(
    context: AuditContext, params: ModelParams, problem: Problem, side: Side
) -> list[tuple[Answers, Answers]]:
    """What those models say of the held-out rows."""

    def test() -> list[tuple[Answers, Answers]]:
        told = [Answers.of(carried_out(context, *one)) for one in halves_told(context, params, problem, side)]
        return list(zip(told[::2], told[1::2], strict=True))

    return context.shared(("half tested", side, *params.key, problem.text), test)


# -- each training, as one that may have been carried out before ------------------------------------------------------


def trained_told(context: AuditContext, params: ModelParams, problem: Problem, side: Side) -> Repeat:
    """What the model trained on a side's rows says of the held-out rows."""

    def compute() -> Mapping[str, Array]:
        return tell(trained(context, params, problem, side), problem, problem.test[0]).arrays

    return ("trained", side, problem.text), compute


def halves_told(context: AuditContext, params: ModelParams, problem: Problem, side: Side) -> list[Repeat]:
    """The same of each model of :func:`half_models`, pair by pair."""

    def of(number: int) -> Repeat:
        def compute() -> Mapping[str, Array]:
            return tell(half_model(context, params, problem, side, number), problem, problem.test[0]).arrays

        return ("half", side, number, problem.text), compute

    return [of(number) for number in range(2 * SPLITS)]
