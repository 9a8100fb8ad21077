"""Attacks on the published table: what could somebody learn about the people it was trained on?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AliasChoices, Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, ColumnNames, audit
from synthkit.audits.gate import Default, Estimate, GateParams, gated, limit_of, untold
from synthkit.audits.measures.sorting import distinct
from synthkit.audits.measures.statistics import auc_by_entity, delong, tpr_at_fpr, tpr_interval
from synthkit.audits.privacy.membership_scores import classifier, density_ratio
from synthkit.audits.privacy.population import COPY_LESS, units
from synthkit.audits.privacy.shadows import likelihood_ratio, shadow_trainings
from synthkit.audits.privacy.theory import limits
from synthkit.audits.repeats import Repeat
from synthkit.audits.rows.features import sample_rows, usable
from synthkit.audits.rows.links import whose
from synthkit.audits.rows.neighbours import nearest_rows, space

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FEWEST = 50  # members (and as many non-members) below which nothing can be told
FEWEST_PEOPLE = 10  # whose rows are attacked on a side, where people have several
ENOUGH = 1_000  # members, for an interval of about ±0.025; more are attacked where that is cheap
WORK = 1e9  # members × rows searched, above which fewer members are attacked (never fewer than ENOUGH)
COIN = 0.5
DEFAULT: Default = {"max": 0.6}
SMOOTHING = 0.01  # of the median reference distance: keeps an exact copy's score finite


class MembershipParams(GateParams):
    """Parameters of ``membership_inference``, beside the gate's.

    Args:
        max: or ``max_auc``, the largest AUC of the attack that passes; 0.5 is a coin. Default: 0.6.
        max_tpr: the largest share of members that may be found at 1 % false alarms; fails where its interval is above.
        attack: ``distance``; ``density``, a ratio of kernel densities; ``classifier``, a forest that tells synthetic
            rows from the reference (slower); ``shadow``, which trains the model's generator ``shadows`` times (LiRA).
        shadows: models that ``attack: shadow`` trains, each on half of the real rows; at least 4.
        features: the columns that the attacker knows; default: all that are modelled.
        max_rows: members (and as many non-members) attacked; fewer, down to 1,000, where the table is so large that
            searching all of it for each of them would take minutes.
    """

    max: float | None = Field(default=None, ge=0.5, le=1, validation_alias=AliasChoices("max_auc", "max"))
    max_tpr: float = Field(default=0.05, ge=0.01, le=1)
    attack: Literal["distance", "density", "classifier", "shadow"] = "distance"
    shadows: int = Field(default=16, ge=4, le=1_000)
    features: ColumnNames | None = None
    max_rows: int = Field(default=5_000, ge=FEWEST)

    @property
    def trains(self) -> bool:
        return self.attack == "shadow"


def _aimed(
    context: AuditContext, params: MembershipParams, threshold: str | None
) -> tuple[tuple[str, ...], int] | AuditResult:
    """The columns that the attacker compares, and how many members and non-members are attacked; or why none are."""
    columns = params.features or usable(context)
    if params.trains:
        if context.recipe is None:
            return AuditResult(None, "skipped", threshold, message="no generator is known that could be trained again")
        columns = tuple(c for c in columns if c in context.recipe.schema.by_name)
    if not columns:
        return AuditResult(None, "skipped", threshold, message="no column is modelled, so nothing was learnt")
    held_out = context.rows("holdout")
    affordable = max(ENOUGH, int(WORK / (context.rows("synthetic") + held_out + 1)))
    size = min(params.max_rows, affordable, held_out // 2, context.rows("train"))
    if size < FEWEST or context.rows("synthetic") < 2:
        halved = f"{held_out} held-out rows are halved into non-members and reference"
        clause, theory = limits(context.training)
        return untold(f"{halved}, and at least {FEWEST} members are needed{clause}", threshold, **theory)
    if not len(halves(context, size)[1]):
        clause, theory = limits(context.training)
        one_of = "one row makes up" if _several(context) is None else "one person's rows make up"
        alike = f"{one_of} half of the {held_out} held-out ones or more, and no reference is left"
        return untold(f"{alike}{clause}", threshold, **theory)
    people = people_of(context, size)
    if people is not None and (many := min(len(set(of.tolist())) for of in people)) < FEWEST_PEOPLE:
        clause, theory = limits(context.training)
        said = (
            f"the rows that are attacked are those of {many} people on a side, and at least {FEWEST_PEOPLE} are needed"
        )
        return untold(f"{said}{clause}", threshold, **theory)
    return tuple(columns), size


def _trainings(context: AuditContext, params: MembershipParams) -> list[Repeat]:
    """Of the shadow models."""
    aimed = _aimed(context, params, None) if params.trains else None
    if aimed is None or isinstance(aimed, AuditResult):
        return []
    columns, size = aimed
    members, (non_members, _) = sample_rows(context, "train", size, "membership"), halves(context, size)
    return shadow_trainings(context, columns, members, non_members, params.shadows)


@audit(
    "membership_inference",
    MembershipParams,
    family="privacy",
    version=5,
    needs=("train", "holdout"),
    between=SHARE,
    repeats=_trainings,
    samples_real=True,  # members and reference are samples of the real rows in any case
)
def membership_inference(context: AuditContext, params: MembershipParams) -> AuditResult:
    """Can an attacker tell rows that were trained on from rows that were not? AUC of the attack, 0.5 is a coin.

    Attacker: has the published table, complete records of some people, and a reference sample R of others from
    the same population; wants to know who was trained on (DOMIAS, van Breugel et al., AISTATS 2023, with
    distances in place of densities). Score of a record: log((d_R + e) / (d_S + e)), its distance to the nearest
    reference row over that to the nearest synthetic row, so that a record is not called a member merely because
    it is common. Members: training rows; non-members: as many held-out rows; R: the other half of the held-out rows,
    with no row equal to one of the first, or where people have several rows none of the same person's. Baseline: a
    coin, AUC 0.5. Control: the non-members, who score alike where the table was not made from the members. Other
    attacks: :mod:`.membership_scores`, and :mod:`.shadows`, whose attacker also knows the generator with its
    parameters, and can train it.

    The interval is DeLong's over the attacked rows; where people have several, Obuchowski's (Biometrics 53, 1997), as
    these are found together, and the share below is of one row of each. An AUC hides a few who are found for sure (10 %
    copies: 0.55), so the audit also fails where the interval of the share found at 1 % false alarms lies above
    ``max_tpr`` (Carlini et al., IEEE S&P 2022). A pass means that *this* attack failed, not that none works.
    """
    threshold = limit_of(params, COIN, DEFAULT).text
    aimed = _aimed(context, params, threshold)
    if isinstance(aimed, AuditResult):
        return aimed
    columns, size = aimed
    people = people_of(context, size)
    members, others = attack_scores(context, columns, size, params.attack, params.shadows)
    value, low, high = delong(members, others) if people is None else auc_by_entity(members, others, *people)
    one, other = (members, others) if people is None else (one_each(members, people[0]), one_each(others, people[1]))
    details: dict[str, Any] = {
        "members": size,
        "reference": len(halves(context, size)[1]),
        "tpr_at_1_percent_fpr": tpr_at_fpr(members, others, 0.01),
        "tpr_at_1_percent_fpr_interval": tpr_interval(one, other, 0.01),
        "tpr_at_0.1_percent_fpr": tpr_at_fpr(members, others, 0.001),
        "tpr_at_0.1_percent_fpr_interval": tpr_interval(one, other, 0.001),
        "attack": params.attack,
        "columns": list(columns),
    }
    message = f"the attack tells members from non-members with AUC {value:.3f}, a coin with 0.5"
    clause, theory = limits(context.training, low)
    details |= theory
    result = gated(params, Estimate(value, low, high, COIN), DEFAULT, message, details=details, advice=COPY_LESS)
    found = details["tpr_at_1_percent_fpr_interval"][0]
    if result.status != "fail" and found > params.max_tpr:
        why = f"at least {found:.1%} of the members are found at 1 % false alarms, above {params.max_tpr:g}"
        result = replace(result, status="fail", message=f"{message}, but {why}. Try {COPY_LESS}")
    return replace(result, message=result.message + clause)


def attack_scores(
    context: AuditContext, columns: tuple[str, ...], size: int, attack: str = "distance", shadows: int = 0
) -> tuple[Array, Array]:
    """Scores of ``size`` members and of as many non-members; higher means "was trained on"."""
    import numpy as np

    non_members, reference = halves(context, size)
    members = sample_rows(context, "train", size, "membership")
    if attack == "shadow":
        scores = likelihood_ratio(context, columns, members, non_members, shadows)
        return scores[: len(members)], scores[len(members) :]
    attacked: list[tuple[Side, Array]] = [("train", members), ("holdout", non_members)]
    if attack == "density":
        scores = density_ratio(context, columns, attacked, reference)
        return scores[: len(members)], scores[len(members) :]
    if attack == "classifier":
        seed = int(context.rng("membership classifier").integers(2**31))
        scores = classifier(context, columns, members, non_members, reference, seed)
        return scores[: len(members)], scores[len(members) :]
    # All synthetic rows: of a copy of n rows, a sample of m would show only m / n of the members.
    everything = np.arange(context.rows("synthetic"))
    points = space(context.passing(), columns)  # rows as numbers take as much as the rows: they are let go
    to_synthetic = nearest_rows(points, attacked, ("synthetic", everything))[1][:, 0]
    to_reference = nearest_rows(points, attacked, ("holdout", reference))[1][:, 0]
    smoothing = SMOOTHING * (float(np.median(to_reference)) or 1.0)
    scores = np.log((to_reference + smoothing) / (to_synthetic + smoothing))
    return scores[: len(members)], scores[len(members) :]


def _several(context: AuditContext) -> tuple[Array, Array] | None:
    """Whose each training and each held-out row is, where people have several; None where each is somebody's own."""
    assert context.holdout is not None
    if context.holdout.schema.privacy_unit is None and whose(context, "holdout") is None:
        return None
    train, holdout = units(context)
    return (train, holdout) if len(distinct(holdout)) < len(holdout) else None


