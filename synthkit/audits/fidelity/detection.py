"""Can a classifier tell synthetic rows from real ones that no generator has seen?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AliasChoices, Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, ColumnNames, ColumnResult, Status, audit
from synthkit.audits.gate import Default, Estimate, GateParams, gated, interval_text, skipped
from synthkit.audits.measures.estimators import Dealt, dense_cells, learn, make_model
from synthkit.audits.measures.statistics import Z, auc, delong
from synthkit.audits.rows.choice import has_floor, is_number, judged_columns, too_few
from synthkit.audits.rows.codes import codes, coding
from synthkit.audits.rows.combined import Between, between, numbers_of
from synthkit.audits.rows.features import sample_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Classifier = Literal["boosting", "logistic"]
KINDS: tuple[Classifier, ...] = ("boosting", "logistic")
ESTIMATORS: Mapping[Classifier, tuple[str, Mapping[str, Any]]] = {
    "boosting": ("HistGradientBoostingClassifier", {"max_iter": 60, "early_stopping": False}),
    "logistic": ("LogisticRegression", {"max_iter": 200}),
}
SIDES: tuple[Side, ...] = ("synthetic", "holdout")
FEWEST = 50  # rows a side below which nothing can be told
FOLDS = 3
REPEATS = 3  # of the division into folds, for few rows
FEW = 2_000  # rows a side up to which one division moves the value about as much as the rows do
DEFAULT: Default = {"max": 0.6}
MOST_DENSE = 50_000_000  # one-hot cells, 400 MB; of more, the zeros are not stored
CERTAIN = 0.01  # less of an AUC than this is no reason to name a column


class DetectionParams(GateParams):
    """Parameters of ``detection``.

    Args:
        max: or ``max_auc``; 0.5 is a coin. Default: 0.6; with ``epsilon`` none, a report.
        columns: what the classifier sees; default: all that are modelled.
        max_rows: rows of each side.
    """

    max: float | None = Field(default=None, ge=0.5, le=1, validation_alias=AliasChoices("max_auc", "max"))
    columns: ColumnNames | None = None
    max_rows: int = Field(default=20_000, ge=FEWEST)


@audit(
    "detection",
    DetectionParams,
    family="fidelity",
    version=3,
    needs=("train", "holdout"),
    between=SHARE,
    apart="detection",
)
def detection(context: AuditContext, params: DetectionParams) -> AuditResult:
    """Can a classifier tell synthetic rows from held-out real ones? AUC of the better of two, 0.5 is a coin.

    Classifier two-sample test (Lopez-Paz & Oquab, ICLR 2017): gradient boosting and logistic regression, each
    trained on two thirds of equally many rows of both sides and asked about the other third. The value is the larger
    AUC, so that a generator cannot win by suiting one of them. Up to 2,000 rows a side are divided into folds three
    times, and the AUC is the mean. Interval: DeLong's over all rows' scores, as if one model had given them, with the
    variance between the divisions added; that models share training rows is left out (``python -m benchmarks.audits
    calibration`` shows what that costs). The floor is boosting's AUC for real training rows in the synthetic
    ones' place. Categories of fewer than ten real rows, and those that no real row has, are one.
    Beside the columns the classifiers see up to twenty differences, sums and ratios of two of them, chosen on the real
    training rows by how much surer one is of them than of the same columns paired at random, so that rows in which
    each column is right and the sum is not are told.
    The columns that give the table away, by the AUC of the better classifier that is lost when they are shuffled
    (Breiman 2001), on the rows of one fold. Under ``epsilon`` there is no limit unless one is set.
    """
    columns = judged_columns(context, params.columns, "detection")
    if not columns:
        return skipped("the table has no columns to compare")
    if few := too_few(context, params, DEFAULT, FEWEST):
        return few
    size = min(params.max_rows, context.rows("synthetic"), context.rows("holdout"))
    seen = Seen(columns, between(context, columns))
    ours, theirs = (seen.rows(context, s, size) for s in SIDES)
    told = {kind: Told(context, seen, ours, theirs, kind) for kind in KINDS}
    best = max(KINDS, key=lambda k: (told[k].value, k))
    found = told[best]
    floor = None
    if all(has_floor(context, c) for c in columns) and context.rows("train") >= FEWEST:
        real = seen.rows(context, "train", min(size, context.rows("train")))
        floor = Told(context, seen, real, theirs[: len(real)], "boosting").value
    estimate = Estimate(found.value, found.low, found.high, floor)
    blame = found.blame(context)
    details = {
        "classifiers": {k: {"auc": t.value, "low": t.low, "high": t.high} for k, t in told.items()},
        "better": best,
        "rows": {"synthetic": len(ours), "real": len(theirs)},
        "between": [str(b) for b in seen.between],
    }
    named = [column for column, lost in blame if lost >= CERTAIN][:3]
    message = f"{best} tells synthetic from real rows with AUC {found.value:.3f}, a coin with 0.5"
    if named:
        message += f", by {', '.join(repr(c) for c in named)} above all"
    over = [c for c, lost in blame if lost >= CERTAIN]
    if context.training is not None and all(getattr(params, n) is None for n in ("max", "within", "max_excess")):
        message = f"{message} ({interval_text(estimate)}); with epsilon there is no default limit"
        result = AuditResult(found.value, "pass", None, found.low, found.high, floor, message, details=details)
    else:
        advice = "another generator or more training for these columns"
        result = gated(params, estimate, DEFAULT, message, advice=advice, details=details)
    failed: Status = "fail" if result.status == "fail" else "pass"
    note = "AUC that is lost without it"
    parts = [ColumnResult(c, lost, failed if c in over else "pass", message=note) for c, lost in blame]
    return replace(result, columns=tuple(parts))


@dataclass(frozen=True)
class Seen:
    """What the classifiers see of a row: its columns, and combinations of two of them."""

    columns: tuple[str, ...]
    between: tuple[Between, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.columns, *map(str, self.between))

    def rows(self, context: AuditContext, side: Side, size: int) -> Array:
        """Rows of a side as floats: numbers as they are, categories as codes, NaN where a value is missing."""
        import numpy as np

        rows = sample_rows(context, side, size, "detection")
        own = context.passing()  # numbers of every row take as much as the rows, and nobody else asks for them
        parts = [_feature(own, side, c)[rows] for c in self.columns]
        numbers = cache(lambda column: numbers_of(context, side, column)[rows])
        return np.column_stack([*parts, *(b.rows(numbers) for b in self.between)])


class Told:
    """What one kind of classifier makes of two sets of rows, each scored by models that have not seen it."""

    def __init__(self, context: AuditContext, seen: Seen, ours: Array, theirs: Array, kind: Classifier):
        import math

        import numpy as np

        self.seen = seen
        rows = np.concatenate([ours, theirs])
        side = np.repeat([1, 0], [len(ours), len(theirs)])
        repeats = REPEATS if len(theirs) <= FEW else 1
        seeds = context.rng("detection", kind).integers(2**31, size=repeats).tolist()
        found = np.array([self._divided(context, rows, side, kind, seed) for seed in seeds])
        self.value = float(found[:, 0].mean())
        below, above = (found[:, 0] - found[:, 1], found[:, 2] - found[:, 0])
        between = float(found[:, 0].var(ddof=1)) / repeats * Z**2 if repeats > 1 else 0.0
        low, high = (math.sqrt(float((half**2).mean()) + between) for half in (below, above))
        self.low, self.high = max(0.0, self.value - low), min(1.0, self.value + high)

    def _divided(
        self, context: AuditContext, rows: Array, side: Array, kind: Classifier, seed: int
    ) -> tuple[float, float, float]:
        """The AUC of one division into folds, with DeLong's interval; of the last model the rows are kept."""
        import numpy as np
        from sklearn.model_selection import StratifiedKFold

        scores = np.empty(len(rows))
        for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, side):
            self.model = _fitted(context, self.seen, rows[train], side[train], kind, seed)
            self.rows, self.side = rows[test], side[test]
            scores[test] = self.model.predict_proba(self.rows)[:, 1]
        return delong(scores[side == 1], scores[side == 0])

    def blame(self, context: AuditContext) -> list[tuple[str, float]]:
        """Each column and combination with the AUC that is lost when its values are dealt out anew, the most first."""
        rng = context.rng("detection blame")
        asked = Dealt(self.model, self.rows)
        whole, found = self._auc(asked.scores()), []
        for i, column in enumerate(self.seen.names):
            order = rng.permutation(len(self.rows))
            found.append((column, whole - self._auc(asked.scores(i, order))))
        return sorted(found, key=lambda pair: -pair[1])

    def _auc(self, scores: Array) -> float:
        return auc(scores[self.side == 1], scores[self.side == 0])


def _fitted(context: AuditContext, seen: Seen, rows: Array, side: Array, kind: Classifier, seed: int) -> Any:
    name, params = ESTIMATORS[kind]
    categorical = [*(not is_number(context, c) for c in seen.columns), *(False for _ in seen.between)]
    sparse = dense_cells(rows, categorical) > MOST_DENSE
    return learn(make_model(name, params, "classification", categorical, seed, sparse=sparse), rows, side)


def _feature(context: AuditContext, side: Side, column: str) -> Array:
    import numpy as np

    if is_number(context, column):
        from synthkit.audits.rows.association import numbers

        return numbers(context, side, column, "pearson")
    how = coding(context, column)
    found = codes(context, side, column)
    plain = np.arange(how.size, dtype=float)
    plain[-1] = np.nan
    return np.asarray(plain[found])
