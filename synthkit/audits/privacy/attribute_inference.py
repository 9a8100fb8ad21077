"""Can an attacker who knows the rest of a person's record infer a secret from the synthetic table?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import RISK, AuditResult, ColumnNames, ColumnResult, audit
from synthkit.audits.measures.exact import floats
from synthkit.audits.measures.statistics import ONE_SIDED, Z
from synthkit.audits.privacy.attacks import AttackParams, Rates, attack_risk, judged, number_of_attacks, too_few
from synthkit.audits.privacy.population import attacked_columns
from synthkit.audits.rows.features import encoding, sample_rows
from synthkit.audits.rows.marginals import category_key, number_key
from synthkit.audits.rows.neighbours import Part, nearest_rows, space
from synthkit.audits.rows.proportions import Share, wilson

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_SIDES: tuple[Side, ...] = ("train", "holdout")


class InferenceParams(AttackParams):
    """Parameters of ``attribute_inference``, beside those of all attacks.

    Args:
        secrets: the columns to infer; each is attacked in full and each must pass. Default: all, each of an equal part
            of the people, with one risk over all attacks together.
        known: what the attacker knows of a person; default: all modelled columns but the secret.
        tolerance: a number is inferred where the guess is off by at most this part of itself, a date by this part of
            the column's spread.
    """

    secrets: ColumnNames | None = None
    known: ColumnNames | None = None
    tolerance: float = Field(default=0.05, ge=0, lt=1)


@dataclass(frozen=True)
class Attacked:
    """Successes on training people, held-out people, and of naive guesses on the training people, for one secret."""

    secret: str
    train: Array
    holdout: Array
    naive: Array

    def rates(self) -> Rates:
        return _rates([self])


@audit(
    "attribute_inference", InferenceParams, family="privacy", needs=("train", "holdout"), between=RISK, apart="attacks"
)
def attribute_inference(context: AuditContext, params: InferenceParams) -> AuditResult:
    """Can a secret be inferred from the rest of a person's record? Risk beyond the control's (anonymeter)

    Attacker: has the table and all columns of a person but one. Goal: that one. Attack: the value in the synthetic row
    that is nearest in what is known. Baseline: the value of a synthetic row picked by chance. Control: held-out people,
    about whom the attacker learns what holds for the population (that smokers cough is no breach of a smoker's
    privacy, and why a synthetic table is made). Risk: (main − control) / (1 − control), Wilson's intervals joined by
    MOVER.

    Without ``secrets`` each person is attacked for one column, all columns alike often, and the rates are taken over
    all attacks: one measure, no multiple comparisons; the columns' own risks are listed, and none decides. With them
    each secret must pass, and the noise that one must exceed to fail shares its 5 % among them (Bonferroni).

    A pass means that this attack learns no more about training people than about others.
    """
    if (few := too_few(context, params)) is not None:
        return few
    columns = attacked_columns(context)
    secrets = params.secrets or columns
    known = {s: tuple(c for c in params.known or columns if c != s) for s in secrets}
    if not secrets or not all(known.values()):
        return AuditResult(None, "skipped", message="two modelled columns are needed: one to infer, one to know")
    size = number_of_attacks(context, params)
    if params.secrets is None:
        found = [_attack(context, params, s, known[s], size, (i, len(secrets))) for i, s in enumerate(secrets)]
        return _pooled(params, found)
    found = [_attack(context, params, s, known[s], size, (0, 1)) for s in secrets]
    return _each(params, found)


def _pooled(params: InferenceParams, found: list[Attacked]) -> AuditResult:
    rates = _rates(found)
    columns = sorted(_own_risks(found), key=lambda c: -(c.value or 0.0))
    details = {"attacks": {"train": _count(found, "train"), "holdout": _count(found, "holdout")}}
    what = "a column is inferred for"
    return judged(params, rates, attack_risk(rates), what, details, columns)


def _each(params: InferenceParams, found: list[Attacked]) -> AuditResult:
    """Every secret must pass: the worst one's verdict."""
    from scipy.stats import norm

    alone = float(norm.isf(0.05 / len(found)))
    results = []
    for one in found:
        rates = one.rates()
        estimate = attack_risk(rates)
        if estimate is not None and estimate.noise is not None:
            wider = estimate.noise * alone / ONE_SIDED
            low = estimate.value - (estimate.value - estimate.low) * max(alone, Z) / Z
            estimate = type(estimate)(estimate.value, low, estimate.high, estimate.floor, wider)
        details = {"attacks": {"train": len(one.train), "holdout": len(one.holdout)}}
        results.append(judged(params, rates, estimate, f"{one.secret!r} is inferred for", details))
    rank = {"fail": 0, "inconclusive": 1, "pass": 2}
    order = sorted(range(len(found)), key=lambda i: (rank[results[i].status], -(results[i].value or 0.0)))
    columns = []
    for i in order:
        r = results[i]
        columns.append(ColumnResult(found[i].secret, r.value, r.status, r.ci_low, r.ci_high, r.floor, r.message))
    return replace(results[order[0]], columns=tuple(columns))