def people_of(context: AuditContext, size: int) -> tuple[Array, Array] | None:
    """Whose the attacked rows are, members and non-members, where people have several."""
    found = _several(context)
    if found is None:
        return None
    return found[0][sample_rows(context, "train", size, "membership")], found[1][halves(context, size)[0]]


def one_each(scores: Array, people: Array) -> Array:
    """The score of one row of each person."""
    import numpy as np

    return np.asarray(scores[np.unique(people, return_index=True)[1]])


def halves(context: AuditContext, size: int) -> tuple[Array, Array]:
    """Held-out rows for non-members (``size`` at most) and for the reference, divided as the split divides.

    Equal rows never lie on both sides of the train/holdout split, so a member has no equal in the reference. A
    non-member must not have one either, or the attack would see nothing but duplicates. Where people have several rows,
    the split keeps a person's together, and so do the halves: rows of two people may be equal across either. Where one
    row, or one person's, make up half of the held-out ones or more, the reference is empty.
    """
    return context.shared(("halves", size), lambda: _halves(context, size))


def _halves(context: AuditContext, size: int) -> tuple[Array, Array]:
    import numpy as np

    people = _several(context)
    if people is None:
        whose_row = np.asarray(context.column("holdout", "hash(holdout)").to_numpy(), dtype=np.uint64)
    else:
        whose_row = people[1]
    _, group = np.unique(whose_row, return_inverse=True)
    place = context.rng("membership", len(group)).permutation(int(group.max()) + 1)
    order = np.argsort(place[group], kind="stable")
    cut = len(group) // 2
    while 0 < cut < len(group) and group[order[cut]] == group[order[cut - 1]]:
        cut += 1
    others = order[:cut] if cut <= size else context.rng("non-members", size).choice(order[:cut], size, replace=False)
    return np.sort(others), np.sort(order[cut:])
