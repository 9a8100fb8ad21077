"""Is the table of use? Models trained on it are tested on real rows that nobody trained on, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AliasChoices, Field, model_validator

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import POSITIVE, AuditResult, audit
from synthkit.audits.gate import Default, Estimate, GateParams, ShareParams, gated, limit_of
from synthkit.audits.measures.estimators import DEFAULTS, Answers
from synthkit.audits.measures.scorers import Scorer
from synthkit.audits.measures.statistics import ONE_SIDED, Z, of_size
from synthkit.audits.relations.views import joined_view
from synthkit.audits.repeats import Repeat
from synthkit.audits.utility.errors import bootstrap, training_variance, widened
from synthkit.audits.utility.tasks import (
    APART,
    FEWEST_TEST,
    Problem,
    ScoredParams,
    entities,
    half_models,
    half_tested,
    halves_of,
    halves_told,
    tell,
    tested,
    trained,
    trained_told,
)
from synthkit.audits.utility.worth import Columns, columns_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

ADVICE = "another generator or more training; generator: {name: ctgan} trains for rare classes"
GAP: Default = {"max": 0.05}
GAP_UNDER_EPSILON: Default = {"max": 0.1}
RARELY = 2.5758293035489004 / Z  # from the 95 % to the 99 % point of an absolute value


class TstrParams(ScoredParams, GateParams):
    """Parameters of ``tstr``, beside the gate's.

    Args:
        max: or ``max_gap``, in units of the metric. Default: 0.05, and 0.1 for a table made under ``epsilon``.
        min_ratio: or the least share of the score of real rows that is kept, 0.95 say. Only for metrics whose zero is
            "knows nothing" (r2, average_precision): half of a ROC AUC is a coin's.
        view: ``joined``, of a member of a family or of a sequence: also predict from the columns of what rows hang on,
            from what belongs to them (how many rows, their means, spreads, ends and shares), and from the row before.
    """

    view: Literal["table", "joined"] = "table"

    max: float | None = Field(default=None, ge=0, validation_alias=AliasChoices("max_gap", "max"))
    min_ratio: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _gap_or_ratio(self) -> TstrParams:
        if self.min_ratio is not None and any(v is not None for v in (self.max, self.within, self.max_excess)):
            raise ValueError("give min_ratio, or a limit of the gap")
        return self

    @property
    def joins(self) -> bool:
        return self.view == "joined"


class TrtsParams(ScoredParams, GateParams):
    """Parameters of ``trts``, beside the gate's.

    Args:
        max: or ``max_gap``, in units of the metric. Default: 0.05, and 0.1 for a table made under ``epsilon``.
    """

    max: float | None = Field(default=None, ge=0, validation_alias=AliasChoices("max_gap", "max"))


def default_gap(context: AuditContext) -> Default:
    return GAP if context.training is None else GAP_UNDER_EPSILON


def _viewed(context: AuditContext, params: TstrParams) -> AuditContext | None:
    """The rows that are predicted from; None where nothing is to be joined to them."""
    if params.view != "joined":
        return context
    if context.family is None and context.schema.entity is None:
        return None
    return replace(joined_view(context), repeats=context.repeats)


def _trainings(context: AuditContext, params: TstrParams) -> list[Repeat]:
    """Of the models of each side, and of its halves."""
    viewed = _viewed(context, params)
    columns = "nothing is joined" if viewed is None else columns_of(viewed, params)
    if viewed is None or isinstance(columns, str) or columns.kept.one_class:
        return []
    of: list[tuple[Problem, Side]] = [(columns.all, "train"), (columns.kept, "synthetic")]
    whole = [trained_told(viewed, params, problem, side) for problem, side in of]
    if columns.made_up:
        whole.append(trained_told(viewed, params, columns.kept, "train"))
    return [*whole, *(half for problem, side in of for half in halves_told(viewed, params, problem, side))]


@audit(
    "tstr",
    TstrParams,
    family="utility",
    version=3,
    needs=("train", "holdout"),
    apart=APART,
    repeats=_trainings,
)
def tstr(context: AuditContext, params: TstrParams) -> AuditResult:
    """How much worse is a model trained on synthetic rows than one trained on real ones, tested on held-out rows?

    Train on synthetic, test on real (Esteban, Hyland & Rätsch, 2017). The value is the gap: score of the model trained
    on real rows minus that of the one trained on as many synthetic rows, on the same held-out rows; at or below zero,
    synthetic rows do as well. With ``min_ratio`` it is the ratio of the two scores instead. The model of real rows
    learns from all columns, free text that the table makes up too (:mod:`.worth`), so that the gap holds what is lost
    with them; its score without them is told beside. Keys and personal data count on neither side. Interval: 95 %,
    from 200 draws of the held-out rows with replacement, the same for both models, with the variance of drawing other
    training rows added, as models of disjoint halves of each side show it (:func:`.tasks.training_variance`); in a
    joined view, entities are drawn, and halves are of entities. Floor: the mean gap between models of two halves of
    the real rows, a little more than whole tables of as many rows would show.
    """
    ratio = params.min_ratio is not None
    gate = ShareParams(min=params.min_ratio, decide=params.decide) if ratio else params
    default = default_gap(context)
    threshold = limit_of(gate, None, default).text
    viewed = _viewed(context, params)
    if viewed is None:
        return AuditResult(None, "skipped", threshold, message="the table hangs together with nothing (view: joined)")
    context = viewed
    columns = columns_of(context, params)
    if isinstance(columns, str):
        return AuditResult(None, "inconclusive", threshold, message=columns)
    problem = columns.kept
    scorer = problem.scorer(params)
    truth = problem.test[1]
    real, fake = tested(context, params, columns.all, "train"), tested(context, params, problem, "synthetic")
    scores = {**columns.worth(context, params, scorer), "synthetic": scorer.score(truth, fake)}
    message = f"{scorer.name}: {scores['real']:.3f} trained on real rows{columns.in_words(scores)}"
    message += f", {scores['synthetic']:.3f} on synthetic ones{_unseen(problem)}"
    details = {
        "metric": scorer.name,
        "scores": scores,
        "ratio": scores["synthetic"] / scores["real"] if scores["real"] > 0 else None,
        "task": problem.task,
        "estimator": params.estimator or DEFAULTS[problem.task],
        "training_rows": problem.size,
        "test_rows": len(truth),
        **columns.details,
    }
    if problem.one_class:
        gone = "the synthetic rows have one class of the target only"
        gap = scores["real"] - scores["synthetic"]
        return AuditResult(gap, "fail", threshold, gap, gap, message=f"{gone}. Try {ADVICE}", details=details)
    sides: Mapping[Side, Problem] = {"train": columns.all, "synthetic": problem}
    gaps = {
        side: [scorer.score(truth, a) - scorer.score(truth, b) for a, b in half_tested(context, params, task, side)]
        for side, task in sides.items()
    }
    errors = {side: training_variance(found) for side, found in gaps.items()}
    details["error_of_training"] = {side: error**0.5 for side, error in errors.items()}
    if ratio and scores["real"] <= 0:
        return AuditResult(None, "inconclusive", threshold, message=f"{message}: no ratio to a score of 0 or less")
    whose = entities(context, "holdout")
    whose = None if whose is None else whose[problem.kept["holdout"]]
    found = (_ratio if ratio else _gap)(context, scorer, truth, real, fake, gaps, errors, whose)
    return gated(gate, found, default, message, advice=columns.advice(scores, ADVICE), details=details)


def _unseen(problem: Problem) -> str:
    if problem.task != "classification":
        return ""
    gone = sorted(set(problem.train[1]) - set(problem.synthetic[1]))
    return f"; the synthetic rows lack the class {gone[0]!r}" if gone else ""


Gaps = Mapping[Side, list[float]]
Errors = Mapping[Side, float]


def _gap(
    context: AuditContext,
    scorer: Scorer,
    truth: Array,
    real: Answers,
    fake: Answers,
    gaps: Gaps,
    errors: Errors,
    whose: Array | None,
) -> Estimate:
    def gap(drawn: Array) -> float:
        return scorer.score(truth[drawn], real.take(drawn)) - scorer.score(truth[drawn], fake.take(drawn))

    value = scorer.score(truth, real) - scorer.score(truth, fake)
    ends = bootstrap(gap, len(truth), context.rng("tstr bootstrap", len(truth)), whose)
    low, high, error = widened(value, ends, errors["train"] + errors["synthetic"])
    floor = sum(abs(g) for g in gaps["train"]) / len(gaps["train"])
    return Estimate(value, low, high, floor, ONE_SIDED * error)


def _ratio(
    context: AuditContext,
    scorer: Scorer,
    truth: Array,
    real: Answers,
    fake: Answers,
    gaps: Gaps,
    errors: Errors,
    whose: Array | None,
) -> Estimate:
    def kept(drawn: Array) -> float:
        score = scorer.score(truth[drawn], real.take(drawn))
        return scorer.score(truth[drawn], fake.take(drawn)) / score if score > 0 else float("nan")

    score = scorer.score(truth, real)
    value = scorer.score(truth, fake) / score
    ends = bootstrap(kept, len(truth), context.rng("tstr bootstrap", len(truth)), whose)
    low, high, error = widened(value, ends, (errors["synthetic"] + value**2 * errors["train"]) / score**2)
    floor = 1 - sum(abs(g) for g in gaps["train"]) / len(gaps["train"]) / score
    return Estimate(value, low, high, floor, 1 - ONE_SIDED * error)


@audit("trts", TrtsParams, family="utility", version=2, needs=("train", "holdout"), between=POSITIVE, apart=APART)
def trts(context: AuditContext, params: TrtsParams) -> AuditResult:
    """How differently does a model trained on real rows do on synthetic rows than on held-out real ones?

    Train on real, test on synthetic (Esteban, Hyland & Rätsch, 2017). The value is the absolute gap of the model's two
    scores: synthetic rows that are harder have lost what predicts the target, easier ones have lost what blurs it (or
    repeat rows that were trained on). The model learns from all columns, free text that the table makes up too, as
    somebody's model of the real rows does; what it scores without them is told beside. Blind to what the synthetic rows
    lack: a table of one mode may pass, so use it beside ``tstr``. Interval: 95 %, from 200 draws of either side's test
    rows; the model is the same on both, so the error of its training falls out. Floor: the gap of a model trained on
    one half of the real training rows between the other half and the held-out rows.
    """
    default = default_gap(context)
    threshold = limit_of(params, None, default).text
    columns = columns_of(context, params)
    if isinstance(columns, str):
        return AuditResult(None, "inconclusive", threshold, message=columns)
    problem = columns.all
    if len(problem.synthetic[1]) < FEWEST_TEST:
        message = f"too few rows to tell: {len(problem.synthetic[1])} synthetic rows have a target"
        return AuditResult(None, "inconclusive", threshold, message=message)
    if problem.one_class:
        message = f"the synthetic rows have one class of the target only. Try {ADVICE}"
        return AuditResult(None, "fail", threshold, message=message)
    scorer = problem.scorer(params)
    model = trained(context, params, problem, "train")
    sides = {
        "real": (problem.test[1], tested(context, params, problem, "train")),
        "synthetic": (problem.synthetic[1], tell(model, problem, problem.synthetic[0])),
    }
    scores = {side: scorer.score(truth, found) for side, (truth, found) in sides.items()}
    low, high, noise = _between(context, scorer, sides)
    value = abs(scores["real"] - scores["synthetic"])
    floor = _trts_floor(context, params, problem, scorer)
    easier = "easier" if scores["synthetic"] > scores["real"] else "harder"
    message = (
        f"{scorer.name} of the model trained on real rows: {scores['real']:.3f} on held-out rows, "
        f"{scores['synthetic']:.3f} on synthetic ones, which are {easier}"
    )
    details: dict[str, Any] = {"metric": scorer.name, "scores": scores, "training_rows": problem.size}
    if columns.made_up:
        part = _without(context, params, columns, scorer)
        message += f"; {part['real']:.3f} and {part['synthetic']:.3f} without what the table makes up ({columns.named})"
        details |= {"without_made_up": part, **columns.details}
    found = Estimate(value, *of_size(low, high), floor, noise)
    return gated(params, found, default, message, advice=ADVICE, details=details)


def _without(context: AuditContext, params: TrtsParams, columns: Columns, scorer: Scorer) -> dict[str, float]:
    """What the model that does not see the made-up columns scores on either side."""
    part = columns.kept
    made = tell(trained(context, params, part, "train"), part, part.synthetic[0])
    return {
        "real": columns.worth(context, params, scorer)["without_made_up"],
        "synthetic": scorer.score(part.synthetic[1], made),
    }


def _between(
    context: AuditContext, scorer: Scorer, sides: Mapping[str, tuple[Array, Answers]]
) -> tuple[float, float, float]:
    """The signed gap's interval over draws of both sides, and what its size reaches by chance in 1 % of tables."""
    rng = context.rng("trts bootstrap")
    (truth, real), (made, fake) = sides["real"], sides["synthetic"]

    def gap(drawn: Array) -> float:
        other = rng.integers(len(made), size=len(made))
        return scorer.score(truth[drawn], real.take(drawn)) - scorer.score(made[other], fake.take(other))

    low, high = bootstrap(gap, len(truth), context.rng("trts real", len(truth)))
    return low, high, (high - low) / 2 * RARELY


def _trts_floor(context: AuditContext, params: TrtsParams, problem: Problem, scorer: Scorer) -> float:
    """With the first of the half models that ``tstr`` trains."""
    _, second = halves_of(context, problem, "train")
    model = half_models(context, params, problem, "train")[0][0]
    other = scorer.score(second[1], tell(model, problem, second[0]))
    return abs(scorer.score(problem.test[1], tell(model, problem, problem.test[0])) - other)