def _own_risks(found: list[Attacked]) -> list[ColumnResult]:
    columns = []
    for one in found:
        estimate = attack_risk(one.rates())
        if estimate is None:
            columns.append(ColumnResult(one.secret, None, "inconclusive", message="the control always succeeds"))
        else:
            value, low, high = estimate.value, estimate.low, estimate.high
            columns.append(ColumnResult(one.secret, value, "pass", low, high, 0.0, "not judged by itself"))
    return columns


def _rates(found: list[Attacked]) -> Rates:
    def share(side: str) -> Share:
        return wilson(int(sum(getattr(f, side).sum() for f in found)), _count(found, side))

    return Rates(share("train"), share("holdout"), share("naive").value)


def _count(found: list[Attacked], side: str) -> int:
    return sum(len(getattr(f, side)) for f in found)


def _attack(
    context: AuditContext,
    params: InferenceParams,
    secret: str,
    known: tuple[str, ...],
    size: int,
    turn: tuple[int, int],
) -> Attacked:
    """Attack every ``turn[1]``-th person for ``secret``, beginning with the ``turn[0]``-th."""
    import numpy as np

    half = Part(space(context, tuple(dict.fromkeys((*attacked_columns(context), *known)))), known)
    order = context.rng("inference").permutation(context.rows("synthetic"))
    guesses = _values(context, "synthetic", secret)[order]
    right: dict[str, Array] = {}
    for side in _SIDES:
        people = context.rng("targets", side).permutation(sample_rows(context, side, size, "inference"))
        people = np.sort(people[turn[0] :: turn[1]])
        best = nearest_rows(half, [(side, people)], ("synthetic", order))[0][:, 0]
        truth = _values(context, side, secret)[people]
        right[side] = _right(context, secret, guesses[best], truth, params.tolerance)
        if side == "train":
            naive = context.rng("naive", secret).choice(guesses, len(people))
            right["naive"] = _right(context, secret, naive, truth, params.tolerance)
    return Attacked(secret, right["train"], right["holdout"], right["naive"])


def _values(context: AuditContext, side: Side, column: str) -> Array:
    """The column as floats, NaN where missing, or as texts and None."""
    import numpy as np

    def read() -> Array:
        key = number_key(context, column) or category_key(context, column)
        number = number_key(context, column) is not None and column not in encoding(context, (column,)).codes
        found = context.column(side, key)
        if number:
            return floats(found)
        return np.asarray(found.to_pylist(), dtype=object)

    return context.shared(("secret", side, column), read)


def _right(context: AuditContext, column: str, guess: Array, truth: Array, tolerance: float) -> Array:
    import numpy as np

    if guess.dtype == object:
        return np.asarray(guess == truth, dtype=bool)
    allowed = tolerance * np.abs(guess)
    if context.schema.by_name[column].type in ("date", "datetime", "time"):
        allowed = np.full(len(guess), tolerance * float(np.nanstd(_values(context, "train", column))))
    return np.asarray((np.abs(guess - truth) <= allowed) | (np.isnan(guess) & np.isnan(truth)), dtype=bool)
