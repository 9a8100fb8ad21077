"""Do models trained on synthetic and on real rows look at the same columns?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, ColumnResult, audit
from synthkit.audits.gate import Default, Estimate, ShareParams, gated, limit_of
from synthkit.audits.measures.estimators import Answers
from synthkit.audits.measures.scorers import Scorer
from synthkit.audits.measures.statistics import Z
from synthkit.audits.utility.tasks import APART, Problem, ScoredParams, half_models, tell, trained
from synthkit.audits.utility.worth import columns_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

GROUPS = 20  # of held-out rows, left out in turn
DEFAULT: Default = {"max_shortfall": 0.2}
ADVICE = "another generator or more training"


class FeatureImportanceParams(ScoredParams, ShareParams):
    """Parameters of ``feature_importance``, beside the model's and the gate's.

    Args:
        repeats: permutations of each column.
        rows: held-out rows to permute, at most.
    """

    repeats: int = Field(default=3, ge=1, le=50)
    rows: int = Field(default=4_000, ge=100)


@audit(
    "feature_importance",
    FeatureImportanceParams,
    family="utility",
    version=3,
    needs=("train", "holdout"),
    between=SHARE,
    apart=APART,
)
def feature_importance(context: AuditContext, params: FeatureImportanceParams) -> AuditResult:
    """Do models trained on synthetic rows and on real ones rely on the same columns? Overlap of their importances.

    The importance of a column is the score that a model loses on held-out rows when the column is permuted (Breiman,
    2001; Fisher, Rudin & Dominici, 2019), the same permutations for all models. Losses below zero count as none, and
    each model's add up to one. The model of real rows learns from all columns, that of synthetic ones from those that
    the table does not make up: what these are worth to the first, it cannot share. The value is what the two models
    share, Σ min(a, b), in [0, 1]: columns weigh by what they are worth, so that the order of worthless ones does not
    matter, as it does for rank correlation (in the details). Interval: 95 %, from leaving out each twentieth of the
    held-out rows (grouped jackknife) and from models of halves of either side, for the error of training. Floor: the
    overlap of models of two halves of the real rows, on average over the splits.
    Columns that say the same share their importance as chance has it: the floor shows how much that is.
    """
    threshold = limit_of(params, None, DEFAULT).text
    columns = columns_of(context, params)
    if isinstance(columns, str):
        return AuditResult(None, "inconclusive", threshold, message=columns)
    problem = columns.all
    if len(problem.columns) < 2:
        return AuditResult(None, "skipped", threshold, message="there are no two columns to predict from")
    if problem.one_class:
        message = f"the synthetic rows have one class of the target only. Try {ADVICE}"
        return AuditResult(None, "fail", threshold, message=message)
    scorer = problem.scorer(params)
    rows = _rows(context, problem, params)
    tasks: Mapping[Side, Problem] = {"train": problem, "synthetic": columns.kept}
    judge = _Judge(context, params, problem.columns, scorer, rows)
    real, fake = (judge.losses(task, trained(context, params, task, side)) for side, task in tasks.items())
    importances = {"real": real.all(), "synthetic": fake.all()}
    # The standard error of the sum shows whether there is anything to agree on
    left = [(real.without(g), fake.without(g)) for g in range(GROUPS)]
    if _jackknife_low(importances["real"], [r for r, _ in left]) <= 0:
        message = f"too few rows to tell: permuting costs the model trained on real rows no {scorer.name} for sure"
        return AuditResult(None, "inconclusive", threshold, message=message)
    value = overlap(*importances.values())
    halves = {
        side: [[judge.losses(task, model).all() for model in pair] for pair in half_models(context, params, task, side)]
        for side, task in tasks.items()
    }
    found = _estimate(value, [overlap(a, b) for a, b in left], halves)
    order = sorted(range(len(problem.columns)), key=lambda i: -importances["real"][i])
    details: dict[str, Any] = {
        "metric": scorer.name,
        "importances": {problem.columns[i]: {s: float(v[i]) for s, v in importances.items()} for i in order},
        "rank_correlation": _spearman(*importances.values()),
        "rows": len(rows),
        **columns.details,
    }
    a, b = (_parts(v) for v in importances.values())
    worst = max(range(len(a)), key=lambda i: abs(a[i] - b[i]))
    message = (
        f"{value:.0%} of what columns are worth is shared; {problem.columns[worst]!r} differs most: "
        f"{a[worst]:.0%} for the model trained on real rows, {b[worst]:.0%} on synthetic ones"
    )
    if columns.made_up:
        lost = sum(a[problem.columns.index(name)] for name in columns.made_up)
        message += f"; the columns that the table makes up ({columns.named}) are {lost:.0%} of it"
        details["worth_of_made_up"] = float(lost)
    parts = [
        ColumnResult(problem.columns[i], float(b[i] - a[i]), "pass", message=f"{a[i]:.0%} real, {b[i]:.0%} synthetic")
        for i in sorted(range(len(a)), key=lambda i: -abs(a[i] - b[i]))
    ]
    return gated(params, found, DEFAULT, message, columns=parts, advice=ADVICE, details=details)


def overlap(a: Array, b: Array) -> float:
    """Σ min of two vectors of importances after each is made to add up to one; 0 where one has none."""
    import numpy as np

    return float(np.minimum(_parts(a), _parts(b)).sum())


def _parts(importances: Array) -> Array:
    import numpy as np

    positive: Array = np.maximum(importances, 0.0)
    total = positive.sum()
    return positive / total if total > 0 else positive


def _rows(context: AuditContext, problem: Problem, params: FeatureImportanceParams) -> Array:
    import numpy as np

    total = len(problem.test[1])
    if total <= params.rows:
        return np.arange(total)
    return np.sort(context.rng("importance rows", total).choice(total, params.rows, replace=False))


@dataclass(frozen=True)
class _Judge:
    """Takes the importances of ``columns`` for any model, over the same permutations of the same held-out rows."""

    context: AuditContext
    params: FeatureImportanceParams
    columns: tuple[str, ...]
    scorer: Scorer
    rows: Array

    def losses(self, problem: Problem, model: Any) -> _Losses:
        """A column that the model does not learn from costs it nothing."""
        features = problem.test[0][self.rows]
        plain = tell(model, problem, features)
        permuted: list[list[Answers]] = []
        for place, column in enumerate(self.columns):
            found = [plain]
            if column in problem.places:
                orders = [self._order(place, repeat) for repeat in range(self.params.repeats)]
                found = [tell(model, problem, _mixed(features, problem.places[column], order)) for order in orders]
            permuted.append(found)
        part = self.context.rng("importance groups", len(self.rows)).permutation(len(self.rows)) % GROUPS
        return _Losses(problem.test[1][self.rows], self.scorer, plain, permuted, part)

    def _order(self, place: int, repeat: int) -> Array:
        return self.context.rng("permute", place, repeat, len(self.rows)).permutation(len(self.rows))


def _mixed(features: Array, place: slice, order: Array) -> Array:
    mixed = features.copy()
    mixed[:, place] = features[order, place]
    return mixed


@dataclass(frozen=True)
class _Losses:
    """What a model says of the held-out rows, as they are and with each column permuted.

    Args:
        part: the group of each row.
    """

    truth: Array
    scorer: Scorer
    plain: Answers
    permuted: list[list[Answers]]
    part: Array

    def all(self) -> Array:
        return self._losses(slice(None))

    def without(self, group: int) -> Array:
        """With one group of the rows left out."""
        return self._losses(self.part != group)

    def _losses(self, rows: Any) -> Array:
        import numpy as np

        truth = self.truth[rows]
        base = self.scorer.score(truth, self.plain.take(rows))
        scores = [np.mean([self.scorer.score(truth, one.take(rows)) for one in each]) for each in self.permuted]
        losses: Array = base - np.array(scores)
        return np.nan_to_num(losses)


def _estimate(value: float, left: list[float], halves: Mapping[Side, list[list[Array]]]) -> Estimate:
    """The interval from both sources of error, with the quantile of Student's t that so few halves ask for.

    The training's variance: that of the four overlaps of a real and a synthetic half model, each half model moving two
    of them; half of it remains at twice the rows. It is the mean over the splits, each of which tells one degree of
    freedom a side; the degrees of the sum are Satterthwaite's (Biometrics Bulletin 2, 1946).
    """
    import numpy as np
    from scipy.stats import t

    testing = (len(left) - 1) / len(left) * float(((np.array(left) - np.mean(left)) ** 2).sum())
    parts = []
    for real, fake in zip(halves["train"], halves["synthetic"], strict=True):
        table = np.array([[overlap(a, b) for b in fake] for a in real])
        parts += [float(table.mean(axis=axis).var(ddof=1)) / 2 for axis in (0, 1)]
    training = sum(parts) / len(halves["train"])
    squares = testing**2 / (len(left) - 1) + training**2 / len(parts)
    freedom = (testing + training) ** 2 / squares if squares else float("inf")
    error = float(t.ppf(0.975, max(1.0, freedom))) * (testing + training) ** 0.5
    floor = float(np.mean([overlap(*pair) for pair in halves["train"]]))
    return Estimate(value, max(0.0, value - error), min(1.0, value + error), floor, floor - error)


def _jackknife_low(importances: Array, left: list[Array]) -> float:
    """The lower 95 % end of what the most important column is worth."""
    import numpy as np

    best = int(np.argmax(importances))
    values = np.array([one[best] for one in left])
    variance = (len(values) - 1) / len(values) * float(((values - values.mean()) ** 2).sum())
    return float(importances[best] - Z * variance**0.5)


def _spearman(a: Array, b: Array) -> float | None:
    import numpy as np

    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)
